"""Contact tables: rows of a file or a DataFrame in, cleaned contacts and refusals out, one row at a time.

Columns are ``externalId, firstName, lastName, language, timeZone, email, sms, mobilepush`` and additional fields by
their names, however people write them, in any order. An empty cell says nothing: the contact keeps what it has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from promo_campaigns.model.contact_rules import (
    clean_external_id,
    clean_field_value,
    clean_language,
    clean_locator,
    clean_name,
    clean_time_zone,
)
from promo_campaigns.model.contacts import (
    ADDRESS_PARTS,
    HELD_BY_OTHERS,
    Channel,
    Contact,
    Field,
    Rejected,
    Row,
    check_identity,
)
from promo_campaigns.model.errors import ContactError, ContactFileError
from promo_campaigns.tables.sheet_text import (
    find_damage,
    find_error,
    find_lost_letters,
    fold_header,
    is_no_value,
    suggest,
    undo_guard,
    undo_harmless,
)
from promo_campaigns.tables.table import Column, Header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promo_campaigns.model.load_report import Reject, RejectGroup
    from promo_campaigns.tables.table import Kind, Table

LINE_LENGTH = 1_000_000
"""Longest line in characters: what bounds the memory of reading a file that has no line ends."""

CHANNELS = ("email", "sms", "mobilepush")
_NAMES: dict[str, Callable[[str], str]] = {
    "externalId": clean_external_id,
    "firstName": clean_name,
    "lastName": clean_name,
    "language": clean_language,
    "timeZone": clean_time_zone,
}


@dataclass(frozen=True, slots=True)
class ContactFileReport:
    """The report of a contact file.

    :param rows: rows of the file without its header; the four counts add up to it
    :param rejects: the first refusals, in the order of their lines
    :param rejected_by_reason: the refusals by their reasons; all are counted that the file itself is to blame for
    :param row_noun: what the rows are numbered by: line, record or row
    """

    file: str
    rows: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    rejects: list[Reject]
    rejected_by_reason: tuple[RejectGroup, ...] = ()
    row_noun: str = "line"

    @property
    def is_refused(self) -> bool:
        """Whether the file has rows, and none of them was loaded."""
        return 0 < self.rows == self.rejected

    @property
    def may_come_in_later(self) -> bool:
        """Whether a row was refused that the same table may bring in later, as far as the report can tell."""
        told = sum(group.count for group in self.rejected_by_reason)
        return told < self.rejected or any(group.reason == HELD_BY_OTHERS for group in self.rejected_by_reason)

    def counts(self) -> dict[str, int]:
        """Return the number of rows, and the four counts."""
        return {
            "rows": self.rows,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected_count": self.rejected,
        }

    def reasons(self, most: int) -> list[str]:
        """Return why rows were refused, a line for each reason with a count and examples, the first ones of them."""
        groups = self.rejected_by_reason
        lines = [group.in_words(self.row_noun) for group in groups[:most]]
        told = sum(group.count for group in groups[:most])
        return lines if told >= self.rejected else [*lines, f"and {self.rejected - told:,} more"]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values. It holds no value of the file that could say who somebody is."""
        groups = [{"column": it.column, "reason": it.reason, "count": it.count} for it in self.rejected_by_reason]
        return {
            "file": self.file,
            **self.counts(),
            "rejected": [asdict(one) for one in self.rejects],
            "rejected_by_reason": groups,
        }


class ContactRows:
    """The contacts of a table, each numbered by its line, record or row.

    :param table: was opened with the layout
    :raises ContactFileError: when it is read: it is no such table
    """

    def __init__(self, table: Table, layout: ContactLayout) -> None:
        self._layout = layout
        self._table = table

    @property
    def row_noun(self) -> str:
        """What numbers the rows."""
        return self._table.row_noun

    def __iter__(self) -> Iterator[Row | Rejected]:
        refused = _Refused()
        for number, cells in self._table.rows(refused):
            yield from refused.taken()
            yield from _row(number, cells, self._layout)
        yield from refused.taken()


class _Refused:
    """Rows that the reader cannot read, until they are handed on in their place."""

    def __init__(self) -> None:
        self._rows: list[Rejected] = []

    def add(self, line: int, column: str, reason: str) -> None:
        self._rows.append(Rejected(line, column, reason))

    def taken(self) -> list[Rejected]:
        rows, self._rows = self._rows, []
        return rows


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a contact file.

    :ivar key: ``externalId`` and its like, ``contactId``, a part of the address, a channel type, or the id of a field
    :ivar is_identity: it says whose row it is, so a damaged text in it would make a contact of its own
    """

    name: str
    key: str | int
    clean: Callable[[str], str]
    kind: Kind = "text"
    is_identity: bool = False


class ContactLayout:
    """What a contact file is expected to hold: columns of the profile, channels and additional fields.

    :param built_in: the columns that every file may have
    :param skips_unknown: pass over columns that nobody knows; else the file is refused
    :param identify: returns the store's id of a contact, if what the row says of it counts; raises ``ContactError`` for
        one that nobody could find again
    :ivar columns: the columns of the file, once its header is read
    """

    max_line = LINE_LENGTH
    max_row_lines = 10_000
    max_columns = 256

    def __init__(  # noqa: PLR0913  (the last three are those of a dialect, by keyword)
        self,
        file: str,
        fields: Sequence[Field],
        sheet: str = "",
        *,
        built_in: Sequence[FileColumn] | None = None,
        skips_unknown: bool = False,
        identify: Callable[[Contact, int | None], int | None] = lambda contact, _: check_identity(contact),
    ) -> None:
        self.file = file
        self.sheet = sheet
        self.identify = identify
        self.columns: list[FileColumn] = []
        self._built_in = COLUMNS if built_in is None else built_in
        self._skips_unknown = skips_unknown
        self._known: dict[str, FileColumn] = {}
        for column in [*map(_of_field, fields), *self._built_in]:  # what is built in comes last, and wins
            self._known[fold_header(column.name)] = column
        self._exact = {field.name.casefold(): _of_field(field) for field in fields}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that every file may have."""
        return tuple(column.name for column in self._built_in)

    def knows(self, name: str) -> bool:
        """Tell whether a column of this name is expected."""
        return self._find(name) is not None

    def header(self, names: Sequence[str], line: int) -> Header:
        """Read the header.

        :raises ContactFileError: a column is unknown or stands twice, or none says whose row it is
        """
        places = [place for place, name in enumerate(names) if name.strip() and self._is_read(name)]
        columns = [self._find(names[place]) or self._refuse_unknown(names[place], line) for place in places]
        self._check(columns, line)
        if not self.columns:
            self.columns = columns
        by_name = {column.name: place for place, column in zip(places, columns, strict=True)}
        absent = len(names)
        order = [by_name.pop(column.name, absent) for column in self.columns]
        if by_name:
            self.refuse(f"the column {min(by_name)} is not in the first record", line, "Give all records the same keys")
        shown = tuple(Column(column.name, column.kind) for column in self.columns)
        return Header(shown, lambda cells: [cells[place] if place < absent else "" for place in order])

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises ContactFileError: always
        """
        raise ContactFileError(problem, file=self.file, line=line, hint=hint) from cause

    def _is_read(self, name: str) -> bool:
        return not self._skips_unknown or self.knows(name)

    def _find(self, name: str) -> FileColumn | None:
        exact = self._exact.get(undo_harmless(name).casefold())
        folded = self._known.get(fold_header(name))
        return folded if folded in self._built_in else exact or folded

    def _refuse_unknown(self, name: str, line: int) -> NoReturn:
        known = [column.name for column in self._known.values()]
        near = suggest(name, known)
        hint = f"Did you mean {near}? " if near else ""
        hint += f"Known are {', '.join(self.names)}; create a field with: promo contacts field NAME --type textfield"
        problem = f"the column {name.strip()[:_NAME_SHOWN]!r} is neither a known column nor an additional field"
        self.refuse(problem, line, hint)

    def _check(self, columns: Sequence[FileColumn], line: int) -> None:
        names = [column.name for column in columns]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            self.refuse(f"the column {min(twice)} stands twice", line, "Leave one of them out")
        if not _IDENTITIES & {column.key for column in columns}:
            hint = f"One of {', '.join(one.name for one in self._built_in if one.key in _IDENTITIES)} is needed"
            self.refuse("no column says whose row it is", line, hint)


def _of_field(field: Field) -> FileColumn:
    clean = partial(clean_field_value, field.type)
    return FileColumn(field.name, field.field_id, clean, _KINDS.get(field.type, "text"))


_READ = {"firstName", "lastName"}
"""What customers read in their messages."""
_NAME_SHOWN = 60
_VALUE_SHOWN = 40
_SHOWN = {"language", "timeZone"}
"""Whose values say nothing of who somebody is, and are shown when they are refused."""
_KINDS: Mapping[str, Kind] = {"date": "date", "datetime": "moment", "number": "number", "decimal": "number"}
_IDENTITIES = {"contactId", "externalId", *CHANNELS}
COLUMNS = [
    *(FileColumn(name, name, clean, is_identity=name == "externalId") for name, clean in _NAMES.items()),
    *(FileColumn(name, name, partial(clean_locator, name), is_identity=True) for name in CHANNELS),
]


def _row(line: int, cells: Sequence[str], layout: ContactLayout) -> Iterator[Row | Rejected]:
    """Give the contact of a row, or why there is none; an empty row is neither."""
    sent: dict[str | int, str] = {}
    for column, cell in zip(layout.columns, cells, strict=True):
        if not cell.strip() or (column.key in _READ and is_no_value(cell)):
            continue
        try:
            sent[column.key] = _cleaned(column, cell)
        except ValueError as error:
            yield Rejected(line, column.name, str(error), cell.strip()[:_VALUE_SHOWN] if column.name in _SHOWN else "")
            return
    if any(map(str.strip, cells)):
        yield _contact(line, sent, layout)


def _cleaned(column: FileColumn, cell: str) -> str:
    """Return a value as the profile takes it.

    :raises ValueError: it does not fit, or a spreadsheet has damaged it
    """
    text = undo_harmless(cell) if column.is_identity else undo_guard(cell)
    damage = find_damage(text) if column.is_identity else "" if text.startswith("=") else find_error(text)
    if damage := damage or (find_lost_letters(text) if column.key in _READ else ""):
        raise ValueError(damage)
    return column.clean(text)


def _contact(line: int, sent: Mapping[str | int, str], layout: ContactLayout) -> Row | Rejected:
    contact = Contact(
        channels=tuple(Channel(name, sent[name]) for name in CHANNELS if name in sent),
        values={key: value for key, value in sent.items() if isinstance(key, int)},
        external_id=sent.get("externalId"),
        first_name=sent.get("firstName"),
        last_name=sent.get("lastName"),
        language=sent.get("language"),
        time_zone=sent.get("timeZone"),
        address={part: sent[part] for part in ADDRESS_PARTS if part in sent},
    )
    try:
        contact_id = layout.identify(contact, int(sent["contactId"]) if "contactId" in sent else None)
    except ContactError as error:
        return Rejected(line, "", error.problem)
    return Row(line, contact, contact_id)
