"""The rate budget of a receiver, as whoever calls it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Protocol

TOKEN_BATCH_S = 0.1
"""Seconds of turns a worker leases at most, or one turn where turns are rarer. What a killed worker takes with it."""
CHUNK_S = 15.0
"""Seconds of turns a chunk may need, were its worker alone: an eighth of a lease, half of which is for calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What all workers may ask of a receiver together; None for as much as they like.

    :ivar per_s: calls a second, or messages a second where a call carries many
    :ivar concurrency: calls under way at a time
    :ivar by_message: whether ``per_s`` counts messages
    """

    per_s: float | None = None
    concurrency: int | None = None
    by_message: bool = False

    @property
    def token_batch_s(self) -> float:
        """How long a slice is."""
        return max(TOKEN_BATCH_S, 1.0 / self.per_s) if self.per_s else TOKEN_BATCH_S

    def turns(self, wanted: int, weight: int = 1) -> int:
        """How many turns to lease when so many are waited for: a slice at most, and what the first call weighs."""
        most = floor(self.token_batch_s * self.per_s + 1e-9) if self.per_s else wanted
        return max(weight, min(wanted, most))

    def weight(self, messages: int) -> int:
        """How many turns a call is worth that carries so many messages."""
        return messages if self.by_message else 1

    def chunk(self, most: int, per_call: int = 1) -> int:
        """How many contacts to commit an intent for at once, so that their calls begin well within the lease.

        :param per_call: contacts a call is made for
        """
        if self.per_s is None:
            return most
        return max(1, min(most, int(CHUNK_S * self.per_s * per_call / self.weight(per_call))))


class RateLimiter(Protocol):
    """The rate budget of one receiver, shared by all workers. Every turn that was had is followed by ``done``."""

    @property
    def budget(self) -> Budget:
        """What all workers may ask of the receiver together."""

    @property
    def wait_s(self) -> float:
        """Seconds after which asking again makes sense, once a turn was refused."""

    async def turn(self, *, deadline: float, weight: int = 1) -> bool:
        """Wait until one more call may begin; say no, at once, if that is not before the deadline.

        :param deadline: on the clock of ``time.monotonic``
        :param weight: how many turns the call is worth, where the budget counts messages and the call carries several
        """

    def done(self) -> None:
        """Hear that a call that had its turn is over."""

    def back_off(self, seconds: float) -> None:
        """Let no worker begin a call for so long: the receiver asked for it."""
