"""Rows of a table in XLSX, as its cells are shown. Formulas are never evaluated: a row with one is rejected."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.model.errors import FileError
from promo_campaigns.tables.table import Grid
from promo_campaigns.tables.xlsx_archive import SAVE_AGAIN, SAVE_AS_CSV, Archive, shown
from promo_campaigns.tables.xlsx_book import read_book
from promo_campaigns.tables.xlsx_sheet import SheetRows, ShownDigits, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promo_campaigns.tables.byte_source import UnpackedBytes
    from promo_campaigns.tables.table import Column, Kind, NumberedRow, RejectedRows, TableLayout

MAX_PACKED_BYTES = 256 * 2**20

_EXACT_DIGITS = 15
_SHEETS_NAMED = 10
_WRONG_KIND = "a cell of the wrong kind: format it as text and write it again"
_WITH_FRACTION = "a cell of the wrong kind, a number with a fraction: format it as text and write it again"
_CUT = "a cell of the wrong kind, a number of more than 15 digits, which Excel has cut: write it again as text"
_BLOCK = 2**18


def xlsx_rows(stream: UnpackedBytes, layout: TableLayout, rejects: RejectedRows) -> Iterator[NumberedRow]:
    """Return the rows of the workbook's one sheet, or of the one asked for, as they come; empty ones are left out.

    :param stream: the bytes of the workbook; they are put into a temporary file, since a workbook is read from its end
    :param layout: what the file is expected to hold
    :param rejects: where rows with values of the wrong kind are noted
    :raises FileError: it is not a sound workbook with one sheet, breaks a limit, or has no such header
    """
    with tempfile.TemporaryFile() as file:
        _spool(stream, file, layout)
        archive = Archive(file, layout)
        with _reworded(layout):
            yield from _rows(_filled_rows(archive, layout), layout, rejects)


def _spool(stream: UnpackedBytes, file: BinaryIO, layout: TableLayout) -> None:
    size = 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MAX_PACKED_BYTES:
            layout.refuse(f"the workbook is larger than {MAX_PACKED_BYTES >> 20} MiB", hint=SAVE_AS_CSV)
        file.write(block)
    file.seek(0)


@contextmanager
def _reworded(layout: TableLayout) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise
    except Exception as error:  # noqa: BLE001  (a number, date or link that is none raises whatever it is read with)
        layout.refuse("the workbook cannot be read", hint=SAVE_AGAIN, cause=error)


def _filled_rows(archive: Archive, layout: TableLayout) -> Iterator[tuple[int, Sequence[Any]]]:
    """Return each row of the sheet that is not empty, without the empty cells at its end."""
    book = read_book(archive)
    part = _sheet(dict(book.sheets), layout)
    sheet = SheetRows(book, layout.max_columns, archive.refuser(part))
    for _ in archive.pass_by(part, sheet):
        yield from sheet.taken()


def _sheet(parts: Mapping[str, str], layout: TableLayout) -> str:
    by_name = {name.strip().casefold(): part for name, part in parts.items()}
    names = ", ".join(shown(name) for name in list(parts)[:_SHEETS_NAMED])
    if layout.sheet:
        part = by_name.get(layout.sheet.strip().casefold())
        return part or layout.refuse(f"the workbook has no sheet {shown(layout.sheet)}", hint=f"It has {names}")
    if len(parts) != 1:
        hint = f"Name the one to read (--sheet), or keep one, so that no rows are overlooked; it has {names}"
        layout.refuse(f"the workbook has {len(parts)} sheets", hint=hint if parts else SAVE_AGAIN)
    return next(iter(parts.values()))


def _rows(
    rows: Iterator[tuple[int, Sequence[Any]]], layout: TableLayout, rejects: RejectedRows
) -> Iterator[NumberedRow]:
    line, header = next(rows, (1, ()))
    names = ["" if isinstance(value, Unusable) else str(value) for value in header]
    grid = Grid(names, line, layout, rejects, pads=True)
    converters = [_CONVERTERS[column.kind] for column in grid.columns]
    for line, values in rows:
        for row in grid.rows(line, values):
            texts = [convert(value) for convert, value in zip(converters, row, strict=True)]
            if wrong := _wrong_column(texts, grid.columns):
                rejects.add(line, *wrong)
            else:
                yield line, tuple(texts)


def _wrong_column(texts: Sequence[str | None], columns: Sequence[Column]) -> tuple[str, str] | None:
    for text, column in zip(texts, columns, strict=True):
        if text is None:
            return column.name, _WRONG_KIND
        if isinstance(text, Unusable):
            return column.name, str(text)
    return None


def _text(value: object) -> str | None:
    """Return a number as text, as it is shown; Excel keeps 15 digits, and makes dates of codes that look like one."""
    if isinstance(value, str):
        return value
    shown_as = value.shown if isinstance(value, ShownDigits) else ""
    number = value.number if isinstance(value, ShownDigits) else value
    text = _whole(number)
    if text is None:
        return Unusable(_WITH_FRACTION) if isinstance(number, float) else None
    return (shown_as or text) if len(text) <= _EXACT_DIGITS else Unusable(_CUT)


def _date(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else None


def _moment(value: object) -> str | None:
    text = _date(value)
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return f"{text}T00:00" if is_day else text


def _number(value: object) -> str | None:
    if isinstance(value, ShownDigits):
        value = value.number
    if isinstance(value, float) and not value.is_integer():
        return repr(value)
    return value if isinstance(value, str) else _whole(value)


def _flag(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else _whole(value)


def _whole(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


_CONVERTERS: Mapping[Kind, Callable[[object], str | None]] = {
    "text": _text,
    "date": _date,
    "moment": _moment,
    "number": _number,
    "flag": _flag,
}
