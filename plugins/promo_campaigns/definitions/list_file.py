"""Audience lists: a table of one column that says whom each row names."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, NoReturn

from promo_campaigns.model.audience.columns import HOW_DECLARED
from promo_campaigns.model.audience.lists import CONTACT_ID, EXTERNAL_ID, AudienceList
from promo_campaigns.model.contact_rules import (
    clean_channel_type,
    clean_external_id,
    clean_field_value,
    clean_locator,
)
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.load_report import Rejects, group_rejects
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.frame_table import FrameTable
from promo_campaigns.tables.sheet_text import find_damage, fold_header, undo_harmless
from promo_campaigns.tables.table import Column, Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from promo_campaigns.model.audience.columns import AudienceColumn
    from promo_campaigns.tables.table import Kind, Table

MAX_LINES = 1_000_000
LAST_ID = 2**63 - 1
_HEADERS = "It is contactId, externalId, or a channel such as email, sms or mobilepush"
_FURTHER = f"A further column is declared. {HOW_DECLARED}"
_KINDS: dict[str, Kind] = {
    "text": "text",
    "number": "number",
    "decimal": "number",
    "date": "date",
    "datetime": "moment",
}
_NAMES = {fold_header(name): name for name in (CONTACT_ID, EXTERNAL_ID, "email", "sms", "mobilepush")}


def read_list(data: bytes, *, file: str) -> AudienceList:
    """Read a list; its header is ``contactId``, ``externalId`` or the type of a channel, and empty rows say nothing.

    :param data: CSV, JSON or XLSX
    :param file: how errors name it; they name a line and never its value
    :raises DefinitionError: it is no such list, or a value of it is none
    """
    layout = _ListLayout(file)
    values = _read(AnyTable(io.BytesIO(data), layout), layout)
    if not values:
        layout.refuse("the list names nobody")
    return AudienceList(by=layout.by, values=tuple(values), sha256=hashlib.sha256(data).hexdigest())


def list_of_frames(frames: Iterable[Any], *, file: str, declared: Sequence[AudienceColumn] = ()) -> AudienceList:
    """Return the list that DataFrames hold, which may name nobody; nulls say nothing.

    :param frames: parts of one table with one column that is named as the header of a list, and those that are
        declared; read once
    :param file: how errors name it; they name a row and never its value
    :param declared: what the table tells of each of them
    :raises DefinitionError: it is no such table, or a value of it is none
    """
    layout = _ListLayout(file, declared)
    table = FrameTable(frames, layout)
    values = _read(table, layout)
    told = tuple(values.values()) if declared else ()
    return AudienceList(by=layout.by, values=tuple(values), sha256=table.sha256().hex(), told=told)


def _read(table: Table, layout: _ListLayout) -> dict[str, str]:
    """Return whom a table names, each once, and what it tells of them."""
    rejects = Rejects()
    values: dict[str, str] = {}
    for line, (cell, *further) in table.rows(rejects):
        if not cell.strip():
            continue
        try:
            told = layout.told(further)
            if values.setdefault(_cleaned(layout.by, cell), told) != told:
                rejects.add(line, "", "it names the contact of another row, with other values")
        except ValueError as error:
            rejects.add(line, "", str(error))
        if len(values) > MAX_LINES:
            hint = "Load the contacts, and select them with SQL"
            layout.refuse(f"the list has more than {MAX_LINES:,} lines", hint=hint)
    if rejects.count:
        layout.refuse_rows(rejects, table.row_noun)
    return values


class _ListLayout:
    """What a list is expected to hold; rows that cannot be read refuse it whole, so that nobody is overlooked.

    :ivar by: the name of its column, once the header is read
    """

    sheet = ""
    max_line = 65_536
    max_row_lines = 100
    max_columns = 16
    names = tuple(_NAMES.values())

    def __init__(self, file: str, declared: Sequence[AudienceColumn] = ()) -> None:
        self.file = file
        self.by = ""
        self._declared = {fold_header(column.name): column for column in declared}

    def knows(self, name: str) -> bool:
        return fold_header(name) in _NAMES

    def header(self, names: Sequence[str], line: int) -> Header:
        further = {fold_header(name): place for place, name in enumerate(names) if fold_header(name) in self._declared}
        places = [place for place, name in enumerate(names) if name.strip() and place not in further.values()]
        if len(places) != 1:
            if self._declared:
                self._refuse_columns([names[place] for place in places], line)
            hint = _HEADERS if line else f"{_HEADERS}. {_FURTHER}"  # a file's columns cannot be declared
            self.refuse(f"the header must name one column, not {len(places)}", line, hint)
        self.by = self._named(names[places[0]].strip(), line)
        if missing := [column.name for name, column in self._declared.items() if name not in further]:
            self.refuse(
                f"there is no column {missing[0]!r}, which is declared", line, "Select it, or do not declare it"
            )
        columns = [Column(column.name, _KINDS[column.type]) for column in self._declared.values()]
        picked = [places[0], *(further[name] for name in self._declared)]
        return Header((Column(self.by, "text"), *columns), lambda cells: [cells[place] for place in picked])

    def told(self, cells: Sequence[str]) -> str:
        """Return the values of a row, each cleaned, as JSON; those that are empty are left out.

        :raises ValueError: one is of another type than its column
        """
        told = {}
        for column, cell in zip(self._declared.values(), cells, strict=True):
            if cell.strip():
                told[column.name] = (column.type, _cleaned_value(column, cell))
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if self._declared else ""

    def _refuse_columns(self, names: Sequence[str], line: int) -> NoReturn:
        if not names:
            self.refuse("no column names the contact", line, _HEADERS)
        listed = ", ".join(map(repr, names))
        self.refuse(f"one column must name the contact, and the others must be declared: {listed}", line, _FURTHER)

    def refuse_rows(self, rejects: Rejects, row_noun: str) -> NoReturn:
        """Refuse the list for all of its wrong rows at once: those with one reason together."""
        if rejects.count == 1:
            self.refuse(rejects.kept[0].reason, rejects.kept[0].line)
        groups = group_rejects(rejects.kept, rejects.by_reason)
        self.refuse("; ".join(group.in_words(row_noun) for group in groups), rejects.kept[0].line)

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        raise DefinitionError(problem, file=self.file, line=line or 0, hint=hint) from cause

    def _named(self, name: str, line: int) -> str:
        try:
            return _NAMES.get(fold_header(name)) or clean_channel_type(name)
        except ValueError as error:
            self.refuse(f"there is no such column as {name!r}", line, _HEADERS, error)


def _cleaned(by: str, cell: str) -> str:
    """Return whom a cell names.

    :raises ValueError: nobody can be named so
    """
    text = undo_harmless(cell)
    if by == CONTACT_ID:
        return _contact_id(text)
    if damage := find_damage(text):
        raise ValueError(damage)
    return clean_external_id(text) if by == EXTERNAL_ID else clean_locator(by, text)


def _cleaned_value(column: AudienceColumn, cell: str) -> str:
    try:
        return clean_field_value(column.type, cell if column.type == "text" else cell.strip())
    except ValueError as error:
        msg = f"{column.name}: {error}"
        raise ValueError(msg) from error


def _contact_id(text: str) -> str:
    value = text.strip()
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:20]) <= LAST_ID:
        msg = "not a contact id"
        raise ValueError(msg)
    return value
