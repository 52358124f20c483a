"""Runs that were closed long ago: archived, then dropped contact by contact. Killed anywhere, it is taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from psycopg.rows import tuple_row

from promo_campaigns.ledger.archive.shelf import write_checked
from promo_campaigns.ledger.chains.given import keep_given
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries
from promo_campaigns.tables.writers import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.ledger.archive.shelf import Content, Shelf
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
CONTACTS_AT_ONCE = 2_000
_RUNS_AT_ONCE = 50
_PART = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
FILES = {
    "assignments": (
        Column("contact_id", "number"),
        Column("promo_code_id", "number"),
        Column("state"),
        Column("reason"),
        Column("resend_counter", "number"),
        Column("reused_at", "time"),
        Column("first_share", "number"),
    ),
    "attempts": (
        Column("attempt_id", "number"),
        Column("contact_id", "number"),
        Column("promo_code_id", "number"),
        Column("purpose"),
        Column("source", "number"),
        Column("shows_code", "number"),
        Column("outcome"),
        Column("detail"),
        Column("started_at", "time"),
        Column("finished_at", "time"),
    ),
}
"""The files of a run by kind, as the statements ``read_...`` yield them: ids, and nothing that says who anybody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """A run that was closed long enough ago.

    :ivar waits: why it stays all the same, in words after its name; None if it may go
    """

    run_id: int
    run_key: str
    closed_at: datetime
    contacts: int
    waits: str | None


class Gone(NamedTuple):
    """What became of runs."""

    archived: int
    dropped: int
    contacts: int
    waiting: int


def due_runs(connection: Connection, days: int) -> Iterator[DueRun]:
    """Yield the runs that were closed so many days ago, those closed first before the others."""
    last, last_id = _LONG_AGO, 0
    while True:
        asked = {"days": days, "after": last, "after_id": last_id, "limit": _RUNS_AT_ONCE}
        page = [DueRun(**row) for row in connection.execute(_SQL["list_due"], asked).fetchall()]
        yield from page
        if len(page) < _RUNS_AT_ONCE:
            return
        last, last_id = page[-1].closed_at, page[-1].run_id


def archive_old_runs(connection: Connection, days: int, shelf: Shelf | None) -> Gone:
    """Archive the runs that were closed so many days ago, and drop their rows.

    What an earlier call left half done is done first.

    :param shelf: where the files go; None drops rows without one
    :raises LedgerError: another archiver is at work, or a file that was read back is not what was written
    """
    left, dropped = drop_archived(connection)
    archived, contacts, waiting = 0, left, 0
    for run in due_runs(connection, days):
        if run.waits:
            waiting += 1
        elif archive_run(connection, run, shelf):
            archived += 1
            contacts += _drop(connection, run.run_id, run.run_key)
    return Gone(archived, archived + dropped, contacts, waiting)


def archive_run(connection: Connection, run: DueRun, shelf: Shelf | None) -> bool:
    """Write the files of a run and read them back, after which its rows may go.

    :return: whether it was still closed, with nobody at work for it
    """
    noted = {kind: path for kind in FILES if (path := _note(connection, run, kind, shelf))}
    if len(noted) < len(FILES):
        return False
    with audited(connection, "archive", f"run {run.run_key}") as entry, connection.transaction():
        lock_archive(connection)
        if not _is_held(connection, run):
            return False
        for kind, path in noted.items():
            content = write_checked(shelf, path, FILES[kind], _rows(connection, kind, run.run_id)) if shelf else None
            _keep(connection, run, kind, path if shelf else None, content)
            entry.rows += content.rows if content else 0
        connection.execute(_SQL["mark_archived"], {"run_id": run.run_id})
    return True


def drop_archived(connection: Connection) -> tuple[int, int]:
    """Drop what is left of runs that are archived; return how many contacts, and of how many runs."""
    runs = connection.execute(_SQL["list_undropped"]).fetchall()
    return sum(_drop(connection, run["run_id"], run["run_key"]) for run in runs), len(runs)


def refuse_archived(connection: Connection, run_ids: Sequence[int]) -> None:
    """Refuse to read who got which code of a run whose rows are in the archive.

    :raises LedgerError: it names the file
    """
    found = connection.execute(_SQL["files_of_runs"], {"run_ids": list(run_ids)}).fetchone()
    if found is not None:
        where = f"who got which code is in {found['path']}" if found["path"] else "its rows were dropped without a file"
        msg = f"run {found['run_key']} was archived on {found['archived_at']:%Y-%m-%d}: {where}"
        raise LedgerError(msg)


def lock_archive(connection: Connection) -> None:
    """Let one archiver work at a time, until the transaction ends.

    :raises LedgerError: another is at work
    """
    if not connection.execute(_SQL["lock_archive"]).fetchall()[0]["is_ours"]:
        msg = "another task or command archives just now; run it again when that is done"
        raise LedgerError(msg)


def _is_held(connection: Connection, run: DueRun) -> bool:
    """Keep a run closed until the transaction ends, with what each of its pools gave; False if it is at work again."""
    held = connection.execute(_SQL["lock_run"], {"run_id": run.run_id, "closed_at": run.closed_at}).fetchone()
    if held is None or connection.execute(_SQL["count_leased"], {"run_id": run.run_id}).fetchall()[0]["contacts"]:
        return False
    if held["is_chained"]:
        keep_given(connection, run.run_id)
    return True


def _note(connection: Connection, run: DueRun, kind: str, shelf: Shelf | None) -> str | None:
    """Note where a file will lie; None if another archiver has read it back already.

    The name is this store's own, also in a folder that several stores share.
    """
    name = f"run-{run.run_id}-{uuid4().hex[:12]}-{kind}.parquet"
    file = {"kind": kind, "run_id": run.run_id, "folder": shelf.folder if shelf else "", "name": name}
    noted = connection.execute(_SQL["note_file"], file).fetchone()
    return None if noted is None else str(noted["path"])


def _rows(connection: Connection, kind: str, run_id: int) -> Iterator[list[tuple[Any, ...]]]:
    with connection.cursor("archive", row_factory=tuple_row) as cursor:
        cursor.execute(_SQL[f"read_{kind}"], {"run_id": run_id})
        while rows := cursor.fetchmany(_PART):
            yield rows


def _keep(connection: Connection, run: DueRun, kind: str, path: str | None, content: Content | None) -> None:
    file = {"run_id": run.run_id, "kind": kind, "path": path}
    told = {"rows": content.rows if content else 0, "digest": content.digest if content else None}
    connection.execute(_SQL["keep_file"], {**file, **told})


def _drop(connection: Connection, run_id: int, run_key: str) -> int:
    with audited(connection, "drop", f"run {run_key}") as entry:
        after: int | None = 0
        while after is not None:
            with connection.transaction():
                lock_archive(connection)
                after, contacts = _drop_batch(connection, run_id, after)
            entry.rows += contacts
        connection.execute(_SQL["finish_drop"], {"run_id": run_id})
        return entry.rows


def _drop_batch(connection: Connection, run_id: int, after: int) -> tuple[int | None, int]:
    batch = {"run_id": run_id, "after": after, "limit": CONTACTS_AT_ONCE}
    last = connection.execute(_SQL["next_contacts"], batch).fetchall()[0]["last"]
    if last is None:
        return None, 0
    gone = connection.execute(_SQL["drop_contacts"], {**batch, "last": last}).fetchall()[0]["contacts"]
    return last, int(gone)
