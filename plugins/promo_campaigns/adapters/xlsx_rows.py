"""Rows of a code file in XLSX. Formulas are never evaluated: such a cell is text that begins with ``=``."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import openpyxl

from promo_campaigns.core.code_file import COLUMNS, NumberedRow, Row
from promo_campaigns.core.errors import CodeFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.core.byte_source import UnpackedBytes
    from promo_campaigns.core.code_file import Layout, Rejects

    _Sheet = Any  # the stubs do not know what a sheet can do that is only read

MAX_PACKED_BYTES = 256 * 2**20
MAX_SHEET_BYTES = 384 * 2**20
MAX_OTHER_PART_BYTES = 64 * 2**20
"""Bytes of a part that openpyxl holds in memory; the largest is the table of texts."""

MAX_PARTS = 1_000
MAX_RATIO = 200
MAX_ROWS = 1_048_576
"""Rows of a sheet, Excel's own limit."""

_MAX_COLUMNS = 16
_EXACT_DIGITS = 15
_BLOCK = 2**18
_HINT = "Save it again as .xlsx, or as CSV in UTF-8"


def xlsx_rows(stream: UnpackedBytes, layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    """Return the rows of the workbook's one sheet as they come; empty rows are left out.

    :param stream: the bytes of the workbook; they are put into a temporary file, since a workbook is read from its end
    :param layout: what the file is expected to hold
    :param rejects: where rows with values of the wrong kind are noted
    :raises CodeFileError: it is not a sound workbook with one sheet, breaks a limit, or has no such header
    """
    with tempfile.TemporaryFile() as file:
        _spool(stream, file, layout)
        _check_archive(file, layout)
        with _reworded(layout):
            sheet = _only_sheet(file, layout)
            yield from _rows(sheet, layout, rejects)


def _spool(stream: UnpackedBytes, file: BinaryIO, layout: Layout) -> None:
    size = 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MAX_PACKED_BYTES:
            layout.refuse(f"the workbook is larger than {MAX_PACKED_BYTES >> 20} MiB", hint="Save it as CSV in UTF-8")
        file.write(block)
    file.seek(0)


def _check_archive(file: BinaryIO, layout: Layout) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        layout.refuse("the workbook is damaged", hint=_HINT, cause=error)
    if len(parts) > MAX_PARTS:
        layout.refuse(f"the workbook has more than {MAX_PARTS:,} parts", hint=_HINT)
    for part in parts:
        limit = MAX_SHEET_BYTES if part.filename.startswith("xl/worksheets/") else MAX_OTHER_PART_BYTES
        # zipfile never hands out more than the size stated here.
        if part.file_size > min(limit, max(MAX_RATIO * part.compress_size, _BLOCK)):
            layout.refuse("a part of the workbook unpacks to more than is allowed", hint="Save it as CSV in UTF-8")


@contextmanager
def _reworded(layout: Layout) -> Iterator[None]:
    try:
        yield
    except CodeFileError:
        raise
    except Exception as error:  # noqa: BLE001  (openpyxl lets through whatever its parts raise on a broken workbook)
        layout.refuse("the workbook cannot be read", hint=_HINT, cause=error)


def _only_sheet(file: BinaryIO, layout: Layout) -> _Sheet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that it does not read
        workbook = openpyxl.load_workbook(file, read_only=True, keep_links=False)
    if len(workbook.worksheets) != 1:
        problem = f"the workbook has {len(workbook.worksheets)} sheets"
        layout.refuse(problem, hint="Keep one, so that no codes are overlooked")
    sheet: _Sheet = workbook.worksheets[0]
    sheet.reset_dimensions()  # the size it states may be wrong
    return sheet


def _rows(sheet: _Sheet, layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    rows = _filled_rows(sheet, layout)
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


def _filled_rows(sheet: _Sheet, layout: Layout) -> Iterator[tuple[int, Sequence[Any]]]:
    """Return each row that is not empty, without the empty cells at its end."""
    for line, cells in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS), 1):
        if line > MAX_ROWS:
            layout.refuse("the sheet has more rows than Excel knows", line, _HINT)
        values = [_value(cell) for cell in cells]
        while values and values[-1] == "":
            values.pop()
        if values:
            yield line, values


def _value(cell: Any) -> Any:  # noqa: ANN401  (a cell holds anything)
    value = cell.value
    if value is None:
        return ""
    if (
        isinstance(value, datetime)
        and not any((value.hour, value.minute, value.second))
        and "h" not in cell.number_format
    ):
        return value.date()
    return value


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
