"""Reads the levels of the stock from their file, and checks which of them are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import yaml

from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

FILE = "stock_levels.yaml"
LEVELS = ("warning", "alarm")

_DIGITS = 12

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


def read_stock_levels(path: Path) -> tuple[StockLevel, ...]:
    """Read the file that sets the levels, type by type: ``Welcome: {warning: [1000, 500], alarm: 50}``.

    :raises DefinitionError: it is missing or wrong; the error names the line
    """
    return tuple(_LevelFile(path).levels())


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


class _LevelFile:
    """The levels of one file, whose errors name the line."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror or type(error).__name__}")
        except UnicodeDecodeError:
            self._fail("the file is not UTF-8")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            self._fail(f"not YAML: {error.problem or 'unreadable'}", line=mark.line + 1 if mark else None)

    def levels(self) -> Iterator[StockLevel]:
        if self._root is None:
            return
        seen: set[StockLevel] = set()
        for name, settings in self._pairs(self._root, "the file must name types, as 'Welcome: {warning: 500}'"):
            for level, amounts in self._pairs(settings, f"{name!r} must set levels, as 'warning: 500'"):
                if level not in LEVELS:
                    self._fail(f"there is no level {level!r}", at=amounts, hint=f"Use {' or '.join(LEVELS)}")
                for node in amounts.value if isinstance(amounts, yaml.SequenceNode) else [amounts]:
                    one = StockLevel(name, level, self._amount(node, level))
                    if one in seen:
                        self._fail(f"{level} {one.amount} of {name!r} stands twice", at=node)
                    seen.add(one)
                    yield one

    def _pairs(self, node: yaml.Node, problem: str) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(problem, at=node)
        for name, value in node.value:
            yield str(name.value), value

    def _amount(self, node: yaml.Node, level: str) -> int:
        text = str(node.value)
        if not (isinstance(node, yaml.ScalarNode) and text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
            self._fail(f"{level!r} must be a number of codes, or a list of such", at=node)
        return int(text)

    def _fail(self, problem: str, *, at: yaml.Node | None = None, line: int | None = None, hint: str = "") -> NoReturn:
        raise DefinitionError(
            problem, file=self._name, line=at.start_mark.line + 1 if at is not None else line, hint=hint
        )
