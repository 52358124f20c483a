"""Files of promo codes: their columns, their header, and the report of a load."""

from __future__ import annotations

from bisect import insort
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

from promo_campaigns.core.errors import CodeFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CODE, EXPIRATION_DATE, DISCOUNT, TYPE, IN_USE = COLUMNS = ("code", "expirationDate", "discount", "type", "inUse")
"""The columns of a code file [reteno] P1, P4; their names are read in any case."""

GENERAL = "General"
"""The type that the codes of a code-only file get [reteno] P5."""

KEPT_REJECTS = 1_000
"""How many rejected rows a report names, the first ones of the file; all are counted."""

Row = tuple[str, str, str, str, str]
"""The text of one row, in the order of ``COLUMNS``."""

NumberedRow = tuple[int, Row]
"""A row and the 1-based line it begins on."""

_BY_FOLDED_NAME = {name.casefold(): name for name in COLUMNS}


@dataclass(frozen=True, slots=True, order=True)
class Reject:
    """A row that is not loaded.

    :param line: 1-based line the row begins on
    :param column: the column at fault, empty when it is the whole row
    :param reason: why; never holds what stood in the row
    """

    line: int
    column: str
    reason: str


@dataclass(slots=True)
class Rejects:
    """The rows of one file that are not loaded: counted all, kept the first ``KEPT_REJECTS``."""

    count: int = 0
    kept: list[Reject] = field(default_factory=list)

    def add(self, line: int, column: str, reason: str) -> None:
        """Note one rejected row; rows may come in any order."""
        self.count += 1
        if len(self.kept) == KEPT_REJECTS and line > self.kept[-1].line:
            return
        insort(self.kept, Reject(line, column, reason))
        del self.kept[KEPT_REJECTS:]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What loading one code file did.

    :param file: base name of the file
    :param sha256: digest of its bytes as uploaded, in hexadecimal
    :param rows: rows below the header; when the file was loaded: inserted + updated + unchanged + rejected_count
    :param inserted: codes that are new
    :param updated: known codes that this file changed
    :param unchanged: known codes that already were as the file says, or are issued
    :param rejected: the first ``KEPT_REJECTS`` rows that were not loaded
    :param rejected_count: all rows that were not loaded
    :param types: the types of the codes in the file, sorted
    :param code_file_id: the file in the store; none when nothing was loaded
    :param already_loaded: the same bytes were loaded before; this time nothing was changed
    """

    file: str
    sha256: str
    rows: int
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: tuple[Reject, ...] = ()
    rejected_count: int = 0
    types: tuple[str, ...] = ()
    code_file_id: int | None = None
    already_loaded: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the report in the shape of its JSON form."""
        return asdict(self) | {"rejected": [asdict(reject) for reject in self.rejected], "types": list(self.types)}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a code file is expected to hold.

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
        """Return the function that brings a row under this header into the order of ``COLUMNS``.

        The header is exact, as columns that nobody reads hide mistakes: with ``inUse`` misspelt, codes that
        are in use would enter the pool [reliability] 7.10.

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
    """Tell whether a row repeats the column names instead of holding a code."""
    return row[0] != "" and all(
        not text or text.strip().casefold() == name.casefold() for text, name in zip(row, COLUMNS, strict=True)
    )
