"""The report of loading a code file."""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXAMPLES = 3
"""How many rows of one reason are shown as examples."""

_NUMBERS = re.compile(r"(?<=in line )[\d,]+|(?<=in record )[\d,]+|(?<=in row )[\d,]+")
"""What differs in reasons that are one: the earlier row that a row repeats."""

KEPT_REJECTS = 1_000
"""How many rejected rows a report names, the first ones of the file; all are counted."""


def named_by_json(rejected: int) -> str:
    """Return which of the rejected rows the JSON of a report names, in words."""
    return f"--json names the first {KEPT_REJECTS:,}" if rejected > KEPT_REJECTS else f"--json names all {rejected:,}"


@dataclass(frozen=True, slots=True, order=True)
class Reject:
    """A row that was rejected.

    :param line: 1-based line the row begins on, or its record
    :param column: the column at fault, empty when it is the whole row
    :param reason: why; never holds what stood in the row
    :param value: what stood in the column, masked where it may be a code; empty when the whole row is at fault, or it
        is not known any more
    """

    line: int
    column: str
    reason: str
    value: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rows that are not loaded for one reason.

    :param count: all of them
    :param first: the first ones
    """

    column: str
    reason: str
    count: int
    first: tuple[Reject, ...]

    def in_words(self, row_noun: str) -> str:
        """Return the group on one line: how many, where, why, and masked examples."""
        column = f"{self.column}: " if self.column else ""
        places = [f"{one.line} ({one.value})" if one.value else str(one.line) for one in self.first]
        if self.count == 1:
            return f"{row_noun} {places[0]}: {column}{self.reason}"
        more = ", …" if self.count > len(places) else ""
        return f"{self.count:,} {row_noun}s: {column}{self.reason}; {row_noun} {', '.join(places)}{more}"


@dataclass(slots=True)
class Rejects:
    """The rejected rows of one file: all are counted, the first ``KEPT_REJECTS`` are kept."""

    count: int = 0
    kept: list[Reject] = field(default_factory=list)
    by_reason: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, line: int, column: str, reason: str, value: str = "") -> None:
        """Note one rejected row; rows may come in any order."""
        self.count += 1
        key = column, _NUMBERS.sub("…", reason)
        if key in self.by_reason or len(self.by_reason) < KEPT_REJECTS:
            self.by_reason[key] = self.by_reason.get(key, 0) + 1
        if len(self.kept) == KEPT_REJECTS and line > self.kept[-1].line:
            return
        insort(self.kept, Reject(line, column, reason, value))
        del self.kept[KEPT_REJECTS:]

    def add_uncounted(self, column: str, reason: str, count: int) -> None:
        """Count rows beyond those that were added, for the reason that one of them has."""
        if count:
            self.count += count
            self.by_reason[column, _NUMBERS.sub("…", reason)] += count


def group_rejects(rejects: Iterable[Reject], counts: Mapping[tuple[str, str], int] | None = None) -> list[RejectGroup]:
    """Put rejected rows with one reason together, in the order of their first rows.

    :param counts: all rows of each column and reason, where fewer are kept; see ``Rejects.by_reason``
    """
    groups: dict[tuple[str, str], list[Reject]] = {}
    for one in rejects:
        groups.setdefault((one.column, _NUMBERS.sub("…", one.reason)), []).append(one)
    return [
        RejectGroup(
            column,
            group[0].reason if len({one.reason for one in group}) == 1 else reason,
            max(len(group), (counts or {}).get((column, reason), 0)),
            tuple(group[:EXAMPLES]),
        )
        for (column, reason), group in groups.items()
    ]


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
    :param already_loaded: the same bytes were loaded before with the same options; this time nothing was changed
    :param row_noun: what the rows are numbered by: line, record or row
    :param expired: codes that are over already, loaded or not changed
    :param rejected_by_reason: the rejected rows by their reasons, all counted
    :param withdrawn_before: the same bytes were withdrawn before this load
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
    row_noun: str = "line"
    expired: int = 0
    rejected_by_reason: tuple[RejectGroup, ...] = ()
    withdrawn_before: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the report in the shape of its JSON form."""
        lists = {"rejected": [asdict(one) for one in self.rejected], "types": list(self.types)}
        groups = [{"column": it.column, "reason": it.reason, "count": it.count} for it in self.rejected_by_reason]
        return asdict(self) | lists | {"rejected_by_reason": groups}

    def warnings(self) -> list[str]:
        """Return what a person should know though the file is loaded."""
        told = []
        if self.withdrawn_before:
            told.append("the file was withdrawn before: what nobody holds of it can be given out again")
        if self.expired:
            which = "every code of the file is" if self.expired == self.rows else f"{self.expired:,} codes are"
            told.append(f"{which} over already: nobody can be given them")
        return told
