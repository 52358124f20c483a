"""Answers the events of a workflow as they come: one run after another, each from its opening to its close."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

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
    from collections.abc import Iterator

    from promo_campaigns.delivery.opening.events import EventOpening
    from promo_campaigns.delivery.service import DeliveryService
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

_LOOK_S = 0.25
_LOG = logging.getLogger(__name__)


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
