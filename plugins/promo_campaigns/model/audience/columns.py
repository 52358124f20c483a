"""Columns of an audience that another database is asked for: values of one run, and no fields of a profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.model.contact_rules import clean_field_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

AUDIENCE = "audience"
"""The name under which a template reads the columns of its run's audience: ``$audience.spent``."""
COLUMN_TYPES = ("text", "number", "decimal", "date", "datetime")
HOW_DECLARED = "Write it as in: -- column: spent decimal, such as 129.90"
_DECLARED = re.compile(
    r"--[ \t]*column:[ \t]*(?P<name>[A-Za-z_]\w*)[ \t]+(?P<type>\w+)[ \t]*"
    r"(?:,[ \t]*such as[ \t]+(?P<example>.*?))?[ \t\r]*",
    re.ASCII,
)
_MEANT = re.compile(r"[ \t]*--[ \t]*columns?\b[ \t]*[:=]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceColumn:
    """A column that the SELECT of an audience yields beside the contact.

    :ivar type: one of ``COLUMN_TYPES``
    :ivar example: what stands for its value where another database is not asked, as in a test send; empty for none
    """

    name: str
    type: str
    example: str = ""


class ColumnLineError(ValueError):
    """A line does not declare a column as it should.

    :ivar problem: what is wrong with it
    :ivar line: where it stands, from 1
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def declares_columns(select: str) -> bool:
    """Tell whether a line of a SELECT declares a column."""
    return any(_DECLARED.fullmatch(line) for line in select.split("\n"))


def read_columns(select: str) -> tuple[AudienceColumn, ...]:
    """Read the columns that are declared below the first line of an audience's SELECT.

    :raises ColumnLineError: a line declares none as it should, or stands elsewhere
    """
    found: dict[str, AudienceColumn] = {}
    for line, text, is_in_head in _lines(select):
        declared = _DECLARED.fullmatch(text)
        if declared is None and _MEANT.match(text) is None:
            continue
        problem = "" if declared else "the line declares no column"
        if declared and not is_in_head:
            problem = "columns are declared right below the first line, which names the connection"
        elif declared:
            problem = _problem(declared, found)
        if problem or not declared:
            raise ColumnLineError(problem, line)
        name, kind, example = declared["name"], declared["type"], declared["example"] or ""
        found[name.casefold()] = AudienceColumn(name=name, type=kind, example=example)
    return tuple(found.values())


def example_values(columns: Sequence[AudienceColumn]) -> dict[str, Sequence[str]]:
    """Return type and example of each column that has one, as values of a run are kept."""
    return {column.name: (column.type, column.example) for column in columns if column.example}


def _lines(select: str) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines below the first one, each with whether only comments stand above it."""
    is_in_head = True
    for line, text in enumerate(select.split("\n")[1:], 2):
        is_in_head = is_in_head and text.startswith("--")
        yield line, text, is_in_head


def _problem(declared: re.Match[str], before: Collection[str]) -> str:
    """Return what is wrong with a declared column, by the names that stand before it; empty if nothing is."""
    name, kind = declared["name"], declared["type"]
    if name.casefold() in before:
        return f"the column {name!r} is declared twice"
    if kind not in COLUMN_TYPES:
        return f"a column cannot be of the type {kind!r}: there are {', '.join(COLUMN_TYPES)}"
    try:
        clean_field_value(kind, declared["example"] or "")
    except ValueError as error:
        return f"the example of the column {name!r} does not fit: {error}"
    return ""
