"""Pictures of text that scanners read: QR, EAN-13 and Code 128, as PNG."""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

QR, EAN13, CODE128 = "qr", "ean13", "code128"
LONGEST_QR, LONGEST_CODE128 = 300, 80
"""More make squares that a phone does not read from a screen, and bars that no screen is wide enough for."""
_SQUARE, _BAR, _HEIGHT = 8, 3, 150
"""Pixels: of a square's side, of a bar's width and of its height; enough for a screen of double density."""
_QR_QUIET, _QUIET = 4, 11
"""Modules that stay white around the dark ones, as the standards ask for."""
_EAN = re.compile(r"[0-9]{13}", re.ASCII)
_INVERTED = str.maketrans("01", "10")


class NoBarcodeError(ValueError):
    """A kind of barcode cannot hold a text.

    :ivar hint: what to do; like the error it names no value
    """

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint


def draw(kind: str, text: str) -> bytes:
    """Return the picture of a text as PNG: black on white, with the white edge that scanners need.

    :param kind: one of ``KINDS``
    :raises NoBarcodeError: the kind cannot hold the text
    """
    require_text(kind, text)
    return _DRAWN[kind](text)


def require_text(kind: str, text: str) -> None:
    """Refuse a text that a kind of barcode cannot hold.

    :param kind: one of ``KINDS``
    :raises NoBarcodeError: saying what it holds
    """
    if kind == EAN13:
        _require_ean(text)
        return
    longest = LONGEST_QR if kind == QR else LONGEST_CODE128
    if not 0 < len(text) <= longest:
        problem = f"a {_NAMES[kind]} holds 1 to {longest} characters here, not {len(text)}"
        raise NoBarcodeError(problem, "Use shorter codes" if text else "Test the value with #if first")
    if kind == CODE128 and not text.isascii():
        problem = "a Code 128 holds letters, digits and signs of ASCII only"
        raise NoBarcodeError(problem, "Use $barcode.qr, which holds any text")


def _require_ean(text: str) -> None:
    if not _EAN.fullmatch(text):
        problem = "an EAN-13 holds 13 digits, and this value is something else"
        raise NoBarcodeError(problem, "Use $barcode.code128 or $barcode.qr, which hold any code")
    if _check_digit(text[:-1]) != text[-1]:
        problem = "the last of the 13 digits of an EAN-13 is its check digit, and this value ends in another"
        raise NoBarcodeError(problem, "Correct the codes, or use $barcode.code128, which holds any code")


def _check_digit(digits: str) -> str:
    """Return the check digit of the twelve before it: scanners refuse a number that has another."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)


def _qr(text: str) -> bytes:
    import segno  # noqa: PLC0415  (only a text that shows pictures needs it)

    # A quarter of the squares may be lost; the library says in the picture itself that other letters are UTF-8.
    plain = text.isascii()
    square = segno.make_qr(text, error="m") if plain else segno.make_qr(text, "m", encoding="utf-8", eci=True)
    edge = "0" * _QR_QUIET
    rows = [edge + "".join("1" if dark else "0" for dark in row) + edge for row in square.matrix]
    blank = ["0" * len(rows[0])] * _QR_QUIET
    return _png([*blank, *rows, *blank], scale=_SQUARE, height=_SQUARE)


def _ean13(text: str) -> bytes:
    from barcode.ean import EuropeanArticleNumber13  # noqa: PLC0415  (the same)

    (bars,) = EuropeanArticleNumber13(text, writer=object()).build()
    return _bars(bars)


def _code128(text: str) -> bytes:
    from barcode.codex import Code128  # noqa: PLC0415  (the same)

    (bars,) = Code128(text, writer=object()).build()
    return _bars(bars)


def _bars(bars: str) -> bytes:
    edge = "0" * _QUIET
    return _png([edge + bars + edge], scale=_BAR, height=_HEIGHT)


def _png(rows: Iterable[str], *, scale: int, height: int) -> bytes:
    """Return a picture of one bit a pixel.

    :param rows: 1 for a dark module, 0 for a white one
    :param scale: pixels across a module
    :param height: pixels down a row
    """
    lines, width, count = [], 0, 0
    for row in rows:
        bits = "".join(mark * scale for mark in row.translate(_INVERTED))
        width, count = len(bits), count + height
        size = -(-width // 8)
        packed = int(bits.ljust(size * 8, "1"), 2).to_bytes(size, "big")
        lines.append((b"\0" + packed) * height)
    head = struct.pack(">IIBBBBB", width, count, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


_DRAWN: dict[str, Callable[[str], bytes]] = {QR: _qr, EAN13: _ean13, CODE128: _code128}
_NAMES = {QR: "QR code", EAN13: "EAN-13", CODE128: "Code 128"}
KINDS = tuple(_DRAWN)
