"""Old entries of the audit: archived word for word, then dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from psycopg.rows import tuple_row

from promo_campaigns.ledger.archive.old_runs import lock_archive
from promo_campaigns.ledger.archive.shelf import write_checked
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries
from promo_campaigns.tables.writers import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promo_campaigns.ledger.archive.shelf import Shelf
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_ENTRIES_AT_ONCE = 50_000
_PART = 10_000
COLUMNS = (
    Column("audit_id", "number"),
    Column("begun_at", "time"),
    Column("finished_at", "time"),
    Column("action"),
    Column("subject"),
    Column("actor"),
    Column("reason"),
    Column("row_count", "number"),
    Column("revealed", "number"),
    Column("broken_off", "number"),
)


def count_old_entries(connection: Connection, days: int) -> int:
    """Return how many entries are as old, of the oldest 50,000."""
    return int(_oldest(connection, days)["entries"])


def archive_old_entries(connection: Connection, days: int, shelf: Shelf) -> int:
    """Archive the entries that were begun so many days ago, drop them, and return how many they were.

    A file and the end of its entries are one transaction: killed before, nothing is dropped and the file is no entry's.
    """
    done = 0
    while (found := _oldest(connection, days))["entries"]:
        span = f"entries {found['first']} to {found['last']} of the audit"
        with audited(connection, "archive", span) as entry, connection.transaction():
            lock_archive(connection)
            entry.rows = _archive(connection, found, shelf)
        done += entry.rows
    return done


def _oldest(connection: Connection, days: int) -> Mapping[str, Any]:
    return connection.execute(_SQL["old_entries"], {"days": days, "limit": _ENTRIES_AT_ONCE}).fetchall()[0]


def _archive(connection: Connection, span: Mapping[str, Any], shelf: Shelf) -> int:
    path = f"{shelf.folder}audit-{span['first']}-{span['last']}-{uuid4().hex[:12]}.parquet"
    file = connection.execute(_SQL["note_entries"], {**span, "path": path}).fetchall()[0]
    content = write_checked(shelf, path, COLUMNS, _rows(connection, span))
    connection.execute(_SQL["keep_entries"], {**file, "rows": content.rows, "digest": content.digest})
    return int(connection.execute(_SQL["drop_entries"], span).fetchall()[0]["entries"])


def _rows(connection: Connection, span: Mapping[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
    with connection.cursor("archive", row_factory=tuple_row) as cursor:
        cursor.execute(_SQL["read_entries"], span)
        while rows := cursor.fetchmany(_PART):
            yield rows
