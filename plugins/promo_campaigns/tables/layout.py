"""The columns and the header of a code file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.attributes import MAX_ATTRIBUTES
from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.tables.sheet_text import fold_header, suggest
from promo_campaigns.tables.table import Column, Header

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.tables.table import Kind

CODE, EXPIRATION_DATE, DISCOUNT, TYPE, IN_USE = COLUMNS = ("code", "expirationDate", "discount", "type", "inUse")
"""The columns of a code file their names are read however people write them."""

GENERAL = "General"
"""The type that the codes of a code-only file get."""


START_DATE = "startDate"
"""A further column: from when a code may be given."""

ATTRIBUTE_COLUMN = re.compile(r"attr(?:ibute)?[:._](?P<name>[A-Za-z_]\w{0,49})", re.ASCII | re.IGNORECASE)
"""A further column that holds an attribute of codes, such as ``attr:store``, or ``attr_store`` in a SELECT."""

Row = tuple[str, ...]
"""The text of one row, in the order of ``COLUMNS``; further columns follow in the order of ``Layout.further``."""

_KINDS: tuple[Kind, ...] = ("text", "date", "number", "text", "flag")
_COLUMNS = tuple(map(Column, COLUMNS, _KINDS))
_BY_FOLDED_NAME = {fold_header(name): name for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a code file is expected to hold.

    :param file: base name of the file, for messages
    :param strict: the column inUse is required
    :param expiration: when given, the file holds the one column ``code``, and this is when its codes expire
    :param sheet: the sheet of a workbook to read; empty for its only one
    """

    file: str
    strict: bool = False
    expiration: str | None = None
    sheet: str = ""
    further: list[str] = field(default_factory=list, compare=False)
    """``startDate`` and the names of attributes that the header names, once it was read."""
    max_line: int = 65_536
    """Characters of one line; a file without line breaks is no list of codes, and must not be held whole."""
    max_row_lines: int = 100
    max_columns: int = 24

    @property
    def code_only(self) -> bool:
        """Whether the file holds the one column ``code``; its codes get the type ``GENERAL`` and no discount."""
        return self.expiration is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that a file may have."""
        return (CODE,) if self.code_only else COLUMNS

    def knows(self, name: str) -> bool:
        """Tell whether a column of this name is expected, in any case, with blanks, hyphens or underscores in it."""
        return fold_header(name) in _BY_FOLDED_NAME or bool(_further(name))

    def header(self, names: Sequence[str], line: int) -> Header:
        """Return how a row under this header is brought into the order of ``COLUMNS``.

        A column that is not known is refused, as one that nobody reads hides mistakes: with ``inUse`` misspelt, codes
        that are in use would enter the pool.

        :param names: the names as they stand in the file; empty ones are of columns that must be empty
        :param line: 1-based line of the header
        :raises CodeFileError: a column is missing, unknown, or stands twice
        """
        known = [_BY_FOLDED_NAME.get(fold_header(name), "") or _further(name) for name in names]
        self._check(names, known, line)
        self.further[:] = [name for name in known if name and name not in COLUMNS]
        absent = len(known)  # the place of the empty text that is put behind each row
        places = [known.index(name) if name in known else absent for name in (*COLUMNS, *self.further)]
        pick: Callable[[Sequence[str]], Row] = itemgetter(*places)
        columns = (*_COLUMNS, *(Column(name, "date" if name == START_DATE else "text") for name in self.further))
        return Header(columns, pick if absent not in places else lambda row: pick((*row, "")))

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises CodeFileError: always
        """
        raise CodeFileError(problem, file=self.file, line=line, hint=hint) from cause

    def _check(self, names: Sequence[str], known: list[str], line: int) -> None:
        unknown = [place for place, name in enumerate(names) if name.strip() and not known[place]]
        missing = [name for name in self._required() if name not in known]
        meant = [(place, suggest(names[place], set(COLUMNS) - set(known))) for place in unknown]
        near = next(((place, name) for place, name in meant if name), None)
        if near and (near[1] in missing or not missing):
            self._refuse_unknown(near[0], line, f"Did you mean {near[1]}?")
        if missing:
            self._refuse_missing(known, missing, line)
        if unknown:
            hint = f"Keep the columns {', '.join(COLUMNS)}, {START_DATE}, and attr: with a name for each attribute"
            self._refuse_unknown(unknown[0], line, hint)
        if twice := sorted({name for name in known if name and known.count(name) > 1}):
            self.refuse(f"the column {', '.join(twice)} stands twice in the header", line, "Keep one of them")
        if len([name for name in known if name and name not in (*COLUMNS, START_DATE)]) > MAX_ATTRIBUTES:
            self.refuse(
                f"codes have up to {MAX_ATTRIBUTES} attributes", line, "Leave out columns that begin with attr:"
            )
        if self.code_only and [name for name in known if name] != [CODE]:
            self.refuse("a code-only file has one column, code", line, "Load this file without code-only")

    def _refuse_unknown(self, place: int, line: int, hint: str) -> NoReturn:
        # By its place: in a file without a header the name would be a code.
        self.refuse(f"the header has a column that is not known, in place {place + 1}", line, hint)

    def _refuse_missing(self, known: list[str], missing: list[str], line: int) -> NoReturn:
        hint = f"The header must name {', '.join(self._required())}"
        if CODE in known and set(missing) == {EXPIRATION_DATE, DISCOUNT, TYPE}:
            hint = "A file of codes alone must be loaded as code-only, with the date they expire"
        self.refuse(f"the column {', '.join(missing)} is missing", line, hint)

    def _required(self) -> tuple[str, ...]:
        if self.code_only:
            return (CODE,)
        return COLUMNS if self.strict else COLUMNS[:-1]


def _further(name: str) -> str:
    """Return what a further column is called: ``startDate``, or the name of an attribute; empty for another."""
    if fold_header(name) == fold_header(START_DATE):
        return START_DATE
    named = ATTRIBUTE_COLUMN.fullmatch(name.strip())
    return named["name"].lower() if named else ""


def is_header(row: Row) -> bool:
    """Return whether a row repeats the column names."""
    return row[0] != "" and all(
        not text or fold_header(text) == fold_header(name) for text, name in zip(row, COLUMNS, strict=True)
    )
