"""The file that sets the levels of the stock, type by type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.stock_levels import LEVELS, StockLevel
from promo_campaigns.definitions.yaml_file import YamlFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_CODES = 10**12
"""A level above this is a mistake: no pool is that large."""


def read_stock_levels(path: Path) -> tuple[StockLevel, ...]:
    """Read levels written as ``Welcome: {warning: [1000, 500], alarm: 50}``; an empty file sets none.

    :raises DefinitionError: it is missing or wrong; the error names the line
    """
    file = YamlFile(path, shown_as=path.name, may_be_empty=True)
    levels: dict[StockLevel, None] = {}
    for place, level in _levels(file):
        if level in levels:
            file.fail(f"{level.level} {level.amount} of {level.type!r} stands twice", setting=place)
        levels[level] = None
    return tuple(levels)


def _levels(file: YamlFile) -> Iterator[tuple[tuple[str | int, ...], StockLevel]]:
    """Yield each level with its place in the file."""
    for type_, settings in file.value.items():
        if not isinstance(settings, dict):
            file.fail(f"{type_!r} must set levels, as 'warning: 500'", setting=(type_,))
        for level, amounts in settings.items():
            if level not in LEVELS:
                file.fail(f"there is no level {level!r}", setting=(type_, level), hint=f"Use {' or '.join(LEVELS)}")
            listed = isinstance(amounts, list)
            for index, amount in enumerate(amounts if listed else [amounts]):
                place = (type_, level, index) if listed else (type_, level)
                if not _is_amount(amount):
                    file.fail(f"{level!r} must be a number of codes, or a list of such", setting=place)
                yield place, StockLevel(type_, level, amount)


def _is_amount(value: Any) -> bool:  # noqa: ANN401  (any plain value)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_CODES
