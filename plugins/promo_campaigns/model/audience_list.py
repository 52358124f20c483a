"""Reads an audience that is a list: CSV with one column of contact ids, external ids or addresses."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promo_campaigns.model.contact_rules import clean_channel_type, clean_external_id, clean_locator
from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LINES = 1_000_000
LAST_ID = 2**63 - 1
CONTACT_ID = "contactId"
EXTERNAL_ID = "externalId"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceList:
    """The contacts that a list names. Never logged or kept in the ledger: it may hold addresses.

    :ivar by: ``contactId``, ``externalId``, or the type of a channel
    :ivar sha256: digest of the file; the ledger keeps it in place of the list
    """

    by: str
    values: tuple[str, ...] = field(repr=False)
    sha256: str


def read_list(data: bytes, *, file: str) -> AudienceList:
    """Read a list; its header is ``contactId``, ``externalId`` or the type of a channel. Blank lines are ignored.

    :param data: UTF-8, with or without a byte order mark
    :param file: how errors name it; they name a line and never its value
    :raises DefinitionError: the file is not such a list
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = "the file is not UTF-8"
        raise DefinitionError(problem, file=file, line=line) from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if len(header) != 1:
            problem = f"the header must name one column, not {len(header)}"
            raise DefinitionError(problem, file=file, line=1, hint=_HEADERS)
        by = _named(header[0], file)
        clean = _cleaner(by)
        values = [_value(row, clean, file, rows.line_num) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        problem = "the quoting is broken"
        raise DefinitionError(problem, file=file, line=rows.line_num) from error
    _require_size(len(values), file)
    return AudienceList(by=by, values=tuple(dict.fromkeys(values)), sha256=hashlib.sha256(data).hexdigest())


_HEADERS = "It is contactId, externalId, or a channel such as email, sms or mobilepush"


def _named(name: str, file: str) -> str:
    for known in (CONTACT_ID, EXTERNAL_ID):
        if name.casefold() == known.casefold():
            return known
    try:
        return clean_channel_type(name)
    except ValueError as error:
        problem = f"there is no such column as {name!r}"
        raise DefinitionError(problem, file=file, line=1, hint=_HEADERS) from error


def _cleaner(by: str) -> Callable[[str], str]:
    if by == CONTACT_ID:
        return _contact_id
    return clean_external_id if by == EXTERNAL_ID else lambda text: clean_locator(by, text)


def _contact_id(text: str) -> str:
    value = text.strip()
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:20]) <= LAST_ID:
        msg = "not a contact id"
        raise ValueError(msg)
    return value


def _value(row: list[str], clean: Callable[[str], str], file: str, line: int) -> str:
    if len(row) != 1:
        problem = f"the line has {len(row)} fields, the header one"
        raise DefinitionError(problem, file=file, line=line)
    try:
        return clean(row[0])
    except ValueError as error:
        raise DefinitionError(str(error), file=file, line=line) from None


def _require_size(count: int, file: str) -> None:
    if not count:
        problem = "the list names no contact"
        raise DefinitionError(problem, file=file)
    if count > MAX_LINES:
        problem = f"the list has more than {MAX_LINES:,} lines"
        raise DefinitionError(problem, file=file, hint="Load the contacts, and select them with SQL")
