"""All blocks of a workflow that answers events, in one task that stays while events keep coming."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator
from airflow.sdk.exceptions import TaskDeferred

from promo_campaigns.model.errors import (
    LedgerError,
    PromoError,
    QuietHoursError,
    ReceiverRefusesError,
    RunHaltedError,
)
from promo_campaigns.model.parameters import parse_mode, whole_number
from promo_campaigns.operators.base.events_operator import BUSY_S, TROUBLE_S, EventsOperator
from promo_campaigns.operators.base.occurrence import read_run_key
from promo_campaigns.operators.base.rescheduling import rescheduled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.events import EventTerms
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_LOOK_S = 0.25
_MOST_S = 86_400


class AnswerEventsOperator(EventsOperator, BaseAsyncOperator):
    """Answers the events that wait, and those that come meanwhile, one run after another: Start to End in one task.

    It takes what waits into a run, carries out Get contact, Get promo code, Message and HTTP request data source for
    it, closes it, and looks again, so that an event is answered within about a second. It ends when nothing has come
    for ``linger`` seconds; after ``lively`` seconds it goes on only until another DAG run has come in its place, and a
    third longer at most. Running it again finds the same runs with the same events, finishes those that are not closed,
    and goes on.

    A run with a contact that the receiver refuses for good stays open and does not hold up the next; the task fails at
    its end. A receiver that refuses every call ends the task at once. A run with contacts in quiet hours stays open
    too, and so does one that is paused; the task waits for them in the triggerer at its end.

    Returns counts only: ``{"runs": 12, "events": 340, "accepted": 338}``.

    Takes the campaign's definition as ``CampaignOperator`` and the events as ``EventsOperator`` say, and:

    :param linger: seconds without an event after which the task ends (templated)
    :param lively: seconds after which another DAG run takes over (templated)
    :param max_events: how many events one run takes at most (templated)
    :raises PoolShortageError: there is no code left; the events wait
    :raises ReceiverRefusesError: a receiver refuses every call, and no waiting helps
    :raises LedgerError: some runs could not be finished
    """

    template_fields: Sequence[str] = (*EventsOperator.template_fields, "linger", "lively")
    ui_color = "#fde2ef"

    def __init__(
        self,
        *,
        linger: int | str = 20,
        lively: int | str = 300,
        max_events: int | str = 1_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_events=max_events, **kwargs)
        self.linger = linger
        self.lively = lively

    def resume(self, context: Context, event: object = None) -> Any:  # noqa: ARG002  (Airflow's signature)
        """Go on when the receiver can be called again, or quiet hours are over."""
        return self.execute(context)  # type: ignore[no-untyped-call]  # Airflow's method has no types

    async def aexecute(self, context: Context) -> dict[str, int]:
        """Answer events until none come."""
        from promo_campaigns.ledger.event_queue import acquire, listen, renew

        terms = self.read_terms()
        spec = self.read_spec(context, terms.audience, event=terms.type)
        key = read_run_key(context, terms.workflow)
        with self.hook.connect() as connection:
            listen(connection, workflow=terms.workflow, type_name=terms.type)
            acquire(connection, terms.workflow, key, quiet_s=BUSY_S)
            stream = _Stream(self, connection, terms, key)
            try:
                with rescheduled(self):
                    await stream.run(spec)
                    renew(connection, terms.workflow, key, quiet_s=0)
                    stream.require_open()
            except (TaskDeferred, ReceiverRefusesError):
                if stream.held is None:
                    renew(connection, terms.workflow, key, quiet_s=TROUBLE_S)
                raise
        return stream.report()


class _Stream:
    """The runs of one task, one after another."""

    def __init__(self, block: AnswerEventsOperator, connection: Connection, terms: EventTerms, key: str) -> None:
        self._block = block
        self._connection = connection
        self._terms = terms
        self._key = key
        self._linger_s = whole_number("linger", block.linger, least=0, most=_MOST_S)
        self._lively_s = whole_number("lively", block.lively, least=0, most=_MOST_S)
        self._began = time.monotonic()
        self._may_be_relieved = False
        self._counts = {"runs": 0, "events": 0, "accepted": 0}
        self._unfinished: list[str] = []
        self.held: QuietHoursError | RunHaltedError | None = None

    async def run(self, spec: RunSpec) -> None:
        """Answer events until none come, or another has come for them."""
        answered = self._began
        runs = self._runs(spec)
        while self._goes_on():
            run = next(runs)
            if run is not None:
                await self._finish(run)
                answered = time.monotonic()
            elif time.monotonic() - answered >= self._linger_s:
                return
            else:
                await asyncio.sleep(_LOOK_S)

    def require_open(self) -> None:
        """Make sure that no run waits for the end of quiet hours, or of a halt.

        :raises QuietHoursError: one does; it says when the first contact may be written to
        :raises RunHaltedError: one is paused, or all sending is stopped
        """
        if self.held is not None:
            raise self.held

    def report(self) -> dict[str, int]:
        """Return the counts.

        :raises LedgerError: some runs could not be finished
        """
        if self._unfinished:
            msg = f"{len(self._unfinished)} of {self._counts['runs']} runs are not finished; {self._unfinished[0]}"
            raise LedgerError(msg)
        return self._counts

    def _runs(self, spec: RunSpec) -> Iterator[Run | None]:
        """Yield the runs of an earlier try that are not closed, then new ones, and None whenever nothing waits."""
        from promo_campaigns.ledger.runs import is_closed

        as_closed = parse_mode(self._block.mode) is None
        number = 1
        while True:
            key = f"{self._key}/{number}"
            if as_closed and is_closed(self._connection, key):
                number += 1
                continue
            run = self._block.open_next(self._connection, spec, self._terms, key)
            number += run is not None
            yield run

    def _goes_on(self) -> bool:
        from promo_campaigns.ledger.event_queue import is_consumer, renew

        workflow, age = self._terms.workflow, time.monotonic() - self._began
        if age < self._lively_s:
            return renew(self._connection, workflow, self._key, quiet_s=BUSY_S)
        if not self._may_be_relieved:
            self._may_be_relieved = True
            return renew(self._connection, workflow, self._key, quiet_s=0)
        return age < self._lively_s * 4 / 3 and is_consumer(self._connection, workflow, self._key)

    async def _finish(self, run: Run) -> None:
        """Bring a run to its end; what only a person can fix is told at the task's end, and holds up no other run."""
        self._counts["runs"] += 1
        try:
            await self._deliver(run)
        except (QuietHoursError, RunHaltedError) as error:
            self.held = min(self.held or error, error, key=lambda one: one.wait_s)
        except PromoError as error:
            if error.retryable or isinstance(error, ReceiverRefusesError):
                raise
            self._block.log.error("Run %s: %s", run.run_key, error)  # noqa: TRY400  (a traceback says nothing more)
            self._unfinished.append(f"{run.run_key}: {error}")

    async def _deliver(self, run: Run) -> None:
        from promo_campaigns.ledger.runs import read_batches

        with self._block.delivery.open(run.run_id) as delivery:
            for batch in read_batches(self._connection, run, self._terms.most):
                self._counts["events"] += await delivery.deliver(batch)
            report = delivery.close(check=False)
        self._counts["accepted"] += report.tally.given
