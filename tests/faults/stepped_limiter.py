"""The real rate limiter of a receiver, shared by all workers of a schedule, on virtual time."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import ExitStack, contextmanager
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faults.slotted_calls import CALL_S, ROUNDED_S
from faults.strands import finish
from faults.workers import ConnectionDropped
from promo_campaigns.delivery.throttle import concurrency, rate_limit_store
from promo_campaigns.delivery.throttle.rate_limit import LATE_S
from promo_campaigns.delivery.throttle.rate_limit_store import PostgresRateLimiter
from promo_campaigns.http.rate_limit_port import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from faults.receiver_truth import Receiver
    from faults.virtual_clock import VirtualClock
    from faults.workers import Worker

POLL_S = 1.0
"""Between looks for a slot, in place of a tenth of it: such looks find nothing new, and take most of the steps."""


class SteppedLimiter(PostgresRateLimiter):
    """A worker's limiter: its waiting is a step, and its own connection is lost now and then.

    Each of its statements is a transaction, and runs whole on a connection beside the ledger's. The store's answer
    arrives at once: a worker that stood still before it heard would call so much later than it was told to. What it is
    told of slots arrives late, if chance will have it.
    """

    def __init__(self, worker: Worker, receiver: Receiver) -> None:
        budget = Budget(per_s=receiver.per_s or None, concurrency=receiver.concurrency or None)
        super().__init__("", receiver.name, budget, call_s=CALL_S)
        self._worker, self._truth = worker, receiver
        self._gone = False
        self._untold: deque[float] = deque()
        self._queue = _SteppedLock(worker)  # type: ignore[assignment]  # as far as it is used
        self._one_query = _SteppedLock(worker)  # type: ignore[assignment]  # likewise
        if self._slots is not None:
            worker.slots = partial(getattr, self._slots, "_in_use")
        finish(self.open())

    def begins(self, deadline: float) -> bool:
        """Wait until one more call may begin; False, at once, if that is not before the deadline."""
        return finish(self.acquire(deadline, 1))

    def back_off(self, seconds: float) -> None:
        """Note until when the receiver asked for no calls, for the moment when the store hears of it."""
        now = self._worker.clock.now
        if now + seconds > self._backs_off_until:
            self._untold.append(now + seconds)
        super().back_off(seconds)

    async def _asked(self, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        self._worker.step(f"before {query}")
        if self._slots is not None:
            self._lose_before()
        cursor = self._worker.connection.beside.execute(rate_limit_store.__dict__["_SQL"][query], terms)
        row = cursor.fetchone() if cursor.description else None
        if query == "back_off" and self._untold:
            self._truth.patience.append((self._worker.clock.now, self._untold.popleft()))
        if self._worker.drop == "after" or (self._slots is not None and self._worker.drop == "within"):
            self._gone, self._worker.drop = self._worker.drop == "within", ""
            raise ConnectionDropped
        if query == "renew_slots":
            self._worker.step(f"after {query}")
        return row or {}

    def _lose_before(self) -> None:
        """Lose the connection before the store hears: twice in a row, so that asking again does not help."""
        if self._gone or self._worker.drop == "before":
            self._gone, self._worker.drop = self._worker.drop == "before", ""
            raise ConnectionDropped

    async def _disconnect(self) -> bool:
        self._worker.connection.beside.roll_back()
        return True


class _SteppedLock:
    """A lock that one strand of a worker holds at a time."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self._held = worker, False

    async def __aenter__(self) -> None:
        self._worker.park(lambda: not self._held)
        self._held = True

    async def __aexit__(self, *_: object) -> None:
        self._held = False


class _SteppedEvent:
    """An event that a strand of a worker waits for, by ``wait_for``."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True

    def clear(self) -> None:
        self.is_set = False

    def wait(self) -> _SteppedEvent:
        return self


class _Beside:
    """A task that its worker does meanwhile."""

    def __init__(self, worker: Worker, work: Coroutine[Any, Any, None]) -> None:
        self._told: list[Callable[[object], object]] = []
        self.strand = worker.begin("limiter", work, self._end)

    def add_done_callback(self, told: Callable[[object], object]) -> None:
        self._told.append(told)

    def _end(self) -> None:
        for told in self._told:
            told(self)


class _Done:
    """A task that was done as it was made."""

    def add_done_callback(self, told: Callable[[object], object]) -> None:
        told(self)


def crowded(permits: Sequence[float], per_s: float) -> bool:
    """Tell whether calls were let begin faster than so many a second; each may begin a little late."""
    return any(
        later - earlier < count / per_s - LATE_S - ROUNDED_S
        for first, earlier in enumerate(permits)
        for count, later in enumerate(permits[first + 1 :], 1)
    )


@contextmanager
def virtual_limiter(clock: VirtualClock, running: Callable[[], Worker], *, slots: bool) -> Iterator[None]:
    """Give ``delivery.throttle`` this clock while the context lasts.

    :param slots: receivers agreed to so many calls at a time; a worker then does several things at once
    """
    waits = _waits_beside(clock, running) if slots else _waits(running)
    virtual = SimpleNamespace(monotonic=lambda: clock.now)
    with ExitStack() as patched:
        for module, name, double in (
            (rate_limit_store, "asyncio", waits),
            (rate_limit_store, "time", virtual),
            (rate_limit_store, "random", SimpleNamespace(uniform=lambda _, most: most)),
            (concurrency, "asyncio", waits),
            (concurrency, "time", virtual),
            (concurrency, "POLL_S", POLL_S),
        ):
            patched.enter_context(patch.object(module, name, double))
        yield


def _waits(running: Callable[[], Worker]) -> SimpleNamespace:
    async def sleep(seconds: float) -> None:
        running().sleep(seconds)

    async def gather(*done: object) -> None:
        assert not done, "whatever was begun beside is done"

    def create_task(work: Coroutine[Any, Any, None]) -> _Done:
        finish(work)
        return _Done()

    loop = SimpleNamespace(create_task=create_task)
    return SimpleNamespace(sleep=sleep, gather=gather, Lock=asyncio.Lock, get_running_loop=lambda: loop)


def _waits_beside(clock: VirtualClock, running: Callable[[], Worker]) -> SimpleNamespace:
    async def sleep(seconds: float) -> None:
        running().wait(lambda: False, clock.now + seconds)

    async def gather(*begun: _Beside) -> None:
        running().park(lambda: all(task.strand.done for task in begun))
        for task in begun:
            if isinstance(task.strand.outcome, Exception):
                raise task.strand.outcome

    async def wait_for(event: _SteppedEvent, seconds: float) -> None:
        running().wait(lambda: event.is_set, clock.now + seconds)
        if not event.is_set:
            raise asyncio.TimeoutError

    loop = SimpleNamespace(create_task=lambda work: _Beside(running(), work))
    return SimpleNamespace(
        sleep=sleep,
        gather=gather,
        wait_for=wait_for,
        Lock=asyncio.Lock,
        Event=_SteppedEvent,
        TimeoutError=asyncio.TimeoutError,
        get_running_loop=lambda: loop,
    )
