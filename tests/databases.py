"""Databases of the tests' own, on a server that runs already."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.sql import Composed

_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder with a random name is made in it)
_ROOM_BYTES = 8 << 30


def in_memory() -> Path | None:
    """Return a folder that is kept in memory, or None where there is no room in one.

    A database is hundreds of files, and a test makes and drops its own: on a disk that costs more than the test.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    starts_programs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    return _MEMORY if starts_programs else None


def database_of(dsn: str, name: str) -> str:
    """Return the DSN of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


@contextmanager
def new_database(server: str, prefix: str, *, template: str = "template0") -> Iterator[str]:
    """Make a database, a copy of the template, and drop it when the block ends; yields its name."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    _create(server, name, template)
    try:
        yield name
    finally:
        _drop(server, name)


def empty_database(server: str, dsn: str, template: str) -> None:
    """Make a database anew under its name, a copy of the template; who is connected to it is cut off."""
    name = urlsplit(dsn).path.removeprefix("/")
    _drop(server, name)
    _create(server, name, template)


def _create(server: str, name: str, template: str) -> None:
    from psycopg import sql

    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _execute(server, create.format(sql.Identifier(name), sql.Identifier(template)))


def _drop(server: str, name: str) -> None:
    from psycopg import sql

    _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: str, statement: Composed) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
