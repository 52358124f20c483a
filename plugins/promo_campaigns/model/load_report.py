"""The report of loading a code file."""

from __future__ import annotations

from bisect import insort
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT_REJECTS = 1_000
"""How many rejected rows a report names, the first ones of the file; all are counted."""


@dataclass(frozen=True, slots=True, order=True)
class Reject:
    """A row that was rejected.

    :param line: 1-based line the row begins on
    :param column: the column at fault, empty when it is the whole row
    :param reason: why; never holds a value of the row
    """

    line: int
    column: str
    reason: str


@dataclass(slots=True)
class Rejects:
    """The rejected rows of one file: all are counted, the first ``KEPT_REJECTS`` are kept."""

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
    """The result of loading one code file.

    :param file: base name of the file
    :param sha256: digest of its bytes as uploaded, in hexadecimal
    :param rows: rows below the header; when the file was loaded: inserted + updated + unchanged + rejected_count
    :param inserted: codes that are new
    :param updated: known codes that this file changed
    :param unchanged: known codes that equal the file's, or are issued
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
