"""Checks what a code carries beside its columns: attributes, which its contact must have, and a start."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from promo_campaigns.code_files.expiration_date import FORMATS, starts_at
from promo_campaigns.code_files.row_rules import BrokenRuleError, RowRules, check_label
from promo_campaigns.model.attributes import MAX_VALUE_LENGTH
from promo_campaigns.tables.layout import COLUMNS, START_DATE, Layout, is_header
from promo_campaigns.tables.sheet_text import undo_harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.tables.table import NumberedRow

    MarkedRow = tuple[int, str, str, str, str, str, str, str]
    """A row like ``AcceptedRow``, with its attributes as JSON, and its start in ISO 8601; both may be empty."""

_CACHED = 10_000


def accepted_with_marks(
    rules: RowRules, rows: Iterator[NumberedRow], layout: Layout, zone: tzinfo, rejects: Rejects
) -> Iterator[MarkedRow]:
    """Return the accepted rows of a file whose header names attributes or a start, one by one."""
    marks = _Marks(layout.further, zone)
    told = ("", "")

    def bare() -> Iterator[NumberedRow]:
        nonlocal told
        for line, row in rows:
            plain = row[: len(COLUMNS)]
            read = told if is_header(plain) else marks.read(row[len(COLUMNS) :])
            if isinstance(read, BrokenRuleError):
                rejects.add(line, read.column, str(read))
            else:
                told = read
                yield line, plain

    for line, code, expires, discount, name, retired in rules.accepted(bare()):
        if told[1] and told[1] >= expires:
            rejects.add(line, START_DATE, "not before the code expires")
        else:
            yield line, code, expires, discount, name, retired, *told


class _Marks:
    """The further cells of a row: a file of millions has few different ones, so each text is checked once."""

    def __init__(self, names: Sequence[str], zone: tzinfo) -> None:
        self._names = tuple(names)
        self._zone = zone
        self._known: dict[tuple[str, ...], tuple[str, str] | BrokenRuleError] = {}

    def read(self, cells: Sequence[str]) -> tuple[str, str] | BrokenRuleError:
        """Return the attributes as JSON, and the start, which may both be empty; or what is wrong with one of them."""
        key = tuple(cells)
        if key not in self._known:
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[key] = self._checked(dict(zip(self._names, cells, strict=True)))
        return self._known[key]

    def _checked(self, cells: dict[str, str]) -> tuple[str, str] | BrokenRuleError:
        start = cells.pop(START_DATE, "")
        try:
            return attributes_as_json(cells), self._start(start) if start.strip() else ""
        except BrokenRuleError as broken:
            return broken

    def _start(self, text: str) -> str:
        try:
            return starts_at(undo_harmless(text), self._zone).isoformat()
        except ValueError as error:
            raise BrokenRuleError(START_DATE, f"not a date: write {FORMATS}") from error


def attributes_as_json(attributes: Mapping[str, str]) -> str:
    """Return attributes as JSON, without those that are empty; an empty text for none.

    :raises BrokenRuleError: one of them cannot be
    """
    kept = {name: check_label(name, text, MAX_VALUE_LENGTH) for name, text in attributes.items()}
    told = {name: unicodedata.normalize("NFC", value) for name, value in kept.items() if value}
    return json.dumps(told, ensure_ascii=False) if told else ""
