"""Compares the stock with its levels, and keeps of which of them somebody was notified."""

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
    def reached(self) -> bool:
        """Whether the stock has reached the level: no more codes are left than its amount."""
        return self.free <= self.amount


def check_levels(connection: Connection, levels: Sequence[StockLevel]) -> list[LevelState]:
    """Compare the stock with the levels, in their order; a level that the stock rose above may be notified again."""
    with connection.transaction():
        states = [LevelState(**row) for row in connection.execute(_SQL["read_levels"], _columns(levels)).fetchall()]
        reached = [StockLevel(one.type, one.level, one.amount) for one in states if one.reached]
        connection.execute(_SQL["forget_levels"], _columns(reached))
    return states


def read_levels(connection: Connection, levels: Sequence[StockLevel]) -> list[LevelState]:
    """Compare the stock with the levels, in their order, and change nothing."""
    return [LevelState(**row) for row in connection.execute(_SQL["read_levels"], _columns(levels)).fetchall()]


def note_told(connection: Connection, told: LevelState) -> None:
    """Note that somebody was notified of a level."""
    connection.execute(_SQL["note_told"], {"type": told.type, "level": told.level, "amount": told.amount})


def _columns(levels: Iterable[StockLevel]) -> dict[str, list[object]]:
    rows = list(levels)
    return {
        "types": [one.type for one in rows],
        "levels": [one.level for one in rows],
        "amounts": [one.amount for one in rows],
    }
