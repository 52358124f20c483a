"""Workers of their own processes that call one receiver as fast as its budget lets them, and what arrives there.

`python tests/rate_limited_receiver.py NAME DSN URL SECONDS PER_S CONCURRENCY` is one worker; 0 stands for no limit. It
prints how often it asked the store.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from promo_campaigns.delivery.throttle.rate_limit_store import PostgresRateLimiter, open_rate_limiter
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.rate_limit_port import Budget
from promo_campaigns.http.target import Endpoint
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection as Pipe

CALLERS = 16
LATENCY_S = 0.02
TICK_S = 0.005
STOP = -1
RECEIVER = "connection rate-limited"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call as it arrived.

    :ivar under_way: calls without an answer then, this one included
    """

    moment: float
    worker: str
    under_way: int


class Arrivals(asyncio.Protocol):
    """Answers every request after a while, and keeps what arrived."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    seen: ClassVar[list[Arrival]] = []
    under_way = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for request in data.split(b"\r\n\r\n")[:-1]:
            Arrivals.under_way += 1
            worker = request.split(b" ")[1].decode().removeprefix("/")
            self.seen.append(Arrival(time.monotonic(), worker, Arrivals.under_way))
            asyncio.get_running_loop().call_later(LATENCY_S, self._answer)

    def _answer(self) -> None:
        Arrivals.under_way -= 1
        self.transport.write(self.ANSWER)


def receive(pipe: Pipe) -> None:
    """Receive until told to stop, then tell what arrived, and for how long the receiver itself stood still."""

    async def serve() -> float:
        server = await asyncio.get_running_loop().create_server(Arrivals, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        stalled_s = 0.0
        awaited: int | None = None
        while awaited != STOP:
            before = time.monotonic()
            await asyncio.sleep(TICK_S)
            stalled_s = max(stalled_s, time.monotonic() - before - TICK_S)
            if awaited is not None and len(Arrivals.seen) >= awaited:
                pipe.send(len(Arrivals.seen))
                awaited = None
            if pipe.poll():
                awaited = pipe.recv()
        server.close()
        return stalled_s

    stalled_s = asyncio.run(serve())
    pipe.send((Arrivals.seen, stalled_s))


class Seen:
    """The arrivals at a receiver, known once it has stopped.

    :ivar stalled_s: seconds for which the receiver stood still at most, when it could not tell one moment from another
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.url = f"http://127.0.0.1:{pipe.recv()}"
        self.arrivals: list[Arrival] = []
        self.stalled_s = 0.0

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls have arrived."""
        self._pipe.send(calls)
        self._pipe.recv()

    @property
    def moments(self) -> list[float]:
        """When calls arrived."""
        return [arrival.moment for arrival in self.arrivals]

    def most_in(self, window_s: float) -> int:
        """How many calls arrived at most within any window of that length."""
        moments = self.moments
        return max(bisect_left(moments, start + window_s) - place for place, start in enumerate(moments))

    def best_rate(self, stretch_s: float) -> float:
        """Return the calls a second in the busiest stretch of that length."""
        return self.most_in(stretch_s) / stretch_s

    def shares(self) -> dict[str, float]:
        """Which part of the calls came from which worker."""
        counts = Counter(arrival.worker for arrival in self.arrivals)
        return {worker: count / len(self.arrivals) for worker, count in counts.items()}


@contextmanager
def counting_receiver() -> Iterator[Seen]:
    """Run a receiver in a process of its own until the block ends, and fill in what it saw."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=receive, args=(theirs,), daemon=True)
    process.start()
    seen = Seen(ours)
    try:
        yield seen
    finally:
        ours.send(STOP)
        seen.arrivals, seen.stalled_s = ours.recv()
        process.join()
        ours.close()
        theirs.close()


@dataclass(slots=True)
class Workers:
    """Workers that were started together."""

    processes: list[subprocess.Popen[str]]

    def told(self) -> list[int]:
        """Wait for all, and return how often each that was not killed asked the store."""
        told = [process.communicate()[0] for process in self.processes]
        return [int(trips) for trips in told if trips]


def start_workers(count: int, dsn: str, url: str, budget: Budget, *, seconds: float) -> Workers:
    """Start workers that call until the time is over."""
    command = [sys.executable, str(Path(__file__))]
    given = [dsn, url, str(seconds), str(budget.per_s or 0), str(budget.concurrency or 0)]
    return Workers(
        [
            subprocess.Popen([*command, f"worker-{number}", *given], stdout=subprocess.PIPE, text=True)
            for number in range(count)
        ]
    )


async def work(name: str, dsn: str, url: str, seconds: float, budget: Budget) -> int:
    """Call with every caller until the time is over; return how often the store was asked."""
    deadline = time.monotonic() + seconds
    async with open_rate_limiter(dsn, RECEIVER, budget, call_s=2.0) as limiter:
        assert isinstance(limiter, PostgresRateLimiter)
        client = HttpClient(Endpoint(base_url=url, allow_private=True, concurrency=CALLERS), limiter=limiter)

        call = Call(method="POST", path=f"/{name}")

        async def caller() -> None:
            while (await client.send_all([call], deadline=deadline))[0].outcome is Outcome.OK:
                pass

        async with client.connected():
            await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return limiter.trips


def main(arguments: Sequence[str]) -> None:
    """Be one worker."""
    name, dsn, url, seconds, per_s, concurrency = arguments
    budget = Budget(per_s=float(per_s) or None, concurrency=int(concurrency) or None)
    print(asyncio.run(work(name, dsn, url, float(seconds), budget)))  # noqa: T201  (its result)


if __name__ == "__main__":
    main(sys.argv[1:])
