"""The real rate limiter of a receiver, shared by all workers of a schedule, on virtual time."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faults.strands import finish
from faults.workers import ConnectionDropped
from promo_campaigns.delivery.throttle import rate_limit_store
from promo_campaigns.delivery.throttle.rate_limit import LATE_S
from promo_campaigns.delivery.throttle.rate_limit_store import PostgresRateLimiter
from promo_campaigns.http.rate_limit_port import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from faults.virtual_clock import VirtualClock
    from faults.workers import Worker

_ROUNDED_S = 0.002
"""The store is told the time in thousandths."""


class SteppedLimiter(PostgresRateLimiter):
    """A worker's limiter: its waiting is a step, and its own connection is lost now and then.

    Each of its statements is a transaction, and runs whole on a connection beside the ledger's. The store's answer
    arrives at once: a worker that stood still before it heard would call so much later than it was told to.
    """

    def __init__(self, worker: Worker, receiver: str, per_s: float) -> None:
        super().__init__("", receiver, Budget(per_s=per_s), call_s=0.0)
        self._worker = worker
        self._queue = _SteppedLock(worker)  # type: ignore[assignment]  # as far as it is used
        self._one_query = _SteppedLock(worker)  # type: ignore[assignment]  # likewise
        finish(self.open())

    def begins(self, deadline: float) -> bool:
        """Wait until one more call may begin; False, at once, if that is not before the deadline."""
        return finish(self.acquire(deadline, 1))

    async def _asked(self, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        self._worker.step(f"before {query}")
        cursor = self._worker.connection.beside.execute(rate_limit_store.__dict__["_SQL"][query], terms)
        row = cursor.fetchone() if cursor.description else None
        if self._worker.drop == "after":
            self._worker.drop = ""
            raise ConnectionDropped
        return row or {}

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


class _Done:
    """A task that was done as it was made."""

    def add_done_callback(self, told: Callable[[object], object]) -> None:
        told(self)


def crowded(permits: Sequence[float], per_s: float) -> bool:
    """Tell whether calls were let begin faster than so many a second; each may begin a little late."""
    return any(
        later - earlier < count / per_s - LATE_S - _ROUNDED_S
        for first, earlier in enumerate(permits)
        for count, later in enumerate(permits[first + 1 :], 1)
    )


@contextmanager
def virtual_limiter(clock: VirtualClock, running: Callable[[], Worker]) -> Iterator[None]:
    """Give ``delivery.throttle.rate_limit_store`` this clock while the context lasts."""

    async def sleep(seconds: float) -> None:
        running().sleep(seconds)

    async def gather(*done: object) -> None:
        assert not done, "whatever was begun beside is done"

    def create_task(work: Coroutine[Any, Any, None]) -> _Done:
        finish(work)
        return _Done()

    loop = SimpleNamespace(create_task=create_task)
    waits = SimpleNamespace(sleep=sleep, gather=gather, Lock=asyncio.Lock, get_running_loop=lambda: loop)
    with ExitStack() as patched:
        for name, double in (
            ("asyncio", waits),
            ("time", SimpleNamespace(monotonic=lambda: clock.now)),
            ("random", SimpleNamespace(uniform=lambda _, most: most)),
        ):
            patched.enter_context(patch.object(rate_limit_store, name, double))
        yield
