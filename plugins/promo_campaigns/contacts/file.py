"""Reads contact files in CSV, row by row, into checked contacts and refusals.

Columns are ``externalId, firstName, lastName, language, timeZone, email, sms, mobilepush`` and additional fields by
their names, in any case and order. An empty cell changes nothing: the contact keeps its value.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from promo_campaigns.model.contact_rules import (
    clean_external_id,
    clean_field_value,
    clean_language,
    clean_locator,
    clean_name,
    clean_time_zone,
)
from promo_campaigns.model.contacts import Channel, Contact, Field, Rejected, Row, check_identity
from promo_campaigns.model.errors import ContactError, ContactFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    """

    file: str
    rows: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    rejects: list[Rejected]

    def counts(self) -> dict[str, int]:
        """Return the number of rows, and the four counts."""
        return {
            "rows": self.rows,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected_count": self.rejected,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values. It holds no value of the file."""
        return {
            "file": self.file,
            **self.counts(),
            "rejected": [{"line": one.row, "column": one.place, "reason": one.reason} for one in self.rejects],
        }


def read_contacts(stream: IO[bytes], *, file: str, fields: Sequence[Field]) -> Iterator[Row | Rejected]:
    """Read the rows of a contact file; each is numbered by the line it begins on.

    :param stream: UTF-8, with or without a byte order mark; separated by commas, semicolons or tabs
    :param file: base name of the file, for errors
    :param fields: the additional fields that exist
    :raises ContactFileError: the file cannot be read as such a table
    """
    with _text(stream) as text:
        lines = _Lines(text, file)
        reader = csv.reader(lines, delimiter=lines.delimiter(), strict=True)
        columns: list[_Column] | None = None
        for first_line, cells in _records(reader, lines, file):
            if columns is None:
                columns = [_column(cell.strip(), fields, file) for cell in cells]
                _check_header(columns, file)
            elif any(cell.strip() for cell in cells):
                yield _row(first_line, cells, columns)
    if columns is None:
        problem = "the file is empty"
        raise ContactFileError(problem, file=file, hint="its first line names the columns, such as externalId,email")


@contextmanager
def _text(stream: IO[bytes]) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield text
    finally:
        text.detach()


class _Lines:
    """The lines of a file, counted, none of them longer than ``LINE_LENGTH``."""

    def __init__(self, text: io.TextIOWrapper, file: str) -> None:
        self._text = text
        self._file = file
        self.number = 0
        self._first: str | None = None

    def delimiter(self) -> str:
        """Guess the delimiter from the header, which holds no quoted commas in practice."""
        self._first = self._read()
        return max(",;\t", key=self._first.count)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line, self._first = (self._read() if self._first is None else self._first), None
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def _read(self) -> str:
        try:
            line = self._text.readline(LINE_LENGTH + 1)
        except UnicodeDecodeError as error:
            problem = "not UTF-8 text, here or in the next kilobytes"
            raise self._refuse(problem, "save it as CSV in UTF-8") from error
        if len(line) > LINE_LENGTH:
            problem = f"a line of more than {LINE_LENGTH} characters"
            raise self._refuse(problem, "is it a text file?")
        if "\0" in line:
            problem = "a NUL byte"
            raise self._refuse(problem, "is it a text file?")
        return line

    def _refuse(self, problem: str, hint: str) -> ContactFileError:
        return ContactFileError(problem, file=self._file, line=self.number + 1, hint=hint)


def _records(reader: Iterator[list[str]], lines: _Lines, file: str) -> Iterator[tuple[int, list[str]]]:
    while True:
        first_line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not CSV: {error}"
            hint = "a quote inside a quoted cell is written twice"
            raise ContactFileError(problem, file=file, line=first_line, hint=hint) from error
        yield first_line, cells


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    key: str | int
    """``externalId`` and its like, a channel type, or the id of an additional field."""
    clean: Callable[[str], str]


def _column(title: str, fields: Sequence[Field], file: str) -> _Column:
    wanted = title.lower()
    for name, clean in _NAMES.items():
        if name.lower() == wanted:
            return _Column(name, name, clean)
    for channel in CHANNELS:
        if channel == wanted:
            return _Column(channel, channel, partial(clean_locator, channel))
    for field in fields:
        if field.name.lower() == wanted:
            return _Column(field.name, field.field_id, partial(clean_field_value, field.type))
    problem = f"the column {title!r} is neither a known column nor an additional field"
    hint = (
        f"known are {', '.join([*_NAMES, *CHANNELS])}; create a field with: promo contacts field NAME --type textfield"
    )
    raise ContactFileError(problem, file=file, line=1, hint=hint)


def _check_header(columns: Sequence[_Column], file: str) -> None:
    names = [column.name for column in columns]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        problem = f"the column {min(twice)} stands twice"
        raise ContactFileError(problem, file=file, line=1, hint="leave one of them out")
    if not {"externalId", *CHANNELS} & set(names):
        problem = "no column identifies the contact"
        hint = f"one of {', '.join(['externalId', *CHANNELS])} is needed"
        raise ContactFileError(problem, file=file, line=1, hint=hint)


def _row(line: int, cells: Sequence[str], columns: Sequence[_Column]) -> Row | Rejected:
    if len(cells) != len(columns):
        return Rejected(line, "", f"{len(cells)} cells under {len(columns)} columns")
    sent: dict[str | int, str] = {}
    for column, cell in zip(columns, cells, strict=True):
        if not cell.strip():
            continue
        try:
            sent[column.key] = column.clean(cell)
        except ValueError as error:
            return Rejected(line, column.name, str(error))
    contact = Contact(
        channels=tuple(Channel(name, sent[name]) for name in CHANNELS if name in sent),
        values={key: value for key, value in sent.items() if isinstance(key, int)},
        external_id=sent.get("externalId"),
        first_name=sent.get("firstName"),
        last_name=sent.get("lastName"),
        language=sent.get("language"),
        time_zone=sent.get("timeZone"),
    )
    try:
        check_identity(contact)
    except ContactError as error:
        return Rejected(line, "", error.problem)
    return Row(line, contact)
