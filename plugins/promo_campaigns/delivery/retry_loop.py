"""Calls for the contacts of a batch chunk by chunk, and again for those that were put off."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from promo_campaigns.delivery.garbage import rarely_collected
from promo_campaigns.delivery.throttle.breaker import FirstAnswers, is_sign_of_life, receiver_fault
from promo_campaigns.delivery.throttle.rate_limit import next_chunk
from promo_campaigns.model.errors import ReceiverRefusesError, ReceiverUnavailableError, RunHaltedError, SendError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from promo_campaigns.delivery.ports import Breaker
    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.model.run import Lease

MAX_PAUSE_S = 30.0
MAX_WAIT_S = 3600.0
FIRST_CALLS = 10
"""Whom a worker calls for first, before the receiver has shown that it works: so few may meet a wrong key."""
THE_RECEIVER = "the receiver"
RETRIED = frozenset({Outcome.LATER, Outcome.UNKNOWN})
"""Outcomes after which a call is made again, where one that arrives twice does no harm."""


Result = TypeVar("Result")


class BackgroundExecutor(Protocol):
    """Runs blocking work while the event loop goes on with the calls."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Run one piece of work, after the pieces given before it."""


@contextmanager
def background_executor() -> Iterator[BackgroundExecutor]:
    """Give the ledger a thread of its own, which runs one piece of work at a time on its one connection."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as thread:

        def background(work: Callable[[], Result]) -> Awaitable[Result]:
            return asyncio.get_running_loop().run_in_executor(thread, work)

        yield background


@dataclass(slots=True)
class Tally:
    """How many calls had which outcome, and the first reason of each kind."""

    ok: int = 0
    refused: int = 0
    later: int = 0
    unknown: int = 0
    first_detail: str = ""

    def add(self, results: Sequence[DeliveryResult]) -> None:
        """Count results."""
        for outcome, count in Counter(result.outcome for result in results).items():
            setattr(self, outcome.value, getattr(self, outcome.value) + count)
        if not self.first_detail:
            details = (result.detail for result in results if result.outcome is not Outcome.OK)
            self.first_detail = next((detail for detail in details if detail), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What a worker has taken up: an admission, and a lease with its start on the clock of ``time.monotonic``."""

    admission: Admission
    lease: Lease
    begun_at: float

    @property
    def deadline(self) -> float:
        """When no call may begin any more."""
        return self.begun_at + self.lease.seconds / 2

    def next_chunk(self, size: int) -> int:
        """How many contacts to take up next, now that these have been called for."""
        took_s = time.monotonic() - self.begun_at
        return next_chunk(size, len(self.lease.recipients), took_s=took_s, lease_s=self.lease.seconds)


@dataclass(slots=True, kw_only=True)
class RetryLoop:
    """Calls for contacts in chunks, and again, after a pause, for those that were put off.

    With a background executor there are two workers, so that the ledger works on one chunk while another is called for.
    Each chunk goes its own way from intent to evidence, and both workers together stay within ``size``.
    """

    begin: Callable[[Sequence[int], int | None], Lease]
    call: Callable[[Lease, float], Awaitable[Sequence[DeliveryResult]]]
    record: Callable[[Lease, Sequence[DeliveryResult]], None]
    count_alike: Callable[[Lease, str, Sequence[int]], int]
    breaker: Breaker
    size: int
    background: BackgroundExecutor | None
    again: frozenset[Outcome] = RETRIED
    receiver: str = THE_RECEIVER
    first_calls: int = FIRST_CALLS
    workers: int = 0
    called: int = 0
    first: FirstAnswers = field(default_factory=lambda: FirstAnswers(0))
    fault: DeliveryResult | None = None
    whose: Sequence[int] = ()

    async def run(self, contact_ids: Sequence[int]) -> Tally:
        """Call for each of the contacts who is due, until each call has come to something.

        :raises ReceiverRefusesError: the receiver refuses every call, and no waiting helps; no contact is lost
        :raises ReceiverUnavailableError: the breaker is open, or too many were put off for too long; no contact is lost
        """
        tally = Tally()
        waiting = deque(contact_ids)
        self.first, self.whose = FirstAnswers(len(contact_ids)), contact_ids
        for pause_s in (1.0, 2.0, 4.0, 8.0, 0.0):
            with rarely_collected():
                put_off = await self._call_all(waiting, tally)
            was_open = self.first.is_open
            self.fault = self.fault or self.first.conclude()
            if self.fault:
                raise self._refused(self.fault, put_off, len(contact_ids))
            if not put_off:
                return tally
            waiting.extend(result.contact_id for result in put_off)
            asked_s = max(result.retry_after_s for result in put_off)
            if asked_s > MAX_PAUSE_S:
                msg = f"the receiver asks {len(waiting)} contacts to wait {until(asked_s)}; no contact is lost"
                raise ReceiverUnavailableError(msg, wait_s=min(asked_s, MAX_WAIT_S))
            if pause_s and not was_open:
                await asyncio.sleep(max(asked_s, pause_s))
        msg = (
            f"{self.receiver} put off {len(waiting)} contacts again and again ({put_off[0].detail}); "
            f"{tally.ok} others are done; this task can be retried without doing anything twice"
        )
        raise ReceiverUnavailableError(msg)

    async def _call_all(self, waiting: deque[int], tally: Tally) -> list[DeliveryResult]:
        put_off: list[DeliveryResult] = []
        if self.background is None or self.size == 1:
            self.workers = 1
            await self._work(waiting, self.size, tally, put_off)
            return put_off
        self.workers = 2
        ends = await asyncio.gather(
            *(self._work(waiting, self.size // 2, tally, put_off) for _ in range(self.workers)), return_exceptions=True
        )
        for end in ends:
            if end is not None and not (self.fault and isinstance(end, ReceiverUnavailableError)):
                raise end
        return put_off

    async def _work(self, waiting: deque[int], most: int, tally: Tally, put_off: list[DeliveryResult]) -> None:
        size, grown = min(most, self.first_calls), most
        try:
            while not self.fault and (taken := await self._in_background(partial(self._take_up, waiting, size))):
                if not taken.lease.recipients:
                    if taken.lease.left:
                        self._stop_worker(taken.admission)
                        return
                    continue
                results = await self._weighed(taken, await self._called(taken))
                if any(is_sign_of_life(result) for result in results):
                    size = grown = min(most, taken.next_chunk(grown))
                await self._in_background(partial(self._conclude, taken, results))
                later = [result for result in results if result.outcome in self.again]
                put_off += later
                tally.add([result for result in results if result.outcome not in self.again])
                self.fault = self.fault or receiver_fault(results)
                if later and taken.admission.limit is not None and not self.first.is_open:
                    return  # a probe that was put off: the others wait for the next pass with it
        finally:
            self.workers -= 1

    async def _called(self, taken: _Taken) -> Sequence[DeliveryResult]:
        """Call for those who were taken up; where the receiver cannot be called as it is set up, nothing has left."""
        self.called += len(taken.lease.recipients)
        try:
            return await self.call(taken.lease, taken.deadline)
        except SendError as error:
            return [
                DeliveryResult(
                    contact_id=who.contact_id,
                    outcome=Outcome.LATER,
                    detail=str(error),
                    locked_out=not error.retryable,
                    called=False,
                )
                for who in taken.lease.recipients
            ]

    async def _weighed(self, taken: _Taken, results: Sequence[DeliveryResult]) -> Sequence[DeliveryResult]:
        if detail := self.first.asks_for(results):
            self.first.before = await self._in_background(partial(self.count_alike, taken.lease, detail, self.whose))
        return self.first.weigh(results, taken.admission)

    def _take_up(self, waiting: deque[int], size: int) -> _Taken | None:
        """Lease those of the next contacts who are due, as far as the breaker lets us; None when no contact waits.

        While the circuit is open, all who wait are looked through: a contact that is not due needs no call, and a
        probe must not be spent on it.
        """
        if not waiting:
            return None
        admission = self.breaker.admit()
        free = admission.limit is None
        chunk = [waiting.popleft() for _ in range(min(size, len(waiting)) if free else len(waiting))]
        begun_at = time.monotonic()  # before the intent, so that no pause after it makes a lease look longer
        try:
            lease = self.begin(chunk, admission.limit)
        except RunHaltedError:
            self.breaker.report([], admission)  # a halt shall not keep the circuit's one probe
            raise
        leased = {recipient.contact_id for recipient in lease.recipients}
        if not leased:
            self.breaker.report([], admission)
        if lease.left:
            waiting.extend(who for who in chunk if who not in leased)
        return _Taken(admission=admission, lease=lease, begun_at=begun_at)

    def _conclude(self, taken: _Taken, results: Sequence[DeliveryResult]) -> None:
        self.record(taken.lease, results)
        self.breaker.report(results, taken.admission)

    def _stop_worker(self, admission: Admission) -> None:
        """End a worker that may not call for those who wait; the other one has them, or else the task ends."""
        if self.workers == 1:
            wait_s = max(admission.wait_s, 1.0)
            msg = (
                f"the circuit is open: {self.receiver} failed, and is called again {until(wait_s)}; no contact is lost"
            )
            raise ReceiverUnavailableError(msg, wait_s=wait_s)

    def _refused(self, fault: DeliveryResult, put_off: Sequence[DeliveryResult], contacts: int) -> ReceiverRefusesError:
        unknown = sum(result.outcome is Outcome.UNKNOWN for result in put_off)
        lost = f"the calls for {unknown} contacts are of unknown outcome" if unknown else "no contact is lost"
        msg = (
            f"{self.receiver} refuses every call: {fault.reason}. No waiting helps. {self.called} of {contacts} "
            f"contacts were called for, and {lost}; correct it, then clear this task"
        )
        return ReceiverRefusesError(msg)

    async def _in_background(self, work: Callable[[], Result]) -> Result:
        return work() if self.background is None else await self.background(work)
