"""The columns and the header of a code file."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.errors import CodeFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CODE, EXPIRATION_DATE, DISCOUNT, TYPE, IN_USE = COLUMNS = ("code", "expirationDate", "discount", "type", "inUse")
"""The columns of a code file; their names are read in any case."""

GENERAL = "General"
"""The type that the codes of a code-only file get."""


Row = tuple[str, str, str, str, str]
"""The text of one row, in the order of ``COLUMNS``."""

NumberedRow = tuple[int, Row]
"""A row and the 1-based line it begins on."""

_BY_FOLDED_NAME = {name.casefold(): name for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a code file is expected to hold.

    :param file: base name of the file, for messages
    :param strict: the column inUse is required
    :param expiration: when given, the file holds the one column ``code``, and this is when its codes expire
    """

    file: str
    strict: bool = False
    expiration: str | None = None

    @property
    def code_only(self) -> bool:
        """Whether the file holds the one column ``code``; its codes get the type ``GENERAL`` and no discount."""
        return self.expiration is not None

    def picker(self, header: Sequence[str], line: int) -> Callable[[Sequence[str]], Row]:
        """Return the function that puts the cells of a row into the order of ``COLUMNS``.

        The header is exact, as columns that nobody reads hide mistakes: with ``inUse`` misspelt, codes that
        are in use would enter the pool.

        :param header: the names as they stand in the file
        :param line: 1-based line of the header
        :raises CodeFileError: a column is missing, unknown, or stands twice
        """
        names = [_BY_FOLDED_NAME.get(name.strip().casefold(), "") for name in header]
        self._check(names, line)
        absent = len(names)  # the place of the empty text that is put behind each row
        places = [names.index(name) if name in names else absent for name in COLUMNS]
        pick: Callable[[Sequence[str]], Row] = itemgetter(*places)
        return pick if absent not in places else lambda row: pick((*row, ""))

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises CodeFileError: always
        """
        raise CodeFileError(problem, file=self.file, line=line, hint=hint) from cause

    def _check(self, names: list[str], line: int) -> None:
        required = self._required()
        if missing := [name for name in required if name not in names]:
            hint = f"The header must name {', '.join(required)}"
            if CODE in names and set(missing) == {EXPIRATION_DATE, DISCOUNT, TYPE}:
                hint = "A file of codes alone must be loaded as code-only, with the date they expire"
            self.refuse(f"the column {', '.join(missing)} is missing", line, hint)
        if unknown := [place for place, name in enumerate(names, 1) if not name]:
            problem = f"the header has a column that is not known, in place {unknown[0]}"
            self.refuse(problem, line, f"Keep the columns {', '.join(COLUMNS)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            self.refuse(f"the column {', '.join(twice)} stands twice in the header", line, "Keep one of them")
        if self.code_only and len(names) > 1:
            self.refuse("a code-only file has one column, code", line, "Load this file without code-only")

    def _required(self) -> tuple[str, ...]:
        if self.code_only:
            return (CODE,)
        return COLUMNS if self.strict else COLUMNS[:-1]


def is_header(row: Row) -> bool:
    """Return whether a row repeats the column names."""
    return row[0] != "" and all(
        not text or text.strip().casefold() == name.casefold() for text, name in zip(row, COLUMNS, strict=True)
    )
