"""The columns and the header of a code file."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NoReturn

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


Row = tuple[str, str, str, str, str]
"""The text of one row, in the order of ``COLUMNS``."""

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
    max_line: int = 65_536
    """Characters of one line; a file without line breaks is no list of codes, and must not be held whole."""
    max_row_lines: int = 100
    max_columns: int = 16

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
        return fold_header(name) in _BY_FOLDED_NAME

    def header(self, names: Sequence[str], line: int) -> Header:
        """Return how a row under this header is brought into the order of ``COLUMNS``.

        A column that is not known is refused, as one that nobody reads hides mistakes: with ``inUse`` misspelt, codes
        that are in use would enter the pool.

        :param names: the names as they stand in the file; empty ones are of columns that must be empty
        :param line: 1-based line of the header
        :raises CodeFileError: a column is missing, unknown, or stands twice
        """
        known = [_BY_FOLDED_NAME.get(fold_header(name), "") for name in names]
        self._check(names, known, line)
        absent = len(known)  # the place of the empty text that is put behind each row
        places = [known.index(name) if name in known else absent for name in COLUMNS]
        pick: Callable[[Sequence[str]], Row] = itemgetter(*places)
        return Header(_COLUMNS, pick if absent not in places else lambda row: pick((*row, "")))

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
            self._refuse_unknown(unknown[0], line, f"Keep the columns {', '.join(COLUMNS)}")
        if twice := sorted({name for name in known if name and known.count(name) > 1}):
            self.refuse(f"the column {', '.join(twice)} stands twice in the header", line, "Keep one of them")
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


def is_header(row: Row) -> bool:
    """Return whether a row repeats the column names."""
    return row[0] != "" and all(
        not text or fold_header(text) == fold_header(name) for text, name in zip(row, COLUMNS, strict=True)
    )
