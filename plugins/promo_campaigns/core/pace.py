"""How the turns of a rate budget are leased and taken. Moments are seconds on any one clock.

The turns of a budget are evenly spaced. Workers lease them in slices, and no turn belongs to two slices. A call begins
at its turn or a little later; a turn that was missed by more than that is lost, never made up for. So any second sees
the turns of that second and of the little before it: the budget and less than a slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from promo_campaigns.core.connection import LIMITS

if TYPE_CHECKING:
    from promo_campaigns.core.connection import ConnectionSettings

SLICE_S = 0.1
"""Seconds of turns a worker leases at most, or one turn where turns are rarer. What a killed worker takes with it."""
LATE_S = SLICE_S / 4
"""How late a call may begin."""
CHUNK_S = 15.0
"""Seconds of turns a chunk may need, were its worker alone: an eighth of a lease, half of which is for calls."""
CHUNK_SHARE = 0.125
MAX_PER_S = 10_000
MAX_SEATS = 1000


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
    def slice_s(self) -> float:
        """How long a slice is."""
        return max(SLICE_S, 1.0 / self.per_s) if self.per_s else SLICE_S

    def turns(self, wanted: int, weight: int = 1) -> int:
        """How many turns to lease when so many are waited for: a slice at most, and what the first call weighs."""
        most = floor(self.slice_s * self.per_s + 1e-9) if self.per_s else wanted
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


@dataclass(slots=True)
class Slice:
    """Turns leased together, every ``every_s`` seconds from ``begins_at`` on.

    :ivar taken: how many turns are gone
    """

    begins_at: float
    turns: int
    every_s: float
    taken: int = 0

    def take(self, now: float, weight: int = 1) -> float | None:
        """Take the next turn that is not missed yet and return its moment; None when too few are left.

        :param weight: how many turns the call needs; it begins at the first of them
        """
        missed = ceil((now - LATE_S - self.begins_at) / self.every_s - 1e-9)
        first = max(self.taken, missed)
        if first + weight > self.turns:
            self.taken = self.turns
            return None
        self.taken = first + weight
        return self.begins_at + first * self.every_s


def budget_of(connection: ConnectionSettings) -> Budget | None:
    """Read the limits of a connection; None where it sets none.

    :raises ConfigurationError: one is no number or out of bounds, or requests and messages are both limited
    """
    given = [name for name in (*LIMITS, "concurrency") if connection.text(name)]
    if not given:
        return None
    if set(LIMITS) <= set(given):
        connection.fail(f"has both extras {' and '.join(LIMITS)}; leave one of them out")
    rates = [connection.number(name, 1.0, least=0.1, most=MAX_PER_S) for name in given if name in LIMITS]
    seats = connection.number("concurrency", 1, least=1, most=MAX_SEATS)
    return Budget(
        per_s=rates[0] if rates else None,
        concurrency=int(seats) if "concurrency" in given else None,
        by_message="messages_per_s" in given,
    )


def next_chunk(size: int, called: int, *, took_s: float, lease_s: float) -> int:
    """How many contacts to commit an intent for next: fewer where the last ones needed much of their lease.

    Whoever is committed and then not called for in time has to be put off.

    :param size: what the last chunk might have held
    :param called: what it held
    """
    fits = took_s <= lease_s * CHUNK_SHARE
    return size * 2 if fits else max(1, int(called * lease_s * CHUNK_SHARE / took_s))
