"""Where files of the archive lie, and how one is written, read back and compared."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from promo_campaigns.model.errors import ConfigurationError, LedgerError
from promo_campaigns.tables.parquet_rows import parquet_rows
from promo_campaigns.tables.writers import table_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from promo_campaigns.tables.writers import Column, WriteRows

    Rows = Sequence[Sequence[Any]]

_LOOK = "nothing was dropped; look at the storage, then run it again"


class Shelf(Protocol):
    """A folder on some storage.

    :ivar folder: its name with a slash at its end, as it is noted before a file's
    """

    folder: str

    def opened(self, path: str, columns: Sequence[Column]) -> AbstractContextManager[WriteRows]:
        """Open a file of the folder; it is there once the block has ended without an error, in place of what was."""

    def reading(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the folder to be read."""


class LocalShelf:
    """A folder of this machine.

    :raises ConfigurationError: it cannot be made
    """

    def __init__(self, folder: Path) -> None:
        self.folder = f"{folder.absolute()}/"
        self.make(folder)

    @staticmethod
    def make(folder: Path) -> None:
        """Make the folder if it is not there."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the archive's folder {folder} cannot be made: {error.strerror}; name one that may be written to"
            raise ConfigurationError(msg) from error

    @contextmanager
    def opened(self, path: str, columns: Sequence[Column]) -> Iterator[WriteRows]:
        """Open a file, readable by its owner only."""
        with table_file(Path(path), "parquet", columns) as write:
            yield write

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a file to be read."""
        with Path(path).open("rb") as stream:
            yield stream


@dataclass(slots=True)
class Content:
    """What some rows come to, however they are packed.

    :ivar rows: how many they are
    """

    rows: int = 0
    _sha256: Any = field(default_factory=hashlib.sha256)

    def add(self, rows: Rows) -> None:
        """Take the next rows in."""
        self.rows += len(rows)
        for row in rows:
            self._sha256.update(repr([_plain(value) for value in row]).encode())

    @property
    def digest(self) -> bytes:
        """SHA-256 of the rows so far."""
        return bytes(self._sha256.digest())


def write_checked(shelf: Shelf, path: str, columns: Sequence[Column], parts: Iterable[Rows]) -> Content:
    """Write a file, read it back, and return what it holds.

    :param parts: the rows, a part at a time: memory is bounded by the largest
    :raises LedgerError: the storage returns something else than was written, or nothing that can be read
    """
    written = Content()
    with shelf.opened(path, columns) as write:
        for rows in parts:
            write(rows)
            written.add(rows)
    read = _read_back(shelf, path)
    if (read.rows, read.digest) != (written.rows, written.digest):
        msg = f"the file {path} holds {read.rows:,} rows that are not the {written.rows:,} that were written: {_LOOK}"
        raise LedgerError(msg)
    return written


def _read_back(shelf: Shelf, path: str) -> Content:
    content = Content()
    try:
        with shelf.reading(path) as stream:
            for rows in parquet_rows(stream):
                content.add(rows)
    except (OSError, ValueError) as error:  # pyarrow says by either what is no whole file
        msg = f"the file {path} cannot be read back ({type(error).__name__}): {_LOOK}"
        raise LedgerError(msg) from error
    return content


def _plain(value: object) -> object:
    """Return a value in a form that does not tell which library read it."""
    return value.timestamp() if isinstance(value, datetime) else value
