"""A table whose columns are known by name, in any order, and of which some may be missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.tables.sheet_text import fold_header, suggest
from promo_campaigns.tables.table import Column, Header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from promo_campaigns.model.errors import FileError
    from promo_campaigns.tables.table import Kind


@dataclass(frozen=True, kw_only=True)
class KnownColumns:
    """What such a table is expected to hold; its rows are the texts of ``names``, empty for a column that it lacks.

    :param file: base name, for errors
    :param names: the columns that are read
    :param kinds: what they hold that are no text
    :param passed_over: columns that may be there and are not read
    :param lacks: returns what a header of these columns lacks, and what is needed; None if it lacks nothing
    :param error: what is raised when the file is refused
    :param sheet: the sheet of a workbook; empty for its only one
    """

    file: str
    names: Sequence[str]
    kinds: Mapping[str, Kind]
    lacks: Callable[[Sequence[str]], tuple[str, str] | None]
    error: type[FileError]
    passed_over: Sequence[str] = ()
    sheet: str = ""
    max_line: int = field(default=65_536, init=False)
    max_row_lines: int = field(default=100, init=False)
    max_columns: int = field(default=64, init=False)

    def knows(self, name: str) -> bool:
        """Tell whether a column of this name is expected."""
        return bool(self._meant(name))

    def header(self, names: Sequence[str], line: int) -> Header:
        """Read the header.

        :raises FileError: the layout's own: a column is missing, unknown, or stands twice
        """
        known = [self._meant(name) for name in names]
        for name, meant in zip(names, known, strict=True):
            if name.strip() and not meant:
                near = suggest(name, self.names)
                hint = f"Did you mean {near}?" if near else f"Keep the columns {', '.join(self.names)}"
                self.refuse(f"the column {name.strip()[:40]!r} is not known", line, hint)
        if lacking := self.lacks(known):
            self.refuse(lacking[0], line, lacking[1])
        if twice := [name for name in self.names if known.count(name) > 1]:
            self.refuse(f"the column {', '.join(twice)} stands twice", line, "Keep one of them")
        places = [known.index(name) if name in known else None for name in self.names]
        columns = tuple(Column(name, self.kinds.get(name, "text")) for name in self.names)
        return Header(columns, lambda cells: [cells[place] if place is not None else "" for place in places])

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises FileError: always, the layout's own
        """
        raise self.error(problem, file=self.file, line=line, hint=hint) from cause

    def _meant(self, name: str) -> str:
        return self._by_folded_name.get(fold_header(name), "")

    @cached_property
    def _by_folded_name(self) -> dict[str, str]:
        return {fold_header(name): name for name in (*self.names, *self.passed_over)}
