"""The mails of a file: one mail, or an mbox of many; as much of each is kept as a report may need."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 2**20
"""Bytes that are kept of one mail. A report comes first in it, and the mail it is about, which may be long, last."""
_LINE = 64 * 1024
_FROM = b"From "


def split_mails(stream: BinaryIO) -> Iterator[bytes]:
    """Return the mails, one after the other, with bounded memory.

    A file is an mbox if it begins with ``From ``; in it, such a line after an empty one begins the next mail.
    """
    first = stream.readline(_LINE)
    is_mbox = first.startswith(_FROM)
    kept, length, is_after_blank = ([] if is_mbox else [first]), len(first), False
    while line := stream.readline(_LINE):
        if is_mbox and is_after_blank and line.startswith(_FROM):
            yield b"".join(kept)
            kept, length = [], 0
        elif length < MOST_BYTES:
            kept.append(line)
            length += len(line)
        is_after_blank = not line.strip()
    if any(map(bytes.strip, kept)):
        yield b"".join(kept)
