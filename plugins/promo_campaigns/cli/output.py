"""What a command prints: JSON, a table, or a sentence.

A table on a terminal is Rich's and fits the terminal. Anywhere else each row is one line with nothing cut off, for grep
and awk. JSON holds exact values; tables hold readable ones.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.terminal import console, is_terminal
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_GAP = "  "
_NAMES = ("id", "line", "version")
"""How columns end whose numbers are names: a thousands separator would make another name of them."""


class Output:
    """Prints the result of one command as its options ask for.

    :param as_json: the option ``--json``
    :param fields: the option ``--fields``: the only fields to print, with commas; empty for all
    """

    def __init__(self, *, as_json: bool, fields: str = "") -> None:
        self.as_json = as_json
        self._fields = [name.strip() for name in fields.split(",") if name.strip()]

    @property
    def is_plain(self) -> bool:
        """Tell whether neither JSON nor fields were asked for, so that the command may say it in its own words."""
        return not self.as_json and not self._fields

    def rows(self, rows: Sequence[Mapping[str, Any]], *, empty: str, columns: Sequence[str] = ()) -> None:
        """Print a table, or a JSON array.

        :param empty: what to say when there are no rows
        :param columns: what the table shows when ``--fields`` does not say it; all by default
        """
        chosen = [self._chosen(row) for row in rows]
        if self.as_json:
            print_json(chosen)
        elif not rows:
            print(empty)
        else:
            names = self._fields or columns or list(rows[0])
            _print_table(names, [[row[name] for name in names] for row in rows])

    def places(self, names: Sequence[str]) -> list[int]:
        """Return where the fields asked for stand among the columns of a table; all of them without ``--fields``."""
        return [names.index(name) for name in self._chosen(dict.fromkeys(names))]

    def record(self, record: Mapping[str, Any], text: str) -> None:
        """Print one result: a JSON object, the fields asked for, or a text.

        :param text: what a person reads
        """
        chosen = self._chosen(record)
        if self.as_json:
            print_json(chosen)
        elif self._fields:
            print("\n".join(f"{name}{_GAP}{readable(name, value)}" for name, value in chosen.items()))
        else:
            print(text)

    def _chosen(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if not self._fields:
            return dict(record)
        if unknown := [name for name in self._fields if name not in record]:
            raise ConfigurationError(_no_field(unknown[0], list(record)))
        return {name: record[name] for name in self._fields}


def print_json(value: object) -> None:
    """Print one JSON value on one line; times are ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=exact))


@contextmanager
def json_rows(names: Sequence[str]) -> Iterator[Callable[[Sequence[Sequence[Any]]], None]]:
    """Print rows as they come, with bounded memory, as one JSON array of an object a line.

    :return: a function that prints the next rows
    """
    opened = False

    def write(rows: Sequence[Sequence[Any]]) -> None:
        nonlocal opened
        for row in rows:
            text = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=exact)
            print(f"{',' if opened else '['}{text}")
            opened = True

    yield write
    print("]" if opened else "[]")


def exact(value: object) -> object:
    """Return a value that JSON has no form for as one that it has."""
    return value.isoformat() if isinstance(value, date) else str(value)


def readable(name: str, value: object) -> str:
    """Return a value as a cell: on one line, with nothing a terminal would obey.

    :param name: its column's
    """
    if value is None or value in ([], (), {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, is_name=name.endswith(_NAMES))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" + ("" if value.utcoffset() is None else f" {value:%Z}")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=exact)
    return printable(text)


def _number(value: float, *, is_name: bool) -> str:
    if isinstance(value, int):
        return str(value) if is_name else f"{value:,}"
    return f"{value:,.1f}"


def printable(text: str, kept: str = "") -> str:
    """Return a text that a terminal only shows: control characters could move its cursor or rename its window.

    :param kept: those to let through, such as a line feed
    """
    return "".join(letter if letter.isprintable() or letter in kept else "\ufffd" for letter in text)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    titles = [name.replace("_", " ") for name in names]
    cells = [[readable(name, value) for name, value in zip(names, row, strict=True)] for row in rows]
    numeric = [all(type(row[at]) in {int, float, type(None)} for row in rows) for at in range(len(names))]
    if is_terminal(sys.stdout):
        _print_on_terminal(titles, cells, numeric)
        return
    table = [titles, *cells]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        placed = zip(line, widths, numeric, strict=True)
        print(_GAP.join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in placed).rstrip())


def _print_on_terminal(titles: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for title, right in zip(titles, numeric, strict=True):
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    console(sys.stdout).print(table)


def _no_field(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"--fields: there is no field {printable(name)!r}{hint} The fields are {', '.join(known)}"
