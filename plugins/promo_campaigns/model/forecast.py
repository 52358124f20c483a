"""Codes that a run needs, codes in stock, and what the run does with too few."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum


class StockPolicy(str, Enum):
    """What a run does if its pool holds too few codes."""

    FAIL = "fail"
    """Opens nothing."""
    PARTIAL = "partial"
    """Sends to as many contacts as there are codes for, in the order of their ids; the others are skipped."""
    WAIT = "wait"
    """Opens nothing until there are codes for all contacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Codes needed and codes in stock, of one pool.

    :ivar demand: codes this run needs
    :ivar ahead: codes that runs opened before it have still to claim
    :ivar stock: free codes that are still valid for the days asked for when they are delivered
    :ivar expiring: free codes that are valid for fewer days by then
    """

    demand: int
    ahead: int
    stock: int
    expiring: int

    @property
    def shortfall(self) -> int:
        """How many codes are missing."""
        return max(0, self.demand + self.ahead - self.stock)

    def as_dict(self) -> dict[str, int]:
        """Return the numbers as plain JSON values."""
        return {**asdict(self), "shortfall": self.shortfall}
