"""A worker's share of the calls that may be under way at one receiver."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RENEW_S = 1.0
"""Seconds after which a share is computed anew, so that other workers get theirs."""
POLL_S = 0.1
"""Seconds between looks for a slot while there is none."""
PROMPT_S = RENEW_S / 2
"""Seconds within which a call begins once it may, or its process stands still."""


class ConcurrencySlots:
    """Slots held for a time, each for one call. A call is over before its slot can go to another worker.

    A slot whose call waits for a token is kept by renewing the share. It is lost to a worker that stood still for so
    long, or that the store did not answer, that another worker may have got it.

    :param ask: renews the share in the store: slots wanted, slots in use, seconds to hold them; returns the share
    :param call_s: seconds a call can take at most
    """

    def __init__(self, ask: Callable[[int, int, float], Awaitable[int]], *, call_s: float) -> None:
        self.share = 0
        self._ask = ask
        self._hold_s = call_s + 2 * RENEW_S
        self._in_use = 0
        self._asked_at = 0.0
        self._renew_at = 0.0
        self._was_lost = False
        self._freed = asyncio.Event()

    @property
    def free(self) -> int:
        """How many more calls may begin."""
        return max(0, self.share - self._in_use)

    @property
    def is_kept(self) -> bool:
        """Whether the slot that was acquired last is still there, for the whole of a call that begins now."""
        return self._is_fresh and not self._was_lost

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() < self._asked_at + 2 * RENEW_S - PROMPT_S

    async def acquire(self, *, deadline: float, waiting: int) -> bool:
        """Wait for a slot; False if there is none before the deadline. One caller at a time.

        :param waiting: how many callers want a slot, this one included
        """
        while time.monotonic() < deadline:
            await self.renew(waiting)
            if self.free and self._is_fresh:
                self._in_use += 1
                self._was_lost = False
                return True
            await self._wait_until(min(deadline, self._renew_at))
        return False

    async def renew(self, waiting: int) -> None:
        """Compute the share anew when it is time; called at least every ``RENEW_S`` while a call is to begin."""
        now = time.monotonic()
        if now >= self._renew_at:
            self.share = await self._ask(self._in_use + waiting, self._in_use, self._hold_s)
            self._was_lost |= time.monotonic() >= self._asked_at + self._hold_s
            self._asked_at = now
            self._renew_at = now + (RENEW_S if self.share else POLL_S)

    def release(self) -> int:
        """Free a slot, and return how many are still in use."""
        if self._in_use > self.share:
            self._renew_at = 0.0  # another worker waits for it
        self._in_use -= 1
        self._freed.set()
        return self._in_use

    def give_up(self) -> bool:
        """Give up the share, unless a slot is in use; False if there was nothing to give up."""
        if self._in_use or not self.share:
            return False
        self.share, self._renew_at = 0, 0.0
        return True

    async def _wait_until(self, moment: float) -> None:
        self._freed.clear()
        try:
            await asyncio.wait_for(self._freed.wait(), max(0.0, moment - time.monotonic()))
        except asyncio.TimeoutError:
            return
