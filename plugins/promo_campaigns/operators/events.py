"""The Start block of a workflow that answers events, and what wakes its DAG."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.exceptions import AirflowSkipException

from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.model.errors import ConfigurationError, PromoError
from promo_campaigns.model.events import EventTerms, Reentry, event_type_of
from promo_campaigns.model.parameters import flag_of, mode_of, whole_number, word_of
from promo_campaigns.operators.base.task_slots import batch_size_of, task_slots
from promo_campaigns.operators.start import RUN_ID_KEY, StartOperator
from promo_campaigns.triggers.events import EventsWaitTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.run import Mode, Run
    from promo_campaigns.model.run_spec import Audience, RunSpec
    from promo_campaigns.postgres.connection import Connection

_POLL_S = 0.5
_QUIET_S = 30.0
BUSY_S = 120.0
TROUBLE_S = 300.0
_YEARS_S = 10 * 366 * 86_400
_MOST_EVENTS = 100_000


def waiting_events(
    event: str, *, workflow: str, promo_db_conn_id: str = PromoStoreHook.default_conn_name, poll_s: float = _POLL_S
) -> Asset:
    """Return the asset that stands for the events a workflow has yet to answer, to schedule its DAG on.

    Its watcher looks at the store, and wakes the DAG when something waits and nobody is taking it. A wake-up that is
    lost is made up for after half a minute.

    :param event: type of the events, the vendor's ``eventTypeKey``
    :param workflow: name of the workflow: the DAG's id, unless the Start block names another
    :param promo_db_conn_id: connection of the store
    :param poll_s: seconds between two looks
    """
    trigger = EventsWaitTrigger(
        workflow=workflow, event=event, poll_s=poll_s, quiet_s=_QUIET_S, promo_db_conn_id=promo_db_conn_id
    )
    return Asset(f"promo_events/{workflow}", watchers=[AssetWatcher(name=f"{workflow} events", trigger=trigger)])


class StartOnEventsOperator(StartOperator):
    """Opens a run for the events that wait, oldest first, one a contact, and cuts it into batches.

    A contact's next event waits for the next run, and so do events beyond ``max_events`` or beyond the stock of codes.
    Running it again finds the same run with the same events. When nothing waits the task is skipped.

    Takes the parameters of ``StartOperator`` but for the audience, ``send_by``, ``edition``, ``stock`` and
    ``preview_only``.

    :param event: type of the events, the vendor's ``eventTypeKey`` (templated)
    :param reentry: ``each_time``, ``once``, or ``period``: not within that of an event that made the contact enter
        (templated)
    :param period: seconds, for ``reentry="period"`` (templated)
    :param not_in_progress: an event is refused while its contact is in a run that is not closed (templated)
    :param max_age: seconds after which an event is refused, and its message not sent any more (templated)
    :param max_events: how many events one run takes at most (templated)
    :raises PoolShortageError: there is no code left; the events wait
    """

    template_fields: Sequence[str] = (
        *StartOperator.template_fields,
        "event",
        "reentry",
        "period",
        "not_in_progress",
        "max_age",
        "max_events",
    )

    def __init__(
        self,
        *,
        event: str,
        reentry: str = "each_time",
        period: int | str = 0,
        not_in_progress: bool | str = False,
        max_age: int | str = 86_400,
        max_events: int | str = 10_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.event = event
        self.reentry = reentry
        self.period = period
        self.not_in_progress = not_in_progress
        self.max_age = max_age
        self.max_events = max_events

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Take what waits, or find what was taken."""
        from promo_campaigns.ledger.event_queue import acquire, listen, renew
        from promo_campaigns.ledger.runs import read_batches

        terms, spec, mode = self._terms(), self._spec(context), mode_of(self.mode)
        batch_size = batch_size_of(self.batch_size)
        key = self._run_key(context, terms.workflow)
        with self.hook.connect() as connection:
            listen(connection, workflow=terms.workflow, type_name=terms.type)
            acquire(connection, terms.workflow, key, quiet_s=BUSY_S)
            run = self.open_next(connection, spec, terms, key, mode)
            renew(connection, terms.workflow, key, quiet_s=0)
        if run is None:
            msg = f"no event of type {terms.type} waits for {terms.workflow}"
            raise AirflowSkipException(msg)
        with self.hook.connect() as connection:
            batches = read_batches(connection, run, batch_size, task_slots=task_slots(self))
        self.log.info("Run %s (%s) has %d batches", run.run_id, run.run_key, len(batches))
        context["ti"].xcom_push(key=RUN_ID_KEY, value=run.run_id)
        return [asdict(batch) for batch in batches]

    def most_events(self) -> int:
        """Return how many events a run takes at most."""
        return whole_number("max_events", self.max_events, least=1, most=_MOST_EVENTS)

    def _terms(self) -> EventTerms:
        """Read the parameters that say which events are answered.

        :raises ConfigurationError: one is out of bounds
        """
        seconds = {
            name: float(whole_number(name, value, least=least, most=_YEARS_S))
            for name, value, least in (("period", self.period, 0), ("max_age", self.max_age, 1))
        }
        return EventTerms(
            workflow=self.workflow or self.dag_id,
            type=event_type_of(self.event),
            reentry=word_of(Reentry, "reentry", self.reentry),
            period_s=seconds["period"],
            alone=flag_of("not_in_progress", self.not_in_progress),
            max_age_s=seconds["max_age"],
            most=self.most_events(),
        )

    def open_next(
        self, connection: Connection, spec: RunSpec, terms: EventTerms, key: str, mode: Mode | None
    ) -> Run | None:
        """Open the run of a key; after an error that only a person can mend the workflow is not woken for a while."""
        from promo_campaigns.ledger.event_queue import open_event_run, renew

        try:
            return open_event_run(connection, spec, terms, run_key=key, mode=mode)
        except PromoError:
            renew(connection, terms.workflow, key, quiet_s=TROUBLE_S)
            raise

    def _audience(self) -> Audience:
        whom = {"audience": "", "contact_ids": (), "edition": "", "send_by": ""}
        unused = {**whom, "stock": "fail", "preview_only": False}
        if given := [name for name, nothing in unused.items() if getattr(self, name) != nothing]:
            msg = f"a workflow that answers events takes no {', '.join(given)}; leave it out, or use StartOperator"
            raise ConfigurationError(msg)
        return self._terms().audience
