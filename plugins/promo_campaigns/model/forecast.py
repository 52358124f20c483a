"""Codes that a run needs, codes in stock, and what the run does with too few."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.attributes import NO_ATTRIBUTES, attributes_in_words, parse_attributes

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_VALUES = 20
"""Of so many attributes contacts are counted each, the others together."""
OTHERS = "others"


class StockPolicy(str, Enum):
    """What a run does if its pool holds too few codes."""

    FAIL = "fail"
    """Opens nothing."""
    PARTIAL = "partial"
    """Sends to as many contacts as there are codes for, in the order of their ids; the others are skipped."""
    WAIT = "wait"
    """Opens nothing until there are codes for all contacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStock:
    """What one pool of a chain holds.

    :ivar stock: its free codes that are valid for the days asked for
    :ivar ahead: codes of it that runs opened before will take
    """

    type: str
    discount: int
    stock: int
    ahead: int

    @property
    def left(self) -> int:
        """How many codes of it the others leave."""
        return max(0, self.stock - self.ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueForecast:
    """How contacts fare who have the same attributes, where codes must match their contacts.

    :ivar kept: what they have, as the store keeps it; empty for contacts who lack a value, None for several others
    :ivar demand: codes they need
    :ivar free: codes that carry what they have, and that runs opened before will not take
    :ivar short: how many of them find neither such a code nor one that suits everybody
    """

    kept: str | None
    demand: int
    free: int
    short: int

    @property
    def attributes(self) -> dict[str, str]:
        """What they have, by name."""
        return parse_attributes(self.kept or NO_ATTRIBUTES)

    @property
    def named(self) -> str:
        """Who they are, in words."""
        return OTHERS if self.kept is None else attributes_in_words(self.attributes)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"contacts": self.named, "demand": self.demand, "free": self.free, "short": self.short}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Codes needed and codes in stock, of one pool or of a chain.

    :ivar demand: codes this run needs
    :ivar ahead: codes that runs opened before it have still to claim
    :ivar stock: free codes that are still valid for the days asked for when they are delivered
    :ivar expiring: free codes that are valid for fewer days by then
    :ivar pools: the pools of a chain, in the order in which codes are taken from them; empty for one pool
    :ivar values: contacts by what they have, where codes must match them; empty elsewhere
    :ivar given: how many codes each pool of such a chain gives this run
    """

    demand: int
    ahead: int
    stock: int
    expiring: int
    pools: tuple[PoolStock, ...] = ()
    values: tuple[ValueForecast, ...] = ()
    given: tuple[int, ...] = ()

    @property
    def shortfall(self) -> int:
        """How many codes are missing."""
        if self.values:
            return sum(value.short for value in self.values)
        if self.pools and self.demand <= self.free:
            return 0  # whatever others lack of the last pool
        return max(0, self.demand + self.ahead - self.stock)

    @property
    def free(self) -> int:
        """How many codes no other run has still to claim; below 0 if the others want more than one pool holds."""
        return sum(pool.left for pool in self.pools) if self.pools else self.stock - self.ahead

    @property
    def gives(self) -> list[int]:
        """How many codes this run takes of each pool of a chain."""
        return list(self.given) or in_turn(self.demand, [pool.left for pool in self.pools])

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values; of a chain, those of each pool as well, and those by attributes."""
        told = {**asdict(self), "shortfall": self.shortfall}
        for name in ("pools", "values", "given"):
            del told[name]
        if self.values:
            told["values"] = [value.as_dict() for value in shown_values(self.values)]
        if self.pools:
            each = zip(self.pools, self.gives, strict=True)
            told["pools"] = [{**asdict(pool), "gives": gives} for pool, gives in each]
        return told


def shown_values(values: Sequence[ValueForecast]) -> list[ValueForecast]:
    """Return those that are shown: the shortest first, then the largest; all others are one."""
    ranked = sorted(values, key=lambda value: (-value.short, -value.demand, value.kept or NO_ATTRIBUTES))
    shown, others = ranked[:MOST_VALUES], ranked[MOST_VALUES:]
    if others:
        demand, free, short = (sum(getattr(one, name) for one in others) for name in ("demand", "free", "short"))
        shown.append(ValueForecast(kept=None, demand=demand, free=free, short=short))
    return shown


def in_turn(wanted: int, left: Sequence[int]) -> list[int]:
    """Return how many codes are taken of each of some pools, where each is used up before the next."""
    taken: list[int] = []
    for codes in left:
        taken.append(min(wanted, max(0, codes)))
        wanted -= taken[-1]
    return taken
