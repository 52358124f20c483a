"""Rows of a code file in XLSX. Formulas are never evaluated: such a cell is text that begins with ``=``."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.tables.layout import COLUMNS, NumberedRow, Row
from promo_campaigns.tables.xlsx_archive import SAVE_AGAIN, SAVE_AS_CSV, Archive
from promo_campaigns.tables.xlsx_book import read_book
from promo_campaigns.tables.xlsx_sheet import SheetRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.tables.byte_source import UnpackedBytes
    from promo_campaigns.tables.layout import Layout

MAX_PACKED_BYTES = 256 * 2**20

_EXACT_DIGITS = 15
_BLOCK = 2**18


def xlsx_rows(stream: UnpackedBytes, layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    """Return the rows of the workbook's one sheet as they come; empty rows are left out.

    :param stream: the bytes of the workbook; they are put into a temporary file, since a workbook is read from its end
    :param layout: what the file is expected to hold
    :param rejects: where rows with values of the wrong kind are noted
    :raises CodeFileError: it is not a sound workbook with one sheet, breaks a limit, or has no such header
    """
    with tempfile.TemporaryFile() as file:
        _spool(stream, file, layout)
        archive = Archive(file, layout)
        with _reworded(layout):
            yield from _rows(_filled_rows(archive, layout), layout, rejects)


def _spool(stream: UnpackedBytes, file: BinaryIO, layout: Layout) -> None:
    size = 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MAX_PACKED_BYTES:
            layout.refuse(f"the workbook is larger than {MAX_PACKED_BYTES >> 20} MiB", hint=SAVE_AS_CSV)
        file.write(block)
    file.seek(0)


@contextmanager
def _reworded(layout: Layout) -> Iterator[None]:
    try:
        yield
    except CodeFileError:
        raise
    except Exception as error:  # noqa: BLE001  (a number, date or link that is none raises whatever it is read with)
        layout.refuse("the workbook cannot be read", hint=SAVE_AGAIN, cause=error)


def _filled_rows(archive: Archive, layout: Layout) -> Iterator[tuple[int, Sequence[Any]]]:
    """Return each row of the one sheet that is not empty, without the empty cells at its end."""
    book = read_book(archive)
    if len(book.sheets) != 1:
        layout.refuse(f"the workbook has {len(book.sheets)} sheets", hint="Keep one, so that no codes are overlooked")
    [part] = book.sheets
    sheet = SheetRows(book, archive.refuser(part))
    for _ in archive.pass_by(part, sheet):
        yield from sheet.taken()


def _rows(rows: Iterator[tuple[int, Sequence[Any]]], layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    line, header = next(rows, (1, ()))
    pick = layout.picker([value if isinstance(value, str) else "" for value in header], line)
    for line, values in rows:
        if len(values) > len(header):
            rejects.add(line, "", f"it has {len(values)} fields, the header {len(header)}")
            continue
        padded = (*values, *("",) * (len(header) - len(values)))
        texts = [convert(value) for convert, value in zip(_CONVERTERS, pick(padded), strict=True)]
        if None in texts:
            rejects.add(
                line, COLUMNS[texts.index(None)], "a cell of the wrong kind: format it as text and write it again"
            )
        else:
            yield line, _row(texts)


def _row(texts: Sequence[str | None]) -> Row:
    code, expiration, discount, name, in_use = (text or "" for text in texts)
    return code, expiration, discount, name, in_use


def _code(value: object) -> str | None:
    """Return a code as text; Excel keeps 15 digits of a number and makes dates of codes that look like one."""
    if isinstance(value, str):
        return value
    text = _whole(value)
    return text if text and len(text) <= _EXACT_DIGITS else None


def _date(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else None


def _number(value: object) -> str | None:
    return value if isinstance(value, str) else _whole(value)


def _flag(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _whole(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


_CONVERTERS = (_code, _date, _number, _code, _flag)
