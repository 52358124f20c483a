"""Answers the events of a workflow as they come: one run after another, each from its opening to its close."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.ledger.event_queue import acquire, is_consumer, listen, open_event_run, renew
from promo_campaigns.ledger.runs import is_closed, read_batches
from promo_campaigns.model.errors import (
    HeldUpError,
    LedgerError,
    PromoError,
    QuietHoursError,
    ReceiverRefusesError,
    ReceiverUnavailableError,
    RunHaltedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.delivery.service import DeliveryService
    from promo_campaigns.model.events import EventTerms
    from promo_campaigns.model.run import Batch, Mode, Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_BUSY_S = 120.0
_TROUBLE_S = 300.0
_LOOK_S = 0.25
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOpening:
    """How a workflow opens its runs of events.

    :ivar key: of the worker that takes the events: the key of its run, or the beginning of its runs' keys
    :ivar mode: what becomes of a run that is closed already; None for what the run itself says
    :ivar abort_at: percent of failures at which a run pauses itself
    """

    spec: RunSpec
    terms: EventTerms
    key: str
    mode: Mode | None
    abort_at: float

    def begin(self, connection: Connection) -> None:
        """Let events wait for the workflow, and take them over from the worker before."""
        listen(connection, workflow=self.terms.workflow, type_name=self.terms.type)
        acquire(connection, self.terms.workflow, self.key, quiet_s=_BUSY_S)

    def go_on(self, connection: Connection) -> bool:
        """Keep the workflow's DAG from being woken for a while, and tell whether no other worker took its events."""
        return renew(connection, self.terms.workflow, self.key, quiet_s=_BUSY_S)

    def end(self, connection: Connection) -> bool:
        """Let the DAG be woken again, and tell whether no other worker has taken its events."""
        return renew(connection, self.terms.workflow, self.key, quiet_s=0)

    def report_trouble(self, connection: Connection) -> None:
        """Let the DAG not be woken for longer: the next try would fail the same way."""
        renew(connection, self.terms.workflow, self.key, quiet_s=_TROUBLE_S)

    def is_taken(self, connection: Connection) -> bool:
        """Tell whether the events are still this one's to take."""
        return is_consumer(connection, self.terms.workflow, self.key)

    def open_next(self, connection: Connection, run_key: str) -> Run | None:
        """Open the run of a key, or find it; None if no event waits.

        :raises PromoError: it cannot be opened; the workflow is not woken for a while
        """
        try:
            return open_event_run(
                connection, self.spec, self.terms, run_key=run_key, mode=self.mode, abort_at=self.abort_at
            )
        except PromoError:
            self.report_trouble(connection)
            raise


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that was opened or found, cut into batches."""

    run: Run
    batches: Sequence[Batch]


def start_on_events(
    connection: Connection, opening: EventOpening, batch_size: int | None, *, task_slots: int
) -> StartedRun | None:
    """Open one run for the events that wait, or find it, and cut it into batches; None if no event waits.

    :param batch_size: contacts a batch, None for what is best; as ``read_batches`` takes it
    :param task_slots: how many batches can be worked on at a time
    """
    opening.begin(connection)
    run = opening.open_next(connection, opening.key)
    opening.end(connection)
    if run is None:
        return None
    batches = read_batches(connection, run, batch_size, task_slots=task_slots)
    _LOG.info("Run %s (%s) has %d batches", run.run_id, run.run_key, len(batches))
    return StartedRun(run, batches)


class EventStream:
    """The runs of one task, one after another; each delivered by the service.

    :param service: opens runs for delivery
    :param linger_s: without an event for so long it ends
    :param lively_s: after so long it goes on only until another worker has come, and a third longer at most
    """

    def __init__(
        self,
        service: DeliveryService,
        connection: Connection,
        opening: EventOpening,
        *,
        linger_s: float,
        lively_s: float,
    ) -> None:
        self._service = service
        self._connection = connection
        self._opening = opening
        self._linger_s = linger_s
        self._lively_s = lively_s
        self._began = time.monotonic()
        self._may_be_relieved = False
        self._counts = {"runs": 0, "events": 0, "accepted": 0}
        self._unfinished: list[str] = []
        self._held: QuietHoursError | RunHaltedError | None = None

    async def answer(self) -> None:
        """Answer events until none come, or another worker has come for them.

        :raises QuietHoursError: a run waits for its end; it says when the first contact may be written to
        :raises RunHaltedError: a run is paused, or all sending is stopped
        :raises ReceiverRefusesError: a receiver refuses every call, and no waiting helps
        :raises ReceiverUnavailableError: a receiver cannot be called for now
        """
        self._opening.begin(self._connection)
        try:
            await self._answer_all()
            self._opening.end(self._connection)
            if self._held is not None:
                raise self._held
        except (HeldUpError, ReceiverUnavailableError, ReceiverRefusesError) as error:
            will_be_same = isinstance(error, ReceiverRefusesError) or error.wait_s is not None
            if self._held is None and will_be_same:
                self._opening.report_trouble(self._connection)
            raise

    def report(self) -> dict[str, int]:
        """Return the counts.

        :raises LedgerError: some runs could not be finished
        """
        if self._unfinished:
            msg = f"{len(self._unfinished)} of {self._counts['runs']} runs are not finished; {self._unfinished[0]}"
            raise LedgerError(msg)
        return self._counts

    async def _answer_all(self) -> None:
        answered = self._began
        runs = self._runs()
        while self._goes_on():
            run = next(runs)
            if run is not None:
                await self._finish(run)
                answered = time.monotonic()
            elif time.monotonic() - answered >= self._linger_s:
                return
            else:
                await asyncio.sleep(_LOOK_S)

    def _runs(self) -> Iterator[Run | None]:
        """Yield the runs of an earlier try that are not closed, then new ones, and None whenever nothing waits."""
        number = 1
        while True:
            key = f"{self._opening.key}/{number}"
            if self._opening.mode is None and is_closed(self._connection, key):
                number += 1
                continue
            run = self._opening.open_next(self._connection, key)
            number += run is not None
            yield run

    def _goes_on(self) -> bool:
        age = time.monotonic() - self._began
        if age < self._lively_s:
            return self._opening.go_on(self._connection)
        if not self._may_be_relieved:
            self._may_be_relieved = True
            return self._opening.end(self._connection)
        return age < self._lively_s * 4 / 3 and self._opening.is_taken(self._connection)

    async def _finish(self, run: Run) -> None:
        """Bring a run to its end; what only a person can fix is told at the task's end, and holds up no other run."""
        self._counts["runs"] += 1
        try:
            await self._deliver(run)
        except (QuietHoursError, RunHaltedError) as error:
            self._held = min(self._held or error, error, key=lambda one: one.wait_s)
        except PromoError as error:
            if error.retryable or isinstance(error, ReceiverRefusesError):
                raise
            _LOG.error("Run %s: %s", run.run_key, error)
            self._unfinished.append(f"{run.run_key}: {error}")

    async def _deliver(self, run: Run) -> None:
        with self._service.open(run.run_id) as delivery:
            for batch in read_batches(self._connection, run, self._opening.terms.most):
                self._counts["events"] += await delivery.deliver(batch)
            report = delivery.close(check=False)
        self._counts["accepted"] += report.tally.given
