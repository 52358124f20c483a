"""What a workbook says of its sheets: where they lie, their texts, and what numbers mean in formats of cells."""

from __future__ import annotations

import posixpath
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from promo_campaigns.tables.number_format import Digits, is_percent, parse_digits
from promo_campaigns.tables.xlsx_archive import CONTENT_TYPES, MAX_OTHER_PART_BYTES, MAX_PARTS, Listener, attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promo_campaigns.tables.xlsx_archive import Archive

MAX_FORMATS = 65_536
"""Number formats of a workbook; Excel knows some two hundred."""

MAX_FORMAT_LENGTH = 255
"""Characters of a number format, Excel's own limit."""

NUMBER, DATE, DURATION, PERCENT, DIGITS = range(5)
"""What a number is in a cell of a format: itself, a date with or without a time, a span of time, a share of a hundred,
or digits shown as the format says."""

_ESCAPED = re.compile(r"_x((?!D[89A-F])[0-9A-F]{4})_", re.IGNORECASE)
_STYLES = "xl/styles.xml"
_WORKBOOK = "xl/workbook.xml"
_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_TEXTS_TYPE = f"{_MAIN}sharedStrings+xml"
_WORKBOOK_TYPES = frozenset(
    {
        f"{_MAIN}sheet.main+xml",
        f"{_MAIN}template.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "application/vnd.ms-excel.template.macroEnabled.main+xml",
    }
)


@dataclass(frozen=True, slots=True)
class Book:
    """What the cells of the sheets refer to.

    :param sheets: name and part of the sheets with cells
    :param is_1904: days are counted from 1904, as on an old Macintosh
    :param texts: the texts that cells name by number
    :param kinds: what a number is, by the number of the cell's style
    :param digits: how a number of the kind ``DIGITS`` is shown, by the number of the cell's style
    """

    sheets: tuple[tuple[str, str], ...]
    is_1904: bool
    texts: Texts
    kinds: bytes
    digits: Callable[[int], Digits]


def read_book(archive: Archive) -> Book:
    """Read everything but the cells.

    :raises FileError: a part that is needed is missing, unsound, or breaks a limit
    """
    types = _ContentTypes(archive.refuser(CONTENT_TYPES))
    archive.hear(CONTENT_TYPES, types)
    if types.workbook is None:
        archive.refuser(CONTENT_TYPES)("names no workbook")
    book = _Workbook(archive.refuser(types.workbook))
    archive.hear(types.workbook, book)
    texts = Texts(archive.refuser(types.texts or ""))
    if types.texts is not None and archive.has(types.texts):
        archive.hear(types.texts, texts)
    styles = _Styles(archive.refuser(_STYLES))
    if archive.has(_STYLES):
        archive.hear(_STYLES, styles)
    sheets = _sheets(archive, types.workbook, book.sheets)
    return Book(sheets, book.is_1904, texts, styles.kinds(), styles.digits)


def _sheets(archive: Archive, workbook: str, wanted: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    folder, name = posixpath.split(workbook)
    place = posixpath.join(folder, "_rels", f"{name}.rels")
    links = _Links(archive.refuser(place))
    archive.hear(place, links)
    targets = [(name, links.targets[link]) for name, link in wanted]
    parts = [(name, posixpath.normpath(posixpath.join("/", folder, it))[1:]) for name, it in targets if it is not None]
    return tuple((name, part) for name, part in parts if archive.has(part))


def unescape(text: str) -> str:
    """Return a text with the characters that a workbook writes by their number, such as a line break: ``_x000D_``.

    ``_x005F_`` is the underscore that keeps the rest of such a text as it is.
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class Texts(Listener):
    """The texts that cells name by number, kept as bytes: as objects they would take five times the room."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self._bytes = bytearray()
        self._ends = array("I", [0])
        self._is_spoken = True
        self.begins = {"t": self._begin_text, "rPh": self._begin_phonetic}
        self.ends = {"t": self._end_text, "rPh": self._end_phonetic, "si": self._end_item}

    def __getitem__(self, number: int) -> str:
        """Return a text by its number."""
        if number < 0:
            raise IndexError(number)
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()

    def _begin_text(self, _: Mapping[str, str]) -> None:
        self._collects = self._is_spoken

    def _end_text(self) -> None:
        self._collects = False

    def _begin_phonetic(self, _: Mapping[str, str]) -> None:
        self._is_spoken = False  # how it is pronounced is no part of the text

    def _end_phonetic(self) -> None:
        self._is_spoken = True

    def _end_item(self) -> None:
        self._bytes += unescape(self._taken()).encode()
        self._ends.append(len(self._bytes))
        if len(self._bytes) > MAX_OTHER_PART_BYTES:
            self.refuse(f"holds more than {MAX_OTHER_PART_BYTES >> 20} MiB of texts")


class _ContentTypes(Listener):
    """Where the workbook and its texts lie."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self.workbook: str | None = None
        self.texts: str | None = None
        self.begins = {"Override": self._override, "Default": self._default}

    def _override(self, attributes: Mapping[str, str]) -> None:
        kind, part = attributes.get("ContentType"), attributes.get("PartName", "").lstrip("/")
        if kind in _WORKBOOK_TYPES:
            self.workbook = part
        elif kind == _TEXTS_TYPE:
            self.texts = part

    def _default(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("ContentType") in _WORKBOOK_TYPES and self.workbook is None:
            self.workbook = _WORKBOOK


class _Workbook(Listener):
    """The sheets, by the numbers of their links, and the calendar."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self.sheets: list[tuple[str, str]] = []
        self.is_1904 = False
        self.begins = {"sheet": self._sheet, "workbookPr": self._properties}

    def _sheet(self, attributes: Mapping[str, str]) -> None:
        if link := attribute(attributes, "id"):
            self.sheets.append((attributes.get("name", ""), link))
        if len(self.sheets) > MAX_PARTS:
            self.refuse(f"names more than {MAX_PARTS:,} sheets")

    def _properties(self, attributes: Mapping[str, str]) -> None:
        self.is_1904 = attributes.get("date1904", "0").lower() in {"1", "true", "on"}


class _Links(Listener):
    """The parts that another part names, by number; None for what is no sheet with cells."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self.targets: dict[str, str | None] = {}
        self.begins = {"Relationship": self._link}

    def _link(self, attributes: Mapping[str, str]) -> None:
        is_chart = "chartsheet" in attributes.get("Type", "")
        self.targets[attributes.get("Id", "")] = None if is_chart else attributes.get("Target", "")
        if len(self.targets) > MAX_PARTS:
            self.refuse(f"names more than {MAX_PARTS:,} other parts")


class _Styles(Listener):
    """What numbers are in the styles of cells. A format is named by number, so each style costs four bytes."""

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        super().__init__(refuse)
        self._formats = {number: _kind_of(code) for number, code in BUILTIN_FORMATS.items()}
        self._digits: dict[int, Digits] = {}
        self._numbers = array("I")
        self._inside: Literal["numFmts", "cellXfs", ""] = ""
        self.begins = {
            "numFmts": lambda _: self._enter("numFmts"),
            "cellXfs": lambda _: self._enter("cellXfs"),
            "numFmt": self._format,
            "xf": self._cell_format,
        }
        self.ends = {"numFmts": lambda: self._enter(""), "cellXfs": lambda: self._enter("")}

    def kinds(self) -> bytes:
        """Return what a number is, by the number of the cell's style."""
        return bytes(self._formats.get(number, NUMBER) for number in self._numbers)

    def digits(self, style: int) -> Digits:
        """Return how a number of the kind ``DIGITS`` is shown."""
        return self._digits[self._numbers[style]]

    def _enter(self, place: Literal["numFmts", "cellXfs", ""]) -> None:
        self._inside = place

    def _format(self, attributes: Mapping[str, str]) -> None:
        if self._inside != "numFmts":
            return
        code = attributes.get("formatCode", "")
        if len(code) > MAX_FORMAT_LENGTH:
            self.refuse(f"holds a number format of more than {MAX_FORMAT_LENGTH} characters")
        number = int(attributes["numFmtId"])
        self._formats[number] = _kind_of(code)
        if self._formats[number] == NUMBER and (digits := parse_digits(code)):
            self._formats[number], self._digits[number] = DIGITS, digits
        if len(self._formats) > MAX_FORMATS:
            self.refuse(f"holds more than {MAX_FORMATS:,} number formats")

    def _cell_format(self, attributes: Mapping[str, str]) -> None:
        if self._inside == "cellXfs":
            self._numbers.append(int(attributes.get("numFmtId", 0)))


def _kind_of(code: str) -> int:
    if is_date_format(code):
        return DURATION if is_timedelta_format(code) else DATE
    return PERCENT if is_percent(code) else NUMBER
