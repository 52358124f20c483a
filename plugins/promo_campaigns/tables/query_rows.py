"""Rows of a SELECT as the bytes of a CSV file, so that they are read by the same rules as a file."""

from __future__ import annotations

import csv
import tempfile
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_FETCHED = 5_000


@contextmanager
def query_as_csv(cursor: Any, zone: tzinfo) -> Iterator[BinaryIO]:  # noqa: ANN401  (each driver has its own)
    """Write what a cursor yields as CSV to a file without a name, and open it.

    :param cursor: of PEP 249, after its query was executed
    :param zone: in which moments are written, without an offset
    """
    with tempfile.TemporaryFile() as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        rows = csv.writer(text)
        rows.writerow([column[0] for column in cursor.description or ()])
        while fetched := cursor.fetchmany(_FETCHED):
            rows.writerows([_cell(value, zone) for value in row] for row in fetched)
        text.flush()
        file.seek(0)
        yield file
        text.detach()


def _cell(value: object, zone: tzinfo) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        local = value.astimezone(zone) if value.tzinfo else value
        return local.replace(tzinfo=None).isoformat(timespec="seconds")
    return value
