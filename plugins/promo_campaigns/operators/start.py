"""The Start block."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from promo_campaigns.delivery.batch_payload import NO_RUN
from promo_campaigns.hooks.dry_run import write_rehearsal
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.preview_files import preview_folder
from promo_campaigns.hooks.transport import build_transport
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.limits import limits_of
from promo_campaigns.model.parameters import (
    code_request,
    contact_ids_of,
    deadline_of,
    flag_of,
    mode_of,
    name_of,
    optional_text,
    percent_of,
    word_of,
)
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_key import SCHEDULED, run_key
from promo_campaigns.operators.base.rescheduling import rescheduled
from promo_campaigns.operators.base.store_operator import StoreOperator
from promo_campaigns.operators.base.task_slots import batch_size_of, task_slots
from promo_campaigns.operators.base.workflow_checks import asks_approval, check_connections, check_wiring

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from promo_campaigns.model.run_spec import Audience, RunSpec
    from promo_campaigns.preview.rows import PreviewReport

RUN_ID_KEY = "run_id"
PREVIEW_KEY = "preview"
STOCK_POLL_S = 300.0


class StartOperator(StoreOperator):
    """Opens the run of this occurrence, freezes its audience and cuts it into batches.

    A scheduled or backfilled DAG run is the occurrence of its logical date; any other is the ``edition`` it names, or
    itself. Running it again finds the same run. Nothing is opened when the pool cannot serve everybody, unless
    ``stock`` says otherwise.

    Returns the batches, ``[{"run_id": 7, "first": 1, "last": 1000, …}, …]``, for ``.expand``; ``run`` is the run's id.
    A dry run opens nothing and returns no batches; it writes a preview, and its counts are the XCom ``preview``.

    :param message: name of a file in ``include/messages`` (templated)
    :param type: the pool to take codes from (templated)
    :param discount: 0 to 99, exact (templated)
    :param days: whole days a code must stay valid (templated)
    :param audience: name of a file in ``include/audiences`` (templated)
    :param contact_ids: the audience itself, in place of a file (templated)
    :param transport: the transport's name, as given to the Message block (templated)
    :param transport_conn_id: connection of the transport, as given to the Message block (templated)
    :param edition: names a manual send, so that two clicks are one send (templated)
    :param send_by: after which nobody is sent anything: a time in ISO 8601 with an offset, or a span after the
        occurrence such as ``2h``, in m, h or d; what does not stand for a date is its own occurrence (templated)
    :param quiet_hours: when nobody is given a code or sent anything, by the contact's own clock: ``21:00-09:00``, or by
        day ``mon-fri 21:00-09:00; sat,sun 20:00-11:00`` (templated)
    :param time_zone: of contacts that have none, for the quiet hours (templated)
    :param frequency_cap: messages of the channel that a contact may get within some time, this run's included, such as
        ``3/7d``; others are skipped (templated)
    :param mode: what to do when the run is closed already: ``missing`` sends to whoever it did not reach, ``profiles``
        writes profiles again and sends nothing, ``refuse`` is an error; by default what the run itself says, which is
        ``missing`` unless it was set (templated)
    :param stock: what to do when the pool is too small: ``fail``; ``partial`` serves as many as there are codes for, in
        the order of contact ids, and skips the others (``no code``), whom mode ``missing`` reaches later; ``wait``
        opens nothing before, and looks again every five minutes (templated)
    :param hold_out: percent of the reachable contacts who are kept without a code, the same ones in every run of the
        workflow, so that its effect can be measured (templated)
    :param reuse: what a contact gets who holds a code of the type and discount already, from whatever run: another one,
        ``new each run``; or that one again while it is valid for ``days``, ``same until it expires`` (templated)
    :param preview_only: write a preview and send nothing (templated)
    :param preview_folder: where previews go, on any storage; by default option ``[promo_campaigns] preview_folder``,
        else ``previews`` beside the DAGs (templated)
    :param batch_size: contacts a batch, raised where there would be more than 1,000 batches; by default as many as keep
        the task slots at work and an XCom under a megabyte (templated)
    :param workflow: name of the workflow; by default the DAG's id
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises PoolShortageError: the pool holds fewer codes than the open runs need
    :raises RunClosedError: the run is closed, and the mode is ``refuse``
    :raises RunSpecChangedError: the occurrence was opened with another definition
    :raises ConfigurationError: a parameter or a definition file is wrong, a data source's connection is missing or
        wrong, or its block stands on the wrong side of the message
    """

    template_fields: Sequence[str] = (
        "message",
        "type",
        "discount",
        "days",
        "audience",
        "contact_ids",
        "transport",
        "transport_conn_id",
        "edition",
        "send_by",
        "quiet_hours",
        "time_zone",
        "frequency_cap",
        "mode",
        "stock",
        "hold_out",
        "reuse",
        "preview_only",
        "preview_folder",
        "batch_size",
        "promo_db_conn_id",
    )
    ui_color = "#dff3e4"

    def __init__(
        self,
        *,
        message: str,
        type: str,  # noqa: A002  (the vendor's name for it, see the design's words)
        discount: int | str,
        days: int | str,
        audience: str = "",
        contact_ids: Sequence[int] | str = (),
        transport: str = "inbox",
        transport_conn_id: str | None = None,
        edition: str = "",
        send_by: str = "",
        quiet_hours: str = "",
        time_zone: str = "UTC",
        frequency_cap: str = "",
        mode: str = "",
        stock: str = "fail",
        hold_out: float | str = 0,
        reuse: str = Reuse.NEW.value,
        preview_only: bool | str = False,
        preview_folder: str | None = None,
        batch_size: int | str | None = None,
        workflow: str | None = None,
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.message = message
        self.type = type
        self.discount = discount
        self.days = days
        self.audience = audience
        self.contact_ids = contact_ids
        self.transport = transport
        self.transport_conn_id = transport_conn_id
        self.edition = edition
        self.send_by = send_by
        self.quiet_hours = quiet_hours
        self.time_zone = time_zone
        self.frequency_cap = frequency_cap
        self.mode = mode
        self.stock = stock
        self.hold_out = hold_out
        self.reuse = reuse
        self.preview_only = preview_only
        self.preview_folder = preview_folder
        self.batch_size = batch_size
        self.workflow = workflow
        self.include_folder = include_folder

    @property
    def run(self) -> XComArg:
        """The run's id, for the End block."""
        return XComArg(self, key=RUN_ID_KEY)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Open the run, or find it; or rehearse it."""
        if flag_of("preview_only", self.preview_only):
            report = self.rehearse(context)
            context["ti"].xcom_push(key=PREVIEW_KEY, value=report.as_dict())
            context["ti"].xcom_push(key=RUN_ID_KEY, value=NO_RUN)
            return []
        with rescheduled(self, wait_s=STOCK_POLL_S):
            return self._open(context)

    def resume(self, context: Context, event: object = None) -> list[dict[str, Any]]:  # noqa: ARG002  (Airflow's signature)
        """Look again whether there are codes for everybody."""
        with rescheduled(self, wait_s=STOCK_POLL_S):
            return self._open(context)

    def rehearse(self, context: Context) -> PreviewReport:
        """Write what the run would do to each contact, as CSV and, with pyarrow, as Parquet."""
        spec = self._spec(context)
        folder = preview_folder(optional_text(self.preview_folder))
        with self.hook.connect() as connection:
            report = write_rehearsal(
                connection,
                spec,
                run_key=self._run_key(context, spec.workflow),
                folder=folder,
                include=include_folder(self.include_folder),
                send_by=self._send_by(context),
            )
        self.log.info("Preview of %d contacts: %s; see %s", report.contacts, report.states, ", ".join(report.files))
        return report

    def _open(self, context: Context) -> list[dict[str, Any]]:
        from promo_campaigns.ledger.runs import open_run, read_batches

        spec = self._spec(context)
        batch_size = batch_size_of(self.batch_size)
        with self.hook.connect() as connection:
            run = open_run(
                connection,
                spec,
                run_key=self._run_key(context, spec.workflow),
                send_by=self._send_by(context),
                mode=mode_of(self.mode),
                stock_policy=word_of(StockPolicy, "stock", self.stock),
                approval=asks_approval(self),
            )
            batches = read_batches(connection, run, batch_size, task_slots=task_slots(self))
        self.log.info("Run %s (%s) has %d batches", run.run_id, run.run_key, len(batches))
        context["ti"].xcom_push(key=RUN_ID_KEY, value=run.run_id)
        return [asdict(batch) for batch in batches]

    def _spec(self, context: Context) -> RunSpec:
        """Read the definition, and find what is wrong with it before anything is opened."""
        from promo_campaigns.definitions.definitions import read_run_spec, require_carried

        include = include_folder(self.include_folder)
        spec = read_run_spec(
            include,
            workflow=self.workflow or self.dag_id,
            audience=self._audience(),
            contact_ids=contact_ids_of(self.contact_ids),
            message=name_of("message", self.message),
            codes=code_request(self.type, self.discount, self.days),
            transport=name_of("transport", self.transport),
            transport_conn_id=optional_text(self.transport_conn_id),
            hold_out=percent_of("hold_out", self.hold_out),
        )
        check_wiring(self, context, include, spec)
        check_connections(include, spec)
        require_carried(include, spec.message, build_transport(spec, self.hook.dsn))
        limits = limits_of(
            quiet_hours=optional_text(self.quiet_hours),
            time_zone=optional_text(self.time_zone) or "UTC",
            frequency_cap=optional_text(self.frequency_cap),
        )
        return replace(spec, limits=limits, reuse=word_of(Reuse, "reuse", self.reuse))

    def _send_by(self, context: Context) -> datetime | None:
        return deadline_of("send_by", self.send_by, occurrence=occurrence_of(context))

    def _audience(self) -> str | Audience:
        return optional_text(self.audience)

    def _run_key(self, context: Context, workflow: str) -> str:
        dag_run = context["dag_run"]
        return run_key(
            workflow=workflow,
            run_type=run_type_of(context),
            logical_date=dag_run.logical_date,
            edition=optional_text(self.edition),
            run_id=dag_run.run_id,
        )


def run_type_of(context: Context) -> str:
    """Return Airflow's type of the run, as text."""
    run_type = context["dag_run"].run_type
    return str(getattr(run_type, "value", run_type))


def occurrence_of(context: Context) -> datetime:
    """Return when what the run stands for happens: its date if it has one, else the moment it was asked for."""
    dag_run = context["dag_run"]
    dated = dag_run.logical_date if run_type_of(context) in SCHEDULED else None
    return dated or dag_run.run_after
