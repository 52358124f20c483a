"""The Start block."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from promo_campaigns.delivery.batch_payload import NO_RUN
from promo_campaigns.model.oversight.first_share import DEFAULT_THEN, parse_start_with
from promo_campaigns.model.parameters import optional_text, parse_flag, parse_mode, parse_span
from promo_campaigns.operators.base.audience_operator import AudienceOperator, require_startable
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.live import is_live
from promo_campaigns.operators.base.occurrence import is_by_hand
from promo_campaigns.operators.base.rescheduling import rescheduled
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.task_slots import batch_size_of, task_slots
from promo_campaigns.operators.base.workflow_checks import asks_approval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow.sdk import Context

    from promo_campaigns.delivery.opening.start import StartRequest
    from promo_campaigns.model.run_spec import RunSpec

RUN_ID_KEY = "run_id"
PREVIEW_KEY = "preview"
STOCK_POLL_S = 300.0
_LIVE = (
    "the DAG {0} is on now, and sends by its schedule; pause it if that is not meant. "
    "The DAG dry_run previews a workflow without turning it on"
)


class StartOperator(AudienceOperator):
    """Opens the run of this occurrence, freezes its audience and cuts it into batches.

    A scheduled or backfilled DAG run is the occurrence of its logical date; any other is the ``edition`` it names, or
    itself. Running it again finds the same run. Nothing is opened when the pool cannot serve everybody, unless
    ``stock`` says otherwise.

    Returns the batches, ``[{"run_id": 7, "first": 1, "last": 1000, …}, …]``, for ``.expand``; ``run`` is the run's id.
    A dry run opens nothing and returns no batches; it writes a preview, and its counts are the XCom ``preview``.

    Takes the campaign's definition as ``CampaignOperator`` and ``AudienceOperator`` say, and:

    :param mode: what to do when the run is closed already: ``missing`` sends only to contacts that were not reached,
        ``profiles`` writes profiles again and sends nothing, ``refuse`` is an error; by default what the run itself
        says, which is ``missing`` unless it was set (templated)
    :param preview_only: write a preview and send nothing (templated)
    :param repeat: send again though a run of the same workflow, definition and audience was opened minutes ago
        (templated)
    :param confirm_repeats_within: the span, such as ``10m``, in which a manual run without an edition is refused if
        such a run was opened, unless ``repeat`` is true (templated)
    :param start_with: whom the run goes to before all others: a share of those who can be sent to, such as ``1 %``, or
        a number of contacts; the blocks between Start and End must stand in one mapped task group (templated)
    :param then: for how long the others wait once these have an outcome, such as ``15m``. The run then goes on, or
        pauses itself if more than ``abort_at`` of the first, however few, were refused or are unknown (templated)
    :param batch_size: contacts a batch, raised where there would be more than 1,000 batches; by default as many as keep
        the task slots at work and an XCom under a megabyte (templated)
    :raises PoolShortageError: the pool holds fewer codes than the open runs need
    :raises StartRefusedError: in a dry run, a run would not be opened
    :raises RunClosedError: the run is closed, and the mode is ``refuse``
    :raises RunSpecChangedError: the occurrence was opened with another definition
    :raises RepeatedRunError: the same was opened minutes ago
    :raises RunCancelledError: the run was cancelled
    :raises RestoredRunError: it may have been sent before the store was restored
    :raises ConfigurationError: a parameter or a definition file is wrong, a data source's connection is missing or
        wrong, or its block stands on the wrong side of the message
    """

    template_fields: Sequence[str] = (
        *AudienceOperator.template_fields,
        "mode",
        "preview_only",
        "batch_size",
        "repeat",
        "confirm_repeats_within",
        "start_with",
        "then",
    )
    operator_extra_links = (RunPageLink(),)
    ui_color = "#dff3e4"
    _asked: tuple[str, str] = ("", "")
    """The SELECT of its audience and the connection that it was asked of, once it was."""

    def __init__(
        self,
        *,
        mode: str = "",
        preview_only: bool | str = False,
        batch_size: int | str | None = None,
        repeat: bool | str = False,
        confirm_repeats_within: str = "10m",
        start_with: str | int = "",
        then: str = DEFAULT_THEN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.preview_only = preview_only
        self.batch_size = batch_size
        self.repeat = repeat
        self.confirm_repeats_within = confirm_repeats_within
        self.start_with = start_with
        self.then = then

    @property
    def run(self) -> XComArg:
        """The run's id, for the End block."""
        return XComArg(self, key=RUN_ID_KEY)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Open the run, or find it; or write its preview."""
        if not parse_flag("preview_only", self.preview_only):
            return self.resume(context)
        report = self.write_preview(context)
        if self._has_schedule() and is_live(context, self.dag_id):
            report.notes.append(_LIVE.format(self.dag_id))
            self.log.warning("%s", report.notes[-1])
        context["ti"].xcom_push(key=PREVIEW_KEY, value=report.as_dict())
        context["ti"].xcom_push(key=RUN_ID_KEY, value=NO_RUN)
        require_startable(report)
        return []

    def resume(self, context: Context, event: object = None) -> list[dict[str, Any]]:  # noqa: ARG002  (Airflow's signature)
        """Open the run, now or once there are codes for everybody."""
        from promo_campaigns.delivery.opening.start import start_run

        spec, batch_size = self.read_definition(context), batch_size_of(self.batch_size)
        self._asked = (spec.audience.sql, spec.audience.connection)
        with rescheduled(self, wait_s=STOCK_POLL_S), self.hook.connect() as connection:
            request = self.read_request(context, spec)
            started = start_run(connection, spec, request, batch_size, task_slots=task_slots(self))
        for note in (*started.notes, *self._schedule_notes()):
            self.log.warning("%s", note)
        context["ti"].xcom_push(key=RUN_ID_KEY, value=started.run.run_id)
        return [asdict(batch) for batch in started.batches]

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage from which pool and audience the run was opened."""
        return Lineage(
            store=self.promo_db_conn_id,
            reads=[f"codes/{self.type}", *(f"codes/{pool['type']}" for pool in self.next_pools or ()), "contacts"],
            select=self._asked,
            writes=[f"runs/{self.workflow or self.dag_id}"],
        ).told()

    def read_request(self, context: Context, spec: RunSpec) -> StartRequest:
        """Read how the run is to be opened."""
        return replace(
            super().read_request(context, spec),
            mode=parse_mode(self.mode),
            approval=asks_approval(self),
            abort_at=self.read_abort_at(),
            start_with=parse_start_with(self.start_with, self.then),
            confirm_within=self._confirm_within(context),
            due_at=context["dag_run"].run_after,
        )

    def _has_schedule(self) -> bool:
        """Tell whether the DAG of this block runs by itself; Airflow turns it on when it is triggered."""
        return bool(self.has_dag() and self.dag.schedule is not None)  # type: ignore[no-untyped-call]  # Airflow's

    def _schedule_notes(self) -> list[str]:
        """Return what is to be known of a run that a schedule opens."""
        from promo_campaigns.definitions.workflow_notes import NO_SEND_BY

        return [NO_SEND_BY] if self._has_schedule() and not optional_text(self.send_by) else []

    def _confirm_within(self, context: Context) -> timedelta | None:
        """Return how long before the same send must have been opened; None where it is meant."""
        if not is_by_hand(context) or optional_text(self.edition) or parse_flag("repeat", self.repeat):
            return None
        return parse_span("confirm_repeats_within", self.confirm_repeats_within)
