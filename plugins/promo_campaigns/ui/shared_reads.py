"""Live views: what many people look at is read once in two seconds by this process, however many ask.

A reading is named by what it shows, and by whose eyes: people who may see the same share it. Who asks while it is under
way waits for it; who asks within two seconds gets the same. A failure is shared likewise, so that a database in trouble
is not asked more often by pages that fail.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from fastapi import Depends
from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.ui.page_store import PageStore

    Answer = TypeVar("Answer")

AGE_S = 2.0
_MOST = 256


@dataclass(frozen=True, slots=True)
class _Reading:
    until: float
    task: asyncio.Task[Any]


class SharedReads:
    """Readings of the store that are shared.

    :param clock: seconds that only grow
    """

    def __init__(self, store: PageStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._readings: dict[Hashable, _Reading] = {}

    async def get(self, key: Hashable, work: Callable[[Connection], Answer], *, age_s: float = AGE_S) -> Answer:
        """Return a reading that is no older than so many seconds.

        :param key: what it shows; two works of one key return the same
        :raises PromoError: as ``PageStore.read``
        """
        now = self._clock()
        known = self._readings.get(key)
        if known is None or (known.task.done() and now >= known.until):
            self._forget(now)
            # A task of its own: the first to ask may leave without taking it from the others.
            known = _Reading(now + age_s, asyncio.ensure_future(self._store.read(work)))
            known.task.add_done_callback(_look_at)
            self._readings[key] = known
        return cast("Answer", await asyncio.shield(known.task))

    def _forget(self, now: float) -> None:
        """Drop what is old, once there is much of it."""
        if len(self._readings) >= _MOST:
            kept = {key: one for key, one in self._readings.items() if not one.task.done() or now < one.until}
            self._readings = kept


def _look_at(task: asyncio.Task[Any]) -> None:
    """Take note of a failure that nobody may have waited for, which asyncio would complain of."""
    if not task.cancelled():
        task.exception()


def shared_reads(request: Request) -> SharedReads:
    """Return the readings of the application that serves a request."""
    return cast("SharedReads", request.app.state.shared)


SharedDep = Annotated[SharedReads, Depends(shared_reads)]
