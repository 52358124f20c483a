"""A file that holds a table, from any program: what is expected of its header, and how its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Kind = Literal["text", "date", "moment", "number", "flag"]
"""What a column holds. A date may have a time; a moment always has one."""

NumberedRow = tuple[int, Any]
"""The texts of a row in the order of the layout's columns, and the 1-based line or record it begins on."""

NAMELESS = "a value stands in a column without a name"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read.

    :param name: as reports show it
    """

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says of the rows below it.

    :param columns: the columns of a picked row
    :param pick: brings the cells of a row into the order of ``columns``; one that the file has not is an empty text
    """

    columns: tuple[Column, ...]
    pick: Callable[[Sequence[Any]], Any]


class TableLayout(Protocol):
    """What a file is expected to hold.

    :ivar sheet: the sheet of a workbook to read; empty for its only one
    :ivar max_line: characters of one line of text
    :ivar max_row_lines: lines that one row may span between quotes
    :ivar max_columns: columns of a sheet that are looked at
    """

    @property
    def sheet(self) -> str: ...  # noqa: D102  (see above)
    @property
    def max_line(self) -> int: ...  # noqa: D102
    @property
    def max_row_lines(self) -> int: ...  # noqa: D102
    @property
    def max_columns(self) -> int: ...  # noqa: D102
    @property
    def names(self) -> Sequence[str]: ...  # noqa: D102

    def knows(self, name: str) -> bool:
        """Tell whether a column of this name is expected, however it is written."""

    def header(self, names: Sequence[str], line: int) -> Header:
        """Read a header; names without letters stand for columns that must be empty.

        :raises FileError: a column is missing, unknown, or stands twice
        """

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises FileError: always
        """


class Table(Protocol):
    """Rows under a header, wherever they come from.

    :ivar row_noun: what numbers them: a line of text, a record of JSON, a row of a sheet or a frame
    """

    @property
    def row_noun(self) -> str: ...  # noqa: D102  (see above)

    def rows(self, rejects: RejectedRows) -> Iterator[NumberedRow]:
        """Return the rows as they come, once; what cannot be read as a row is noted in ``rejects``.

        :raises FileError: the table cannot be read
        """

    def sha256(self) -> bytes:
        """Return the digest of the whole table; the same table has the same one."""


class RejectedRows(Protocol):
    """Where rows that cannot be read are noted."""

    def add(self, line: int, column: str, reason: str) -> None:
        """Note one."""


class Grid:
    """The rows below a header: empty ones fall away, and columns without a name must be empty.

    :param names: the header as it stands in the file, also with empty names
    :param pads: a row may be shorter than the header, as in a workbook; in text it would be one that was cut off
    """

    def __init__(
        self, names: Sequence[str], line: int, layout: TableLayout, rejects: RejectedRows, *, pads: bool
    ) -> None:
        named = [place for place, name in enumerate(names) if name.strip()]
        self.width = named[-1] + 1 if named else 0
        self._nameless = [place for place in range(self.width) if place not in named]
        self._rejects = rejects
        self._pads = pads
        header = layout.header(list(names[: self.width]), line)
        self.columns, self.pick = header.columns, header.pick

    @property
    def is_plain(self) -> bool:
        """Whether every column has a name, so that a row of the right width needs no look."""
        return not self._nameless

    def rows(self, line: int, cells: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Give the picked row, or note why there is none; an empty one is neither."""
        if not any(map(_is_filled, cells)):
            return
        if (len(cells) < self.width and not self._pads) or any(map(_is_filled, cells[self.width :])):
            self._rejects.add(line, "", f"it has {len(cells)} fields, the header {self.width}")
        elif any(_is_filled(cells[place]) for place in self._nameless if place < len(cells)):
            self._rejects.add(line, "", NAMELESS)
        else:
            yield self.pick((*cells[: self.width], *("",) * (self.width - len(cells))))


def _is_filled(cell: object) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None
