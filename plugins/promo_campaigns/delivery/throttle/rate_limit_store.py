"""The rate limiter of a receiver, shared by all workers through one row."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg

from promo_campaigns.delivery.throttle.concurrency import RENEW_S, ConcurrencySlots
from promo_campaigns.delivery.throttle.rate_limit import LATE_S, TokenBatch
from promo_campaigns.http.rate_limit_port import UNLIMITED, NoPermitError
from promo_campaigns.postgres.connection import connect_async
from promo_campaigns.postgres.sql import queries
from promo_campaigns.postgres.store_errors import explained, unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from promo_campaigns.http.rate_limit_port import Budget, RateLimiter

_SQL = queries(__name__)
_UNHEARD_S = 5.0
_NO_ANSWER = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
"""A server that is gone, or that has become a standby."""
MAX_BACK_OFF_S = 3600.0
"""A receiver that asks for more is asked again after so long."""
MAX_JITTER_S = 30.0


@asynccontextmanager
async def open_rate_limiter(
    dsn: str, receiver: str, budget: Budget | None, *, call_s: float
) -> AsyncIterator[RateLimiter]:
    """Keep a receiver's limits until the block ends; without a budget there are none, and the store is not asked.

    :param dsn: ``postgresql://`` URI of the store
    :param receiver: a transport's or a connection's name, as for the breaker
    :param call_s: seconds a call can take at most; the slots of a killed worker come back soon after
    :raises DatabaseUnavailableError: the server cannot be reached
    :raises ConfigurationError: the database has no schema yet
    """
    if budget is None:
        yield UNLIMITED
        return
    limiter = PostgresRateLimiter(dsn, receiver, budget, call_s=call_s)
    try:
        await limiter.open()
        yield limiter
    finally:
        await limiter.close()


class PostgresRateLimiter:
    """Gives out permits to the calls of this worker, in the order they ask.

    Tokens are leased on the database's clock and taken on this machine's monotonic one, counted from the moment the
    answer arrived: later than leased, never earlier. A store that does not answer means no.

    :ivar budget: what all workers may ask of the receiver
    :ivar trips: how often the store was asked
    """

    def __init__(self, dsn: str, receiver: str, budget: Budget, *, call_s: float) -> None:
        self.budget = budget
        self.trips = 0
        self._dsn = dsn
        self._receiver = {"receiver": receiver}
        self._me = {"receiver": receiver, "holder": uuid.uuid4().hex}
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None
        self._one_query = asyncio.Lock()
        self._queue = asyncio.Lock()
        self._wanted = 0
        self._batch: TokenBatch | None = None
        self._not_before = 0.0
        self._backs_off_until = 0.0
        self._heard: object = None
        self._heard_at = 0.0
        self._telling: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._slots = ConcurrencySlots(self._renew_slots, call_s=call_s) if budget.concurrency else None

    @property
    def wait_s(self) -> float:
        """Seconds until asking again makes sense, as far as this worker has heard."""
        return max(0.0, max(self._not_before, self._backs_off_until) - time.monotonic())

    def permit(self, *, deadline: float, weight: int = 1) -> _Permit:
        """Return the permit of one call, to be entered with ``async with`` once.

        :param deadline: on the clock of ``time.monotonic``; a call that may not begin before it has no permit
        :param weight: how many tokens the call needs
        """
        return _Permit(self, deadline, weight)

    async def acquire(self, deadline: float, weight: int) -> bool:
        """Wait until one more call may begin; False, at once, if that is not before the deadline."""
        self._wanted += weight
        try:
            async with self._queue:
                return await self._may_begin(deadline, weight)
        except _NO_ANSWER:
            self._not_before = time.monotonic() + _UNHEARD_S
            return False
        finally:
            self._wanted -= weight

    def release(self) -> None:
        """Take back what ``acquire`` gave: the call is over."""
        if self._slots is not None and self._slots.release() == 0 and not self._wanted:
            _begin(self._release_slots(), self._leaving)

    def back_off(self, seconds: float) -> None:
        """Let no worker begin a call for so long, and a little longer, so that not all come back at once."""
        now = time.monotonic()
        if now + seconds <= self._backs_off_until:
            return
        seconds = min(seconds, MAX_BACK_OFF_S)
        seconds += random.uniform(0.0, min(seconds / 2, MAX_JITTER_S))  # noqa: S311  (jitter, no secret)
        self._backs_off_until = now + seconds
        self._batch = None
        _begin(self._tell("back_off", {**self._receiver, "seconds": seconds}), self._telling)

    async def open(self) -> None:
        """Connect to the store.

        :raises DatabaseUnavailableError: the server cannot be reached
        :raises ConfigurationError: the database has no schema yet
        """
        try:
            await self._ask("know_receiver", self._receiver)
        except psycopg.Error as error:
            raise (explained(error) if error.sqlstate else unreachable(error)) or error from None

    async def close(self) -> None:
        """Give back what is held, as far as the store answers."""
        await asyncio.gather(*self._telling, *self._leaving)
        if self._slots is not None and self._slots.share:
            await self._tell("release_slots", self._me)
        await self._disconnect()

    async def _may_begin(self, deadline: float, weight: int) -> bool:
        await asyncio.gather(*self._telling)
        if max(self._not_before, self._backs_off_until, time.monotonic()) >= deadline:
            return False
        if self._slots is None:
            return await self._token_comes(deadline, weight)
        while await self._slots.acquire(deadline=deadline, waiting=self._wanted):
            comes = begins = False
            try:
                comes = await self._token_comes(deadline, weight)
                begins = comes and self._slots.is_kept
            finally:
                if not begins:
                    self._slots.release()
            if begins or not comes:
                return begins
        return False

    async def _token_comes(self, deadline: float, weight: int) -> bool:
        if self.budget.per_s is None:
            return await self._back_off_ends(deadline)
        while (moment := await self._moment(1 / self.budget.per_s, deadline, weight)) is not None:
            if moment >= deadline:
                return False
            await self._sleep_and_listen_until(moment)
            if self._backs_off_until - LATE_S <= moment and time.monotonic() <= moment + LATE_S:
                return True
        return False

    async def _back_off_ends(self, deadline: float) -> bool:
        while (moment := self._backs_off_until) > time.monotonic():
            if moment >= deadline:
                return False
            await self._sleep_until(moment)
        return True

    async def _moment(self, every_s: float, deadline: float, weight: int) -> float | None:
        """Return when the next token is; None if that is too late."""
        moment = self._batch.take(time.monotonic(), weight) if self._batch else None
        while moment is None:
            tokens = self.budget.tokens(self._usable(), weight)
            terms = {
                **self._receiver,
                "span_s": tokens * every_s,
                "grace_s": LATE_S / 2,
                "within_s": deadline - time.monotonic(),
            }
            self._heard_at = time.monotonic()
            row = await self._ask("lease_tokens", terms)
            begins_at = time.monotonic() + row["wait_s"]
            if not row["leased"]:
                self._not_before = begins_at
                return None
            self._batch = TokenBatch(begins_at, tokens, every_s)
            moment = self._batch.take(time.monotonic(), weight)
        return moment

    def _usable(self) -> int:
        """How many tokens this worker can use now."""
        return self._wanted if self._slots is None else min(self._wanted, self._slots.free + 1)

    async def _sleep_and_listen_until(self, moment: float) -> None:
        """Sleep, and ask on the way what receivers have asked for, where a token was leased more than a while ago."""
        if self._slots is None and moment > self._heard_at + RENEW_S:
            await self._sleep_until(moment - RENEW_S / 2)
            await self._hear("read_back_off", self._receiver)
        await self._sleep_until(moment)

    async def _hear(self, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        """Ask the store something, and hear for how long a receiver wants no calls, if it asked for that meanwhile."""
        asked_at = time.monotonic()
        row = await self._ask(query, terms)
        self._heard_at = asked_at
        if row["wait_s"] and row["backs_off_until"] != self._heard:
            self._heard = row["backs_off_until"]
            self._backs_off_until = max(self._backs_off_until, time.monotonic() + row["wait_s"])
            self._batch = None
        return row

    async def _sleep_until(self, moment: float) -> None:
        while True:
            if self._slots is not None:
                await self._slots.renew(self._wanted)
            if (left := moment - time.monotonic()) <= 0:
                return
            await asyncio.sleep(min(left, RENEW_S))

    async def _renew_slots(self, wanted: int, in_use: int, hold_s: float) -> int:
        terms = {"concurrency": self.budget.concurrency, "wanted": wanted, "in_use": in_use, "hold_s": hold_s}
        return int((await self._hear("renew_slots", {**self._me, **terms}))["share"])

    async def _release_slots(self) -> None:
        async with self._queue:
            if not self._wanted and self._slots is not None and self._slots.give_up():
                await self._tell("release_slots", self._me)

    async def _tell(self, query: str, terms: Mapping[str, object]) -> None:
        with suppress(*_NO_ANSWER):
            await self._ask(query, terms)

    async def _ask(self, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        self.trips += 1
        async with self._one_query:
            try:
                return await self._asked(query, terms)
            except _NO_ANSWER:
                if not await self._disconnect():
                    raise
            try:  # the server may have been restarted since it was asked last
                return await self._asked(query, terms)
            except _NO_ANSWER:
                await self._disconnect()
                raise

    async def _asked(self, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        if self._connection is None:
            self._connection = await connect_async(self._dsn)
        cursor = await self._connection.execute(_SQL[query], terms)
        return (await cursor.fetchone() if cursor.description else None) or {}

    async def _disconnect(self) -> bool:
        """Close the connection; return whether there was one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        return connection is not None


class _Permit:
    """A permit of ``PostgresRateLimiter``."""

    __slots__ = ("_back_off_s", "_deadline", "_limiter", "_weight")

    def __init__(self, limiter: PostgresRateLimiter, deadline: float, weight: int) -> None:
        self._limiter, self._deadline, self._weight = limiter, deadline, weight
        self._back_off_s = 0.0

    async def __aenter__(self) -> Self:
        if not await self._limiter.acquire(self._deadline, self._weight):
            raise NoPermitError(self._limiter.wait_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter.release()
        if self._back_off_s:
            self._limiter.back_off(self._back_off_s)

    def back_off(self, seconds: float) -> None:
        self._back_off_s = seconds


def _begin(work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
    """Do something while calls go on, and remember it until it is done."""
    task = asyncio.get_running_loop().create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)
