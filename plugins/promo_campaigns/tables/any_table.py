"""Rows out of a file of any format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.tables.byte_source import HashedBytes, open_unpacked
from promo_campaigns.tables.csv_rows import csv_rows
from promo_campaigns.tables.json_rows import json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from promo_campaigns.tables.byte_source import FileFormat, UnpackedBytes
    from promo_campaigns.tables.table import NumberedRow, RejectedRows, TableLayout

_NOUNS = {"csv": "line", "json": "record", "xlsx": "row"}


class AnyTable:
    """A file that holds a table in CSV, JSON or XLSX, packed with gzip or not; its bytes tell which.

    :param file: any binary file object; it is read once, from where it stands, and never closed
    :param layout: what the file is expected to hold
    :raises FileError: the file is empty, or neither text nor a workbook
    """

    def __init__(self, file: BinaryIO, layout: TableLayout) -> None:
        self._layout = layout
        self._source = HashedBytes(file)
        self._stream, self._format = open_unpacked(self._source, layout)
        if layout.sheet and self._format != "xlsx":
            hint = f"Leave out the sheet {layout.sheet!r}, or name the workbook"
            layout.refuse(f"it is no workbook but {self._format.upper()}, and has no sheets", None, hint)

    @property
    def row_noun(self) -> str:
        """What numbers its rows: a line of text, a record of JSON, a row of a sheet."""
        return _NOUNS[self._format]

    def rows(self, rejects: RejectedRows) -> Iterator[NumberedRow]:
        """Return the rows as they come; what cannot be read as a row is noted in ``rejects``.

        :raises FileError: the file cannot be read
        """
        return _reader(self._format)(self._stream, self._layout, rejects)

    def sha256(self) -> bytes:
        """Return the digest of the whole file, reading on to its end."""
        return self._source.sha256()


def _reader(file_format: FileFormat) -> Callable[[UnpackedBytes, TableLayout, RejectedRows], Iterator[NumberedRow]]:
    if file_format == "xlsx":
        from promo_campaigns.tables.xlsx_rows import xlsx_rows  # noqa: PLC0415  (openpyxl: no DAG waits for it)

        return xlsx_rows
    return csv_rows if file_format == "csv" else json_rows
