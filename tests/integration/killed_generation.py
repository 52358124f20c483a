"""Generates codes in a process that kills itself at a chosen step: ``python killed_generation.py DSN FILE STEP``."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.code_files import generate
from promo_campaigns.code_files.code_terms import CodeTerms
from promo_campaigns.code_files.generate import generate_codes
from promo_campaigns.code_files.shop_file import LocalShopFile
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = ("set not known", "file open", "first codes", "all codes", "file has its name", "codes are in")
TERMS = CodeTerms(count=250, pattern="SPRING-????-????", type="Spring", discount=15, expires="2037-03-31")


class DyingFile:
    """A file whose owner is killed at a step.

    :param step: one of ``STEPS``
    """

    def __init__(self, path: Path, step: str) -> None:
        self._file, self._step = LocalShopFile(path), step

    @property
    def name(self) -> str:
        return self._file.name

    @contextmanager
    def reading(self) -> Iterator[BinaryIO | None]:
        die(self._step, "set not known")
        with self._file.reading() as stream:
            yield stream

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        with self._file.writing() as stream:
            die(self._step, "file open")
            yield Tripwire(stream, self._step)  # type: ignore[misc]  # as much of a stream as is used
            die(self._step, "all codes")
        die(self._step, "file has its name")


class Tripwire:
    """A stream that kills its writer once some codes were written."""

    def __init__(self, stream: BinaryIO, step: str) -> None:
        self._stream, self._step, self._writes = stream, step, 0

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()
        self._writes += 1
        if self._writes > 1:  # the header and a lot
            die(self._step, "first codes")


def die(step: str, here: str) -> None:
    if step == here:
        os.kill(os.getpid(), signal.SIGKILL)


def main(dsn: str, path: str, step: str) -> None:
    setattr(generate, "_DRAWN_AT_ONCE", 100)  # noqa: B010  (several lots)
    with connect(dsn) as connection:
        generate_codes(connection, TERMS, DyingFile(Path(path), step))
        die(step, "codes are in")


if __name__ == "__main__":
    main(*sys.argv[1:])
