"""The parts of a workbook, read as a stream: whatever is in them, memory and time stay within bounds.

A workbook may be hostile, so no library that builds trees reads it: the XML of a part is parsed in blocks, and
whatever a parser keeps (a tag that does not end, names, open elements, entities) has a limit.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, BinaryIO, NoReturn
from xml.parsers import expat

from promo_campaigns.model.redaction import printable_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from promo_campaigns.tables.table import TableLayout

MAX_SHEET_BYTES = 384 * 2**20
MAX_OTHER_PART_BYTES = 64 * 2**20
"""Bytes of any other part that is read; the largest is the table of texts."""

MAX_PARTS = 1_000
MAX_RATIO = 200
MAX_MARKS = 40_000_000
"""Tags of a part, opening and closing: as many as 1,048,576 rows of five texts have, and time for half a minute."""

MAX_DEPTH = 64
"""Elements inside each other; Excel writes fewer than twenty."""

MAX_NAMES = 10_000
"""Different names of elements and attributes in a part; the whole format has some two thousand."""

MAX_TAG_BYTES = 2**20
MAX_TEXT = 32_767
"""Characters of a cell, Excel's own limit."""

SAVE_AGAIN = "Save it again as .xlsx, or as CSV in UTF-8"
SAVE_AS_CSV = "Save it as CSV in UTF-8"

CONTENT_TYPES = "[Content_Types].xml"
"""The part that every workbook has."""

_OPEN_DOCUMENT = "content.xml"
_SHEETS = "xl/worksheets/"
_MAX_DIRECTORY_BYTES = 2**20
_BLOCK = 2**16
_RATIO_MATTERS_FROM = 16 * 2**20
_SHOWN = 60


class Listener:
    """Receives the elements of a part, and keeps what a subclass needs.

    A subclass fills ``begins`` and ``ends`` with what is done where an element starts and ends, by its name without
    prefix.

    :param refuse: refuses the workbook for a problem of this part
    """

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        self.refuse = refuse
        self.begins: dict[str, Callable[[dict[str, str]], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self._depth = 0
        self._collects = False
        self._pieces: list[str] = []
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Receive the start of an element."""
        self._depth += 1
        if self._depth == 1:
            self._prefix_names(name)
        elif self._depth > MAX_DEPTH:
            self.refuse(f"holds more than {MAX_DEPTH} elements inside each other")
        begin = self.begins.get(name)
        if begin is not None:
            begin(attributes)

    def end(self, name: str) -> None:
        """Receive the end of an element."""
        self._depth -= 1
        end = self.ends.get(name)
        if end is not None:
            end()

    def text(self, data: str) -> None:
        """Receive text, or a piece of it."""
        if self._collects:
            self._length += len(data)
            if self._length > MAX_TEXT:
                self.refuse(f"holds a text of more than {MAX_TEXT:,} characters")
            self._pieces.append(data)

    def _taken(self) -> str:
        """Return the text collected since the last call."""
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else "".join(pieces)
        self._pieces.clear()
        self._length = 0
        return taken

    def _prefix_names(self, root: str) -> str:
        """Return the prefix of the root, which all elements of the format have, and expect their names to have it."""
        prefix = root[: root.find(":") + 1]
        if prefix:
            self.begins = {prefix + name: begin for name, begin in self.begins.items()}
            self.ends = {prefix + name: end for name, end in self.ends.items()}
        return prefix


class Archive:
    """The parts of a workbook.

    :param file: the workbook, which can be read anywhere
    :param layout: refuses the workbook
    :raises FileError: it is no sound archive
    """

    def __init__(self, file: BinaryIO, layout: TableLayout) -> None:
        self._layout = layout
        try:
            self._zip = zipfile.ZipFile(_Sparing(file))
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            layout.refuse("the workbook is damaged", hint=SAVE_AGAIN, cause=error)
        self._parts = {part.filename: part for part in self._zip.infolist()}
        if CONTENT_TYPES not in self._parts:
            problem, hint = "the file is a zip, and no workbook", "Unpack it and take the file that is in it"
            if any(name.endswith(".iwa") for name in self._parts):
                problem, hint = "the file is a document of Apple's Numbers", "Export it to Excel (.xlsx), or to CSV"
            if _OPEN_DOCUMENT in self._parts:
                problem, hint = "the file is an OpenDocument spreadsheet (.ods)", "Save it as .xlsx, or as CSV in UTF-8"
            layout.refuse(problem, hint=hint)
        if len(self._parts) > MAX_PARTS:
            layout.refuse(f"the workbook has more than {MAX_PARTS:,} parts", hint=SAVE_AGAIN)

    def has(self, name: str) -> bool:
        """Return whether the workbook has this part."""
        return name in self._parts

    def refuser(self, name: str) -> Callable[[str], NoReturn]:
        """Return a function that refuses the workbook for a problem of this part."""

        def refuse(problem: str) -> NoReturn:
            self._layout.refuse(f"the part {shown(name)} of the workbook {problem}", hint=SAVE_AS_CSV)

        return refuse

    def pass_by(self, name: str, listener: Listener) -> Iterator[None]:
        """Parse a part block by block, and pass its elements to a listener.

        :raises FileError: there is no such part, it is no XML, or it breaks a limit
        """
        refuse = self.refuser(name)
        parser = _parser(listener)
        passed = marks = 0
        with self._open(name, refuse) as part:
            while block := part.read(_BLOCK):
                _parse(parser, block, refuse)
                passed += len(block)
                marks += block.count(b"<") + block.count(b"/>")  # an empty element counts as one that opens and closes
                if marks > MAX_MARKS:
                    refuse(f"holds more than {MAX_MARKS // 2:,} elements")
                if passed - parser.CurrentByteIndex > MAX_TAG_BYTES:
                    refuse(f"holds a tag of more than {MAX_TAG_BYTES >> 20} MiB")
                if len(parser.intern) > MAX_NAMES:
                    refuse(f"holds more than {MAX_NAMES:,} different names")
                yield
        _parse(parser, b"", refuse, is_last=True)
        yield

    def hear(self, name: str, listener: Listener) -> None:
        """Parse a whole part, and pass its elements to a listener."""
        for _ in self.pass_by(name, listener):
            pass

    def _open(self, name: str, refuse: Callable[[str], NoReturn]) -> zipfile.ZipExtFile:
        part = self._parts.get(name)
        if part is None:
            refuse("is missing")
        if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or part.flag_bits & 1:
            refuse("is packed in a way that Excel does not use for a workbook without a password")
        limit = MAX_SHEET_BYTES if name.startswith(_SHEETS) else MAX_OTHER_PART_BYTES
        # zipfile never hands out more than the size stated here.
        if part.file_size > min(limit, max(MAX_RATIO * part.compress_size, _RATIO_MATTERS_FROM)):
            refuse("unpacks to more than is allowed")
        return self._zip.open(part)  # type: ignore[return-value]  # it is one for reading


class _Sparing:
    """A file that never returns more at once than the list of a workbook's parts may take.

    zipfile reads that list as a whole, and keeps half a kilobyte of each entry, before anybody can count them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_MAX_DIRECTORY_BYTES + 1 if size < 0 else min(size, _MAX_DIRECTORY_BYTES + 1))
        if len(data) > _MAX_DIRECTORY_BYTES:
            msg = "the list of parts is too long"
            raise zipfile.BadZipFile(msg)
        return data


def shown(name: str) -> str:
    """Return a name from the file for use in a message: short, and without invisible characters."""
    text = printable_name(name)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def attribute(attributes: Mapping[str, str], name: str) -> str | None:
    """Return an attribute by its name without prefix."""
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == name), None)


def _parser(listener: Listener) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = listener.start
    parser.EndElementHandler = listener.end
    parser.CharacterDataHandler = listener.text

    def refuse_doctype(*_: object) -> None:
        listener.refuse("declares a document type, as no workbook does")

    parser.StartDoctypeDeclHandler = refuse_doctype
    return parser


def _parse(
    parser: expat.XMLParserType, block: bytes, refuse: Callable[[str], NoReturn], *, is_last: bool = False
) -> None:
    try:
        parser.Parse(block, is_last)
    except expat.ExpatError:
        refuse("cannot be read: it is no sound XML")
