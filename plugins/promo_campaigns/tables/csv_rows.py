"""Rows of a code file in CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.tables.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.tables.byte_source import UnpackedBytes
    from promo_campaigns.tables.layout import Layout, NumberedRow

_DELIMITERS = (",", ";", "\t")
MAX_LINE_LENGTH = 65_536
"""Characters of one line; a file without line breaks is no list of codes, and must not be held whole."""

MAX_ROW_LINES = 100
"""Lines that one row may span between quotes."""

_HINT = "Save it as CSV in UTF-8 or as .xlsx"
_NAMES = {name.casefold() for name in COLUMNS}


def csv_rows(stream: UnpackedBytes, layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    """Return the rows below the header as they come: UTF-8, quoted as RFC 4180 says, empty lines left out.

    The delimiter is the one under which the header names the most columns.

    :param stream: the bytes of the file; a byte order mark at their start is skipped
    :param layout: what the file is expected to hold
    :param rejects: where rows with too few or too many fields are noted
    :raises CodeFileError: there is no such header, the quoting is broken, or the file is not UTF-8
    """
    lines = _Lines(stream, layout)
    header_line, header = lines.header()
    pick = layout.picker(header, header_line)
    width = len(header)
    for line, row in lines.below():
        if len(row) == width:
            yield line, pick(row)
        elif row:
            rejects.add(line, "", f"it has {len(row)} fields, the header {width}")


class _Lines:
    def __init__(self, stream: UnpackedBytes, layout: Layout) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        self._layout = layout
        self._delimiter = ","
        self._read = 0

    def header(self) -> tuple[int, Sequence[str]]:
        """Return the line and the names of the first line that is not empty."""
        text = "\n"
        try:
            while text.isspace():
                text = self._text.readline(MAX_LINE_LENGTH)
                self._read += 1
        except UnicodeDecodeError as error:
            self._refuse_encoding(error)
        if text:
            return self._read, self._names(text)
        return self._layout.refuse("the file holds no header", 1, f"Its first line must name {', '.join(COLUMNS)}")

    def below(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Return each row with the line it begins on."""
        above = self._read
        reader = csv.reader(self._lines_below(), delimiter=self._delimiter, strict=True)
        line = above + 1
        try:
            for row in reader:
                yield line, row
                self._read = above + reader.line_num
                line = self._read + 1
        except UnicodeDecodeError as error:
            self._read = above + reader.line_num
            self._refuse_encoding(error)
        except csv.Error as error:
            problem = "the quoting is broken in the row that begins here"
            hint = "A quote inside a quoted field is written twice, and each quoted field must be closed"
            self._layout.refuse(problem, line, hint, cause=error)

    def _lines_below(self) -> Iterator[str]:
        number = self._read
        while line := self._text.readline(MAX_LINE_LENGTH):
            number += 1
            if len(line) == MAX_LINE_LENGTH:
                self._layout.refuse(f"a line is longer than {MAX_LINE_LENGTH:,} characters", number, _HINT)
            if number - self._read > MAX_ROW_LINES:
                problem = f"the row that begins here has more than {MAX_ROW_LINES} lines"
                self._layout.refuse(problem, self._read + 1, "Is a quote missing?")
            yield line

    def _names(self, text: str) -> Sequence[str]:
        readings = []
        for delimiter in _DELIMITERS:
            names = next(csv.reader([text], delimiter=delimiter))
            known = sum(name.strip().casefold() in _NAMES for name in names)
            readings.append((known, delimiter, names))
        _, self._delimiter, names = max(readings, key=lambda reading: reading[0])
        return names

    def _refuse_encoding(self, error: UnicodeDecodeError) -> NoReturn:
        # The text is decoded block by block: the lines before the fault are in the block, not yet counted.
        line = self._read + 1 + error.object[: error.start].count(b"\n")
        self._layout.refuse("the file is not UTF-8 text", line, _HINT, cause=error)
