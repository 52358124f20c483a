"""Codes wanted against codes in stock, and what a run does with too few."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum


class StockPolicy(str, Enum):
    """What a run does whose pool is too small."""

    FAIL = "fail"
    """Nothing is opened."""
    PARTIAL = "partial"
    """Goes out to as many as there are codes for, in the order of contact ids; the others are skipped."""
    WAIT = "wait"
    """Nothing is opened before there are codes for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Codes wanted and codes there are, in one pool.

    :ivar demand: of this run
    :ivar ahead: of the runs that were opened before it and have still to claim
    :ivar stock: free codes that are valid for the days asked for, at delivery
    :ivar expiring: free codes that will not be valid for so long then
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
