"""Compares the stock with its levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

LEVELS = ("warning", "alarm")

_SQL = queries(__name__)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """An amount of free codes of a type, at which somebody is notified.

    :param level: ``warning`` or ``alarm``
    """

    type: str
    level: str
    amount: int


@dataclass(frozen=True, slots=True)
class LevelState:
    """A level, and the stock compared with it.

    :param free: codes of the type that can be given out now
    :param told_at: when somebody was notified since the stock was last above the level; None if nobody was
    """

    type: str
    level: str
    amount: int
    free: int
    told_at: datetime | None

    @property
    def name(self) -> str:
        """What the alert of it is about: it tells one level from every other."""
        return f"{self.type}/{self.level}/{self.amount}"

    @property
    def reached(self) -> bool:
        """Whether the stock has reached the level: no more codes are left than its amount."""
        return self.free <= self.amount


def read_levels(connection: Connection, levels: Sequence[StockLevel]) -> list[LevelState]:
    """Compare the stock with the levels, in their order, and change nothing."""
    return [LevelState(**row) for row in connection.execute(_SQL["read_levels"], _columns(levels)).fetchall()]


def _columns(levels: Iterable[StockLevel]) -> dict[str, list[object]]:
    rows = list(levels)
    return {
        "types": [one.type for one in rows],
        "levels": [one.level for one in rows],
        "amounts": [one.amount for one in rows],
    }
