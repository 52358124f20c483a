"""Reads the rows of a sheet from its XML, block by block."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel, from_ISO8601

from promo_campaigns.tables.sheet_text import ERROR_CELL, FORMULA_CELL
from promo_campaigns.tables.xlsx_archive import MAX_DEPTH, Listener
from promo_campaigns.tables.xlsx_book import DIGITS, DURATION, NUMBER, PERCENT, unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promo_campaigns.tables.xlsx_book import Book

MAX_ROWS = 1_048_576
"""Rows of a sheet, Excel's own limit."""

_COLUMNS = {letter: place for place, letter in enumerate(ascii_uppercase, 1)}
_DIGITS = "0123456789"
_PERCENT_PLACES = 9
_LONGEST_COLUMN = 3


class Unusable(str):
    """What stands in a cell whose value cannot be known: why, as a reason to reject its row."""

    __slots__ = ()


_FORMULA = Unusable(FORMULA_CELL)
_ERROR = Unusable(ERROR_CELL)


class ShownDigits(NamedTuple):
    """A number that its format shows with zeros in front, or with other characters."""

    number: float
    shown: str


class SheetRows(Listener):
    """Makes values of cells: text, number, bool, date, time, ``ShownDigits`` or ``Unusable``.

    :param book: the workbook
    :param columns: how many columns are looked at; cells to the right of them are left out
    :param refuse: refuses the workbook for a problem of the sheet
    """

    def __init__(self, book: Book, columns: int, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self._texts = book.texts
        self._kinds = book.kinds
        self._digits = book.digits
        self._width = columns
        self._places = dict(islice(_COLUMNS.items(), columns))
        self._epoch = CALENDAR_MAC_1904 if book.is_1904 else CALENDAR_WINDOWS_1900
        self._rows: list[tuple[int, list[Any]]] = []
        self._line = self._column = 0
        self._cells: list[Any] | None = None  # None outside of rows
        self._type, self._style = "n", ""
        self._formula: Unusable | None = None
        self._is_spoken = True
        self._cell_name, self._value_name = "c", "v"
        self.begins = {
            "row": self._begin_row,
            "f": self._begin_formula,
            "t": self._begin_text,
            "rPh": self._begin_phonetic,
        }
        self.ends = {
            "row": self._end_row,
            "f": self._end_formula,
            "t": self._end_text,
            "rPh": self._end_phonetic,
        }

    # A sheet has millions of cells and values. These two are told in place, without a look-up.

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Receive the start of an element."""
        if self._depth < MAX_DEPTH and name == self._value_name:
            self._depth += 1
            self._collects = self._type != "inlineStr" and self._cells is not None
        elif self._depth < MAX_DEPTH and name == self._cell_name:
            self._depth += 1
            self._begin_cell(attributes)
        else:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        """Receive the end of an element."""
        if name == self._value_name:
            self._depth -= 1
            self._collects = False
        elif name == self._cell_name:
            self._depth -= 1
            self._end_cell()
        else:
            super().end(name)

    def taken(self) -> list[tuple[int, list[Any]]]:
        """Return the rows read since the last call, without empty rows and without empty cells at their ends."""
        rows, self._rows = self._rows, []
        return rows

    def _prefix_names(self, root: str) -> str:
        prefix = super()._prefix_names(root)
        self._cell_name, self._value_name = f"{prefix}c", f"{prefix}v"
        return prefix

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        before = self._line
        self._line = _whole(attributes["r"]) if "r" in attributes else before + 1
        if self._line > MAX_ROWS:
            self.refuse("has more rows than Excel knows")
        if self._line <= before:
            self.refuse("holds a row twice, or rows out of order")
        self._column = 0
        self._cells = [""] * self._width

    def _end_row(self) -> None:
        cells = self._cells
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            self._rows.append((self._line, cells))
        self._cells = None

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        place = attributes.get("r")
        self._column = self._column + 1 if place is None else self._column_of(place)
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self._formula = None
        if self._pieces:
            self._taken()

    def _column_of(self, place: str) -> int:
        letters = place.rstrip(_DIGITS)
        column = self._places.get(letters)
        if column is None:
            if not (letters.isascii() and letters.isalpha() and len(letters) <= _LONGEST_COLUMN):
                self.refuse("holds a cell without a sound place")
            column = 0
            for letter in letters.upper():
                column = column * len(_COLUMNS) + _COLUMNS[letter]
        return column

    def _end_cell(self) -> None:
        if self._cells is not None and self._column <= self._width:
            self._cells[self._column - 1] = self._value() if self._formula is None else self._formula

    def _begin_text(self, _: Mapping[str, str]) -> None:
        self._collects = self._cells is not None and self._type == "inlineStr" and self._is_spoken

    def _end_text(self) -> None:
        self._collects = False

    def _begin_phonetic(self, _: Mapping[str, str]) -> None:
        self._is_spoken = False

    def _end_phonetic(self) -> None:
        self._is_spoken = True

    def _begin_formula(self, _: Mapping[str, str]) -> None:
        self._taken()
        self._collects = self._cells is not None

    def _end_formula(self) -> None:
        self._collects = False
        self._taken()
        self._formula = _FORMULA

    def _value(self) -> Any:  # noqa: ANN401  (a cell holds anything)
        text, kind = self._taken(), self._type
        if not text:
            return ""
        if kind == "s":
            return self._texts[int(text)]
        if kind == "n":
            return self._number(text)
        if kind == "b":
            return bool(int(text))
        if kind == "d":
            return _day_or_moment(from_ISO8601(text))  # type: ignore[no-untyped-call]  # the stubs have no types here
        return _ERROR if kind == "e" else unescape(text)

    def _number(self, text: str) -> Any:  # noqa: ANN401  (as above)
        number = float(text) if "." in text or "E" in text or "e" in text else int(text)
        style = int(self._style) if self._style else 0
        kind = self._kinds[style] if style < len(self._kinds) else NUMBER
        if kind == NUMBER:
            return number
        if kind == DIGITS:
            return ShownDigits(number, self._digits(style).show(number))
        if kind == PERCENT:
            return round(number * 100, _PERCENT_PLACES)
        if number < 0 and self._epoch is CALENDAR_WINDOWS_1900:
            return _ERROR  # Excel fills the cell with ####
        try:
            return _day_or_moment(from_excel(number, self._epoch, timedelta=kind == DURATION))
        except (OverflowError, ValueError):
            return _ERROR  # what Excel shows


def _day_or_moment(value: Any) -> Any:  # noqa: ANN401  (what a cell holds)
    """Return a date for a moment at midnight: programs format dates with a time, and people without."""
    if isinstance(value, datetime) and not any((value.hour, value.minute, value.second)):
        return value.date()
    return value


def _whole(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)
