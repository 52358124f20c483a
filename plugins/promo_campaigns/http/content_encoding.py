"""An answer's body, within a limit of bytes: read to its end, and as it was before its ``Content-Encoding``."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

_GZIP, _ZLIB, _RAW = 31, 15, -15
"""What zlib is told of the bytes' frame (``wbits``)."""
_IDENTITY = frozenset(
    {"", "identity", "none", "null", "binary", "7bit", "8bit", "chunked", "utf-8", "utf8", "iso-8859-1"}
)
"""What leaves the bytes as they are, or is no encoding of bytes at all, such as a charset that servers write there."""


def decoded(body: bytes, encoding: str, *, most: int) -> tuple[bytes, str]:
    """Return the body of an answer, and why it could not be read; empty if it could.

    :param encoding: the header ``Content-Encoding``
    :param most: bytes to return at most, however much a few bytes would unfold to
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    for name in reversed([name for name in names if name not in _IDENTITY and "/" not in name]):
        if name in {"gzip", "x-gzip"}:
            frame = _GZIP
        elif name == "deflate":
            frame = _ZLIB if _has_zlib_frame(body) else _RAW
        else:
            return b"", f"the answer is encoded as {_shown(name)}, which is not read; gzip and deflate are"
        try:
            body, is_whole = _inflated(body, frame, most)
        except zlib.error:
            return b"", f"the answer is no {name}, although it says so"
        if not is_whole:
            return body, f"the answer breaks off, or is larger than {most:,} bytes"
    return body, ""


def _inflated(body: bytes, frame: int, most: int) -> tuple[bytes, bool]:
    """Return what bytes unfold to, at most so much, and whether that is all of it; gzip may have several members."""
    pieces: list[bytes] = []
    left = most + 1
    while True:
        inflating = zlib.decompressobj(frame)
        pieces.append(inflating.decompress(body, left))
        left -= len(pieces[-1])
        body = inflating.unused_data
        if not inflating.eof or left <= 0:
            whole = b"".join(pieces)
            return whole[:most], False
        if not body.strip(b"\0"):
            return b"".join(pieces), True


def _has_zlib_frame(body: bytes) -> bool:
    """Whether bytes begin as zlib's format does (RFC 1950, section 2.2); some servers leave the frame out."""
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0  # noqa: PLR2004


def _shown(name: str) -> str:
    return name if name.isascii() and name.isalnum() and len(name) <= 20 else "something else"  # noqa: PLR2004


async def read_through(stream: aiohttp.StreamReader, *, most: int) -> bytes:
    """Read an answer to its end, or as much as anybody could have to say.

    :param most: bytes to read at most
    """
    pieces: list[bytes] = []
    left = most
    while left > 0 and not stream.at_eof() and (piece := await stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
