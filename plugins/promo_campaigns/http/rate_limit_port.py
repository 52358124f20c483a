"""The rate limiter of a receiver, as code that calls the receiver sees it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

TOKEN_BATCH_S = 0.1
"""Seconds of tokens a worker leases at most, or one token where they are rarer. What a killed worker takes with it."""
CHUNK_S = 15.0
"""Seconds of tokens a chunk may need, were its worker alone: an eighth of a lease, half of which is for calls."""


class NoPermitError(Exception):
    """No call may begin before the deadline.

    :ivar wait_s: seconds after which asking again makes sense
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"no permit for another {wait_s:.1f} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What all workers may ask of a receiver together; None for no limit.

    :ivar per_s: calls a second, or messages a second where a call carries many
    :ivar concurrency: calls under way at a time
    :ivar by_message: whether ``per_s`` counts messages
    """

    per_s: float | None = None
    concurrency: int | None = None
    by_message: bool = False

    @property
    def token_batch_s(self) -> float:
        """How many seconds of tokens a batch holds."""
        return max(TOKEN_BATCH_S, 1.0 / self.per_s) if self.per_s else TOKEN_BATCH_S

    def tokens(self, wanted: int, weight: int = 1) -> int:
        """How many tokens to lease when so many are waited for: one batch at most, and what the first call needs."""
        most = floor(self.token_batch_s * self.per_s + 1e-9) if self.per_s else wanted
        return max(weight, min(wanted, most))

    def weight(self, messages: int) -> int:
        """How many tokens a call needs that carries so many messages."""
        return messages if self.by_message else 1

    def chunk(self, most: int, per_call: int = 1) -> int:
        """How many contacts to commit an intent for at once, so that their calls begin well within the lease.

        :param per_call: contacts a call is made for
        """
        if self.per_s is None:
            return most
        return max(1, min(most, int(CHUNK_S * self.per_s * per_call / self.weight(per_call))))


class Permit(Protocol):
    """What one call needs to begin: its tokens of the rate budget, and a concurrency slot until the block ends.

    Entering ``async with`` waits for both; leaving it gives the slot back.
    """

    async def __aenter__(self) -> Self:
        """Wait until the call may begin.

        :raises NoPermitError: at once, if it may not begin before the deadline
        """

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the slot back."""

    def back_off(self, seconds: float) -> None:
        """Let no worker begin a call for so long after this one: the receiver asked for it. Does nothing for 0."""


class RateLimiter(Protocol):
    """The rate limiter of one receiver, shared by all workers."""

    @property
    def budget(self) -> Budget:
        """What all workers may ask of the receiver together."""

    def permit(self, *, deadline: float, weight: int = 1) -> Permit:
        """Return the permit of one call, to be entered with ``async with`` once.

        :param deadline: on the clock of ``time.monotonic``; a call that may not begin before it has no permit
        :param weight: how many tokens the call needs, where the budget counts messages and the call carries several
        """


class _Always:
    """A permit of a receiver without limits."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def back_off(self, seconds: float) -> None:
        pass


class _Unlimited:
    """The limiter of a receiver without limits."""

    budget = Budget()
    _always = _Always()

    def permit(self, *, deadline: float, weight: int = 1) -> Permit:  # noqa: ARG002  (the port's signature)
        return self._always


UNLIMITED: RateLimiter = _Unlimited()
"""For a receiver whose connection sets no limits: every call may begin at once, and the store is not asked."""
