"""Reads the bytes of an uploaded file: hashes and unpacks them, and refuses a NUL in a text."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from promo_campaigns.tables.table import TableLayout

    UnpackedBytes = io.BufferedReader[Any]

FileFormat = Literal["csv", "json", "xlsx"]

MAX_BYTES = 4 * 2**30
"""Bytes of one file, packed or not."""

MAX_RATIO = 200
"""How many times larger than its packed form a file may be; the codes of a real one shrink to a third or so."""

_BLOCK = 2**18
_RATIO_MATTERS_FROM = 16 * 2**20
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_ZIP = b"PK\x03\x04"
_NO_TEXT = {
    b"\xff\xfe": "the file is UTF-16",
    b"\xfe\xff": "the file is UTF-16",
}
_OTHER_KINDS = {
    b"%PDF": "a PDF document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"PK\x05\x06": "an empty zip",
    b"{\\rtf": "an RTF document",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    _GZIP: "packed with gzip twice",
}
_BZIP = b"1AY&SY"
_TAR, _TAR_AT = b"ustar", 257
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The name of a part, as a workbook that is protected by a password holds it."""


class HashedBytes(io.RawIOBase):
    """A file object that hashes the bytes it passes on.

    :param file: any binary file object; it is read once, from where it stands, and never moved
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Return True: the stream can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read up to the size of the buffer."""
        view = memoryview(buffer)
        data = self._file.read(len(view))
        self._digest.update(data)
        self.count += len(data)
        view[: len(data)] = data
        return len(data)

    def sha256(self) -> bytes:
        """Return the digest of the whole file, reading on to its end."""
        while data := self._file.read(_BLOCK):
            self._digest.update(data)
        return self._digest.digest()


class _Unpacked(io.RawIOBase):
    """The bytes without their gzip, within the limits; breaking them raises ``FileError``."""

    def __init__(self, source: HashedBytes, layout: TableLayout) -> None:
        super().__init__()
        self._source = source
        self._layout = layout
        packed = io.BufferedReader(source, _BLOCK)
        self._is_packed = packed.peek(len(_GZIP)).startswith(_GZIP)
        self._bytes = gzip.GzipFile(fileobj=packed) if self._is_packed else packed
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        try:
            data = self._bytes.read(len(view))
        except EOFError as error:
            hint = "It was cut off on its way; upload it again"
            self._layout.refuse("the gzip file ends too early", hint=hint, cause=error)
        except (gzip.BadGzipFile, zlib.error) as error:
            self._layout.refuse("the gzip file is damaged", hint="Pack and upload it again", cause=error)
        self._count += len(data)
        self._check_size()
        view[: len(data)] = data
        return len(data)

    def _check_size(self) -> None:
        if self._count > MAX_BYTES:
            self._layout.refuse(f"the file is larger than {MAX_BYTES >> 30} GiB", hint="Split it")
        if self._is_packed and self._count > max(_RATIO_MATTERS_FROM, MAX_RATIO * self._source.count):
            self._layout.refuse(f"the file unpacks to more than {MAX_RATIO} times its size", hint="Upload it unpacked")


class _Text(io.RawIOBase):
    """Bytes of a text file: a NUL among them raises ``FileError`` with its line."""

    def __init__(self, stream: io.BufferedReader[_Unpacked], layout: TableLayout) -> None:
        super().__init__()
        self._stream = stream
        self._layout = layout
        self._line = 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = self._stream.readinto(buffer)
        data = bytes(memoryview(buffer)[:count])
        place = data.find(b"\0")
        self._line += data.count(b"\n", 0, place if place >= 0 else count)
        if place >= 0:
            hint = "Export it as CSV in UTF-8"
            self._layout.refuse("the file holds a NUL byte: it is not text", self._line, hint)
        return count


def open_unpacked(source: HashedBytes, layout: TableLayout) -> tuple[UnpackedBytes, FileFormat]:
    """Open the bytes of a file without their gzip.

    Reading raises ``FileError`` where the packing is broken, the file grows beyond its limits, or text holds a NUL.

    :param source: the bytes as uploaded
    :param layout: what the file is expected to hold
    :returns: the bytes, and their format: told by how they begin, since a name may say anything
    :raises FileError: the file is empty, or neither text nor a workbook
    """
    stream = io.BufferedReader(_Unpacked(source, layout), _BLOCK)
    start = stream.peek()
    if not start:
        layout.refuse("the file is empty", 1, "Was it uploaded whole?")
    if start.startswith(_ZIP):
        return stream, "xlsx"
    if start.startswith(_OLD_OFFICE):
        _refuse_old_office(start, layout)
    if kind := _other_kind(start):
        layout.refuse(f"the file is {kind}", 1, "Save it as CSV in UTF-8 or as .xlsx")
    for magic, problem in _NO_TEXT.items():
        if start.startswith(magic):
            layout.refuse(problem, 1, "Save it as CSV in UTF-8 or as .xlsx")
    is_json = start.removeprefix(_MARK).lstrip()[:1] in {b"[", b"{"}
    return io.BufferedReader(_Text(stream, layout), _BLOCK), "json" if is_json else "csv"


def _other_kind(start: bytes) -> str:
    """Return what a file is that is neither text nor a workbook; empty if nothing says so."""
    found = next((kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic)), "")
    if start[_TAR_AT:].startswith(_TAR):
        return "a tar archive"
    if start.startswith(b"BZh") and start[4:].startswith(_BZIP):
        return "packed with bzip2"
    if start.removeprefix(_MARK).lstrip().startswith(b"<"):
        return "HTML or XML, as some programs write what they call .xls"
    return found


def _refuse_old_office(start: bytes, layout: TableLayout) -> NoReturn:
    problem = "the file is an Excel workbook of the old kind (.xls), or one that is protected by a password"
    if _ENCRYPTED in start:
        problem = "the file is a workbook that is protected by a password"
    layout.refuse(problem, 1, "Save it without a password as .xlsx, or as CSV in UTF-8")
