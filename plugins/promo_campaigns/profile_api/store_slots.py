"""Shares the store's connections among requests: a request that waits for a locked contact holds none of them.

Reads, first writes and repeated writes have connections of their own, so that none of the three can take what the
others need. A lock is waited for in short tries; between them the request sleeps in the event
loop, without a thread and without a connection.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import anyio

from promo_campaigns.model.errors import ContactHeldError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from promo_campaigns.model.contacts import Contact

    Answer = TypeVar("Answer")


class Kind(Enum):
    """Kinds of work, each with a number of connections of its own."""

    READ = "read"
    WRITE = "write"
    COME_BACK = "come back"
    """To a contact that others held."""
    IMPORT = "import"


CONNECTIONS = {Kind.READ: 2, Kind.WRITE: 4, Kind.COME_BACK: 2, Kind.IMPORT: 1}

PATIENCE_S = 5.0
"""A request waits this long for a contact that others hold; the caller is told to come back after that."""

_PAUSES_S = (0.05, 0.1, 0.2, 0.4)


def contact_name(contact: Contact) -> str | None:
    """Return the name of a contact for ``StoreSlots.write``: its external id, else its first channel."""
    return contact.external_id or next((channel.value for channel in contact.channels), None)


class StoreSlots:
    """Runs blocking work on the store in threads, as many at once as its kind has connections."""

    def __init__(self) -> None:
        # A limiter belongs to the event loop in which it is made.
        self._slots: dict[Kind, anyio.CapacityLimiter] = {}
        self._queues = _Queues()

    async def read(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        """Run work that takes no lock on a contact."""
        return await self._run(Kind.READ, work, *arguments)

    async def write(self, contact: str | None, work: Callable[..., Answer], *arguments: object) -> Answer:
        """Run work that writes a contact, repeatedly while the contact is locked.

        :param contact: the contact's name, if it has one; requests for one name try one at a time
        :raises ContactHeldError: it was locked all the time
        """
        give_up = anyio.current_time() + PATIENCE_S
        if contact is None:
            return await self._try(give_up, work, *arguments)
        async with self._queues.slot(contact, give_up):
            return await self._try(give_up, work, *arguments)

    async def _try(self, give_up: float, work: Callable[..., Answer], *arguments: object) -> Answer:
        try:
            return await self._run(Kind.WRITE, work, *arguments)
        except ContactHeldError:
            pass
        return await self._come_back(give_up, work, *arguments)

    async def _come_back(self, give_up: float, work: Callable[..., Answer], *arguments: object) -> Answer:
        tries = 0
        while True:
            await anyio.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1
            try:
                return await self._run(Kind.COME_BACK, work, *arguments)
            except ContactHeldError:
                if anyio.current_time() > give_up:
                    raise

    async def _run(self, kind: Kind, work: Callable[..., Answer], *arguments: object) -> Answer:
        limiter = self._slots.setdefault(kind, anyio.CapacityLimiter(CONNECTIONS[kind]))
        return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)


class _Queues:
    """Queues the requests for each contact; a contact without requests takes no memory."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def slot(self, contact: str, give_up: float) -> AsyncIterator[None]:
        lock, waiting = self._locks.get(contact) or (anyio.Lock(), 0)
        self._locks[contact] = (lock, waiting + 1)
        try:
            with anyio.CancelScope(deadline=give_up) as scope:
                await lock.acquire()
            if scope.cancelled_caught:
                problem = "others hold the contact; try again"
                raise ContactHeldError(problem)
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, waiting = self._locks[contact]
            if waiting == 1:
                del self._locks[contact]
            else:
                self._locks[contact] = (lock, waiting - 1)
