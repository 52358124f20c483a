"""Rows of a code file that is text, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.core.csv_rows import csv_rows
from promo_campaigns.core.json_rows import json_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.core.byte_source import UnpackedBytes
    from promo_campaigns.core.code_file import Layout, NumberedRow, Rejects

_MARK = b"\xef\xbb\xbf"


def text_rows(stream: UnpackedBytes, layout: Layout, rejects: Rejects) -> Iterator[NumberedRow]:
    """Return the rows of a text file as they come: JSON when it begins with a bracket, else CSV.

    :param stream: the bytes of the file
    :param layout: what the file is expected to hold
    :param rejects: where rows that cannot be read are noted
    :raises CodeFileError: the file cannot be read on
    """
    start = stream.peek().removeprefix(_MARK).lstrip()
    read = json_rows if start[:1] in {b"[", b"{"} else csv_rows
    return read(stream, layout, rejects)
