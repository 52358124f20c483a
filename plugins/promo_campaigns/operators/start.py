"""The Start block."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from promo_campaigns.core.limits import limits_of
from promo_campaigns.core.models import CodeRequest
from promo_campaigns.core.occurrence import SCHEDULED, run_key
from promo_campaigns.core.parameters import contact_ids_of, deadline_of, mode_of, name_of, optional_text, whole_number
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.transport import transport_of
from promo_campaigns.operators.store_operator import StoreOperator
from promo_campaigns.operators.wiring import check_connections, check_wiring

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

    from promo_campaigns.core.models import Audience, RunSpec

RUN_ID_KEY = "run_id"
MAX_DAYS = 36500


class StartOperator(StoreOperator):
    """Opens the run of this occurrence, freezes its audience and cuts it into batches.

    A scheduled or backfilled DAG run is the occurrence of its logical date; any other is the ``edition`` it names, or
    itself. Running it again finds the same run. Nothing is opened when the pool cannot serve everybody.

    Returns the batches, ``[{"run_id": 7, "first": 1, "last": 1000, …}, …]``, for ``.expand``; ``run`` is the run's id.

    :param message: name of a file in ``include/messages`` (templated)
    :param type: the pool to take codes from (templated)
    :param discount: 0 to 99, exact (templated)
    :param days: whole days a code must stay valid (templated)
    :param audience: name of a file in ``include/audiences`` (templated)
    :param contact_ids: the audience itself, in place of a file (templated)
    :param transport: the way out, as given to the Message block (templated)
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
    :param batch_size: contacts a batch, raised where there would be more than 1,000 batches (templated)
    :param workflow: name of the workflow; by default the DAG's id
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises PoolShortage: the pool holds fewer codes than the open runs need
    :raises RunClosed: the run is closed, and the mode is ``refuse``
    :raises RunSpecChanged: the occurrence was opened with another definition
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
        batch_size: int | str = 1000,
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
        self.batch_size = batch_size
        self.workflow = workflow
        self.include_folder = include_folder

    @property
    def run(self) -> XComArg:
        """The run's id, for the End block."""
        return XComArg(self, key=RUN_ID_KEY)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Open the run, or find it."""
        from promo_campaigns.adapters.runs import open_run, read_batches

        spec = self._spec(context)
        batch_size = whole_number("batch_size", self.batch_size, least=1, most=100_000)
        send_by = deadline_of("send_by", self.send_by, occurrence=occurrence_of(context))
        with self.hook.connect() as connection:
            key = self._run_key(context, spec.workflow)
            run = open_run(connection, spec, run_key=key, send_by=send_by, mode=mode_of(self.mode))
            batches = read_batches(connection, run, batch_size)
        self.log.info("Run %s (%s) has %d batches", run.run_id, run.run_key, len(batches))
        context["ti"].xcom_push(key=RUN_ID_KEY, value=run.run_id)
        return [asdict(batch) for batch in batches]

    def _spec(self, context: Context) -> RunSpec:
        """Read the definition, and find what is wrong with it before anything is opened."""
        from promo_campaigns.adapters.definitions import read_run_spec, require_carried

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
        )
        check_wiring(self, context, include, spec)
        check_connections(include, spec)
        require_carried(include, spec.message, transport_of(spec, self.hook.dsn))
        limits = limits_of(
            quiet_hours=optional_text(self.quiet_hours),
            time_zone=optional_text(self.time_zone) or "UTC",
            frequency_cap=optional_text(self.frequency_cap),
        )
        return replace(spec, limits=limits)

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


def code_request(type: object, discount: object, days: object) -> CodeRequest:  # noqa: A002  (the vendor's name)
    """Read the three parameters that choose codes; all are required, and discount 0 is a value.

    :raises ConfigurationError: one is missing or out of bounds
    """
    return CodeRequest(
        type=name_of("type", type),
        discount=whole_number("discount", discount, least=0, most=99),
        days=whole_number("days", days, least=0, most=MAX_DAYS),
    )
