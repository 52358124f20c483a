"""Rows of a table in CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.tables.table import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.tables.byte_source import UnpackedBytes
    from promo_campaigns.tables.table import NumberedRow, RejectedRows, TableLayout

_DELIMITERS = (",", ";", "\t", "|")
_HINT = "Save it as CSV in UTF-8 or as .xlsx"
_SEPARATOR = re.compile(r"\s*\"?sep ?= ?(.)\"?([,;\t|]*)\s*", re.IGNORECASE | re.DOTALL)
"""The line with which a spreadsheet is told the delimiter.

With delimiters behind it the line was saved anew, as a cell, and tells nothing any more.
"""
_END_MARK = "\x1a"
"""Ctrl-Z, with which programs of another time end a text."""


def csv_rows(stream: UnpackedBytes, layout: TableLayout, rejects: RejectedRows) -> Iterator[NumberedRow]:
    """Return the rows below the header as they come: UTF-8, quoted as RFC 4180 says, empty rows left out.

    The delimiter is the one that a line ``sep=`` names, else the one under which the header names the most columns.
    Blanks may stand around quotes.

    :param stream: the bytes of the file; a byte order mark at their start is skipped
    :param layout: what the file is expected to hold
    :param rejects: where rows with too few or too many fields are noted
    :raises FileError: there is no such header, the quoting is broken, or the file is not UTF-8
    """
    lines = _Lines(stream, layout)
    header_line, header = lines.header()
    grid = Grid(header, header_line, layout, rejects, pads=False)
    width = grid.width if grid.is_plain else -1
    pick = grid.pick
    for line, row in lines.below():
        if len(row) == width and row[0]:
            yield line, pick(row)
        else:
            for picked in grid.rows(line, row):
                yield line, picked


class _Lines:
    def __init__(self, stream: UnpackedBytes, layout: TableLayout) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        self._layout = layout
        self._delimiter = ""
        self._read = 0

    def header(self) -> tuple[int, Sequence[str]]:
        """Return the line and the names of the first line that is not empty and names no delimiter."""
        text = "\n"
        try:
            while text and not text.strip(" \t\r\n,;" + _END_MARK):
                text = self._text.readline(self._layout.max_line)
                self._read += 1
                if not self._delimiter and (told := _SEPARATOR.fullmatch(text)):
                    self._delimiter, text = "" if told[2] else told[1], "\n"
        except UnicodeDecodeError as error:
            self._refuse_encoding(error)
        if text:
            return self._read, self._names(text)
        hint = f"Its first line must name its columns, such as {', '.join(self._layout.names)}"
        return self._layout.refuse("the file holds no header", 1, hint)

    def below(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Return each row with the line it begins on."""
        above = self._read
        reader = csv.reader(self._lines_below(), delimiter=self._delimiter, skipinitialspace=True, strict=True)
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
            self._refuse_quoting(line, error)

    def _refuse_quoting(self, line: int, error: csv.Error) -> NoReturn:
        problem = "the quoting is broken in the row that begins here"
        hint = "A quote inside a quoted field is written twice, and each quoted field must be closed"
        if "field larger" in str(error):
            problem, hint = f"a field is longer than {csv.field_size_limit():,} characters", "Is a quote missing?"
        self._layout.refuse(problem, line, hint, cause=error)

    def _lines_below(self) -> Iterator[str]:
        number, limit, row_limit = self._read, self._layout.max_line, self._layout.max_row_lines
        blank_after_quote = _blank_after_quote(self._delimiter)
        while line := self._text.readline(limit):
            number += 1
            if len(line) == limit:
                self._layout.refuse(f"a line is longer than {limit:,} characters", number, _HINT)
            if number - self._read > row_limit:
                problem = f"the row that begins here has more than {row_limit} lines"
                self._layout.refuse(problem, self._read + 1, "Is a quote missing?")
            if (
                '" ' in line and number == self._read + 1
            ):  # only where a row begins it is known which quotes open a field
                line = blank_after_quote.sub(r"\1\2", line)
            if _END_MARK in line and not (line := line.rstrip(_END_MARK + "\r\n ")):
                continue
            yield line

    def _names(self, text: str) -> Sequence[str]:
        text = text.rstrip(_END_MARK)
        readings = []
        for delimiter in [self._delimiter] if self._delimiter else _DELIMITERS:
            try:
                names = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
            except (csv.Error, TypeError, ValueError) as error:  # a line break is no delimiter, for instance
                self._layout.refuse("the header cannot be read", self._read, _HINT, cause=error)
            readings.append((sum(map(self._layout.knows, names)), delimiter, names))
        _, self._delimiter, names = max(readings, key=lambda reading: reading[0])
        if len(names) == 1:
            self._refuse_whole_lines(names[0])
        return names

    def _refuse_whole_lines(self, name: str) -> None:
        """Refuse a file of which each line is one field, as a program writes it that took another delimiter for it."""
        for delimiter in _DELIMITERS:
            if sum(map(self._layout.knows, name.split(delimiter))) > 1:
                problem = "each line stands between quotes as a whole, so that it is one field"
                self._layout.refuse(problem, self._read, "Take the quotes away, or save it anew from where it came")

    def _refuse_encoding(self, error: UnicodeDecodeError) -> NoReturn:
        # The text is decoded block by block: the lines before the fault are in the block, not yet counted.
        line = self._read + 1 + error.object[: error.start].count(b"\n")
        self._layout.refuse("the file is not UTF-8 text", line, _HINT, cause=error)


def _blank_after_quote(delimiter: str) -> re.Pattern[str]:
    """Return what finds a whole quoted field with blanks behind it, from a delimiter on: inner quotes are safe."""
    mark = re.escape(delimiter)
    return re.compile(rf'(^|{mark}) *("(?:[^"]|"")*") +(?={mark}|\r?\n?\Z)')
