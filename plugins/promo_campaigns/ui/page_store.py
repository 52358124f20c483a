"""The promo database as the pages reach it: few connections, off the event loop, and never waited for without end.

The API server also serves Airflow itself. Reads have threads and connections of their own here, and a limit of time, so
that a slow promo database slows these pages alone.
"""

from __future__ import annotations

import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import anyio
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends
from starlette.requests import Request

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.model.errors import ConfigurationError, PromoError, StoreUnavailableError
from promo_campaigns.postgres.connection import open_connection
from promo_campaigns.postgres.pool import StorePool
from promo_campaigns.ui.rights import STORE_CONNECTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from promo_campaigns.postgres.connection import Connection

    Answer = TypeVar("Answer")

READS = 4
ACTS = 4
STATEMENT_MS = 10_000
_LOCK_WAIT_MS = 5_000
_TURN_S = 10.0
_ADDRESS_AGE_S = 10.0
_FAILURE_AGE_S = 3.0
_BUSY = "the promo database is answering other pages; try again"


def airflow_dsn() -> str:
    """Return the database that Airflow's connection ``promo_db`` leads to. It holds the password: never log it.

    :raises ConfigurationError: there is no such connection, or it is none of a promo database
    """
    try:
        return store_dsn(airflow_connection(STORE_CONNECTION))
    except AirflowNotFoundException:
        msg = (
            f"Airflow has no connection {STORE_CONNECTION}, so the promo database cannot be found; add it under Admin, "
            "Connections"
        )
        raise ConfigurationError(msg) from None


class PageStore:
    """Runs work on the promo database in threads, as many at once as there are connections.

    :param find_dsn: returns the address; asked again every few seconds, since a connection can be edited
    """

    def __init__(self, find_dsn: Callable[[], str] = airflow_dsn) -> None:
        self._find_dsn = find_dsn
        self._lock = threading.Lock()
        self._dsn = ""
        self._asked_at = -_ADDRESS_AGE_S
        self._pools: dict[bool, StorePool] = {}
        self._failure: PromoError | None = None
        self._failed_at = 0.0
        # A limiter belongs to the event loop in which it is first used.
        self._limiters: dict[bool, anyio.CapacityLimiter] = {}

    async def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do something that changes nothing; it may be done twice, and a statement of it is cancelled in the end.

        :raises StoreUnavailableError: the server does not answer in time, or others have all connections
        :raises ConfigurationError: the connection ``promo_db`` is missing or wrong
        """
        return await self._run(work, acts=False)

    async def act(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do something that changes the store, once, however long it takes.

        :raises StoreUnavailableError: the server does not answer, or others have all connections
        :raises ConfigurationError: the connection ``promo_db`` is missing or wrong
        """
        return await self._run(work, acts=True)

    async def stream(self, produce: Callable[[Connection], Iterator[bytes]]) -> AsyncIterator[bytes]:
        """Yield what is produced on a connection, part by part, each in a thread; it ends early if nobody listens.

        :raises StoreUnavailableError: as ``act``
        """
        async with self._turn(acts=True):
            parts, thread = self._parts(produce), anyio.CapacityLimiter(1)
            try:
                while (part := await anyio.to_thread.run_sync(next, parts, None, limiter=thread)) is not None:
                    yield part
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(parts.close, limiter=thread)

    def _parts(self, produce: Callable[[Connection], Iterator[bytes]]) -> Generator[bytes, None, None]:
        with self._pool(acts=True).connection() as connection:
            yield from produce(connection)

    def address(self) -> str:
        """Return the database, for work in the background that has connections of its own: never log it.

        Called from a worker thread.

        :raises ConfigurationError: the connection ``promo_db`` is missing or wrong
        """
        return self._find_dsn()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._drop()

    async def _run(self, work: Callable[[Connection], Answer], *, acts: bool) -> Answer:
        async with self._turn(acts=acts):
            # A thread beside the default ones, which Airflow's own routes share.
            return await anyio.to_thread.run_sync(self._work, work, acts, limiter=anyio.CapacityLimiter(1))

    @asynccontextmanager
    async def _turn(self, *, acts: bool) -> AsyncIterator[None]:
        """Wait until a connection is free; a turn that does not come in time is told."""
        limiter = self._limiters.setdefault(acts, anyio.CapacityLimiter(ACTS if acts else READS))
        turn = object()
        with anyio.move_on_after(_TURN_S) as waiting:
            await limiter.acquire_on_behalf_of(turn)
        if waiting.cancelled_caught:
            raise StoreUnavailableError(_BUSY)
        try:
            yield
        finally:
            limiter.release_on_behalf_of(turn)

    def _work(self, work: Callable[[Connection], Answer], acts: bool) -> Answer:  # noqa: FBT001  (run_sync takes no keywords)
        pool = self._pool(acts=acts)
        return pool.run_once(work) if acts else pool.run(work)

    def _pool(self, *, acts: bool) -> StorePool:
        """Return the pool; who comes while there is no way to the store is told at once why the last one failed."""
        with self._lock:
            if self._failure and time.monotonic() - self._failed_at < _FAILURE_AGE_S:
                raise self._failure.with_traceback(None)
            self._failure = None
            try:
                return self._found(acts=acts)
            except PromoError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise

    def _found(self, *, acts: bool) -> StorePool:
        if time.monotonic() - self._asked_at >= _ADDRESS_AGE_S:
            dsn = self._find_dsn()
            if dsn != self._dsn:
                self._drop()
            self._dsn, self._asked_at = dsn, time.monotonic()
        if acts not in self._pools:
            self._pools[acts] = _opened(self._dsn, acts=acts)
        return self._pools[acts]

    def _drop(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()


def _opened(dsn: str, *, acts: bool) -> StorePool:
    """Return a pool that holds no connection while nobody asks.

    :raises DatabaseUnavailableError: the server cannot be reached, and why
    :raises ConfigurationError: the address is wrong
    """
    open_connection(dsn).close()  # a pool does not say why it gets no connection
    size, limit = (ACTS, 0) if acts else (READS, STATEMENT_MS)
    terms = {"lock_wait_ms": _LOCK_WAIT_MS, "kept": 0, "statement_ms": limit}
    pool = StorePool(dsn, size=size, **terms, prepare=False, checked=acts)
    pool.open()
    return pool


def page_store(request: Request) -> PageStore:
    """Return the store of the application that serves a request."""
    return cast("PageStore", request.app.state.store)


StoreDep = Annotated[PageStore, Depends(page_store)]
