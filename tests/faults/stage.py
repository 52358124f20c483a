"""One database and a few connections on which thousands of schedules are played, one after the other."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from faults.archived_books import witness
from faults.restored_store import keep_backups
from faults.stepped_connection import SteppedConnection, open_stepped
from faults.virtual_clock import virtualise
from faults.wire import running_wire
from promo_campaigns.ledger import runs
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.wire import Wire
    from promo_campaigns.postgres.connection import Connection

WORKERS = 6
TIDY = 250
"""Contacts after which there is much to clear up."""
TABLES = (
    "answer",
    "assignment",
    "attempt",
    "code_file",
    "contact",
    "contact_channel",
    "promo_code",
    "receiver",
    "run",
)


class Stage:
    """What schedules share.

    :ivar books: a connection of the harness itself, on virtual time
    :ivar wire: real HTTP, for scenarios whose receivers are reached by it
    """

    def __init__(self, books: SteppedConnection, idle: list[SteppedConnection], watch: Connection, wire: Wire) -> None:
        self.books = books
        self.wire = wire
        self._idle = idle
        self._watch = watch
        self._played = 0

    def clear_up(self, contacts: int) -> None:
        """Make room now and then, at no other time than a schedule's beginning.

        :param contacts: how many the schedule has that begins
        """
        self._played += contacts
        if self._played >= TIDY:
            self._played = 0
            for table in TABLES:
                self._watch.execute(f"vacuum promo.{table}")

    def take(self) -> SteppedConnection | None:
        """Return a connection for a worker, unless all have one."""
        return self._idle.pop() if self._idle else None

    def give_back(self, connection: SteppedConnection) -> None:
        """Take a connection back; the next worker gets the same one, so that a schedule can be played again."""
        connection.roll_back()
        connection.beside.roll_back()
        self._idle.append(connection)


@contextmanager
def stage(dsn: str) -> Iterator[Stage]:
    """Set the stage in a database of the product's schema and no rows; its clock is replaced."""
    with ExitStack() as opened:
        watch = opened.enter_context(connect(dsn))
        watch.prepare_threshold = 0
        virtualise(watch)
        keep_backups(watch)
        witness(watch)
        for table in TABLES:
            watch.execute(f"alter table promo.{table} set (autovacuum_enabled = off)")
        opened.enter_context(patch.object(runs, "_SQL", {**runs.__dict__["_SQL"], "weigh_audience": "select"}))
        connections = [opened.enter_context(open_stepped(dsn, watch)) for _ in range(WORKERS + 1)]
        for connection in connections:
            connection.beside = opened.enter_context(open_stepped(dsn, watch))
        yield Stage(connections[0], connections[1:], watch, opened.enter_context(running_wire()))
