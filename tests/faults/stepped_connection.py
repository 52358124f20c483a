"""A real connection that hands control to the scheduler between the statements of a transaction."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

from faults.virtual_clock import EPOCH_S, SETTING
from promo_campaigns.postgres.connection import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from promo_campaigns.postgres.connection import Connection

_ANSWER_S = 0.0005
"""How long a statement runs before anybody asks whether it waits for another's lock."""
_PATIENCE_S = 30.0


class SteppedConnection(psycopg.Connection[dict[str, Any]]):
    """A logical worker's connection.

    :ivar now: the virtual time
    :ivar between: called before each statement of an open transaction but the first, or None to run transactions whole
    :ivar blocked: called as long as a statement waits for a lock that another logical worker holds
    :ivar beside: another connection of the same process, whose transactions are single statements
    """

    beside: SteppedConnection

    now: Callable[[], float] = staticmethod(lambda: EPOCH_S)
    between: Callable[[], None] | None = None
    blocked: Callable[[], None] | None = None
    watch: Connection | None = None
    _told: float | None = None

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[dict[str, Any]]:  # noqa: ANN401  (the driver's)
        """Execute, after telling the session what time it is."""
        inside = self.info.transaction_status == TransactionStatus.INTRANS
        if self.between is not None and inside:
            self.between()
        if self._told != self.now():
            self._tell_time()
        return super().execute(*args, **kwargs)

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (likewise)
        """Drive a statement; one that waits for a lock gives way to its holder."""
        if self.blocked is None:
            return super().wait(gen, *args, **kwargs)
        try:
            state = next(gen)
            while True:
                ready = self._ready(state)
                if ready:
                    state = gen.send(ready)
                elif self.is_blocked():
                    self.blocked()
        except StopIteration as done:
            return done.value

    def comes_to_wait(self) -> bool:
        """Whether the running statement ends up waiting for a lock; asked until it does or has its answer."""
        while not self.has_answer(0):
            if self.is_blocked():
                return True
            self.has_answer(_ANSWER_S)
        return False

    def is_blocked(self) -> bool:
        """Whether the running statement waits for a lock at this moment."""
        if self.watch is None or self.has_answer(0):
            return False
        row = self.watch.execute(
            "select cardinality(pg_blocking_pids(%s)) > 0 as blocked", [self.info.backend_pid]
        ).fetchone()
        return bool(row and row["blocked"]) and not self.has_answer(0)

    def has_answer(self, patience_s: float = _PATIENCE_S) -> bool:
        """Whether the server has said something."""
        return bool(select.select([self.fileno()], [], [], patience_s)[0])

    def run_whole(self) -> None:
        """Run transactions whole from now on."""
        self.between = self.blocked = None

    def roll_back(self) -> None:
        """End whatever was begun, as a server does for a client that is gone."""
        self.run_whole()
        self._told = None
        if self.info.transaction_status != TransactionStatus.IDLE:
            self.rollback()

    def end_session(self) -> None:
        """Roll back what was begun, as a server does that takes the client for dead; the client does not know."""
        self._told = None
        self.pgconn.exec_(b"rollback")

    def forget_time(self) -> None:
        """Tell the time anew: a rollback takes a setting back with it."""
        self._told = None

    def keep_plans(self) -> None:
        """Keep every prepared statement, across rollbacks too: nobody changes the schema here."""
        self.prepare_threshold = 0
        self.prepared_max = None
        self._prepared.clear = lambda: False  # type: ignore[method-assign]

    def _tell_time(self) -> None:
        self._told = self.now()
        told = self.pgconn.exec_(f"set {SETTING} = '{self._told:.3f}'".encode())
        if told.status != ExecStatus.COMMAND_OK:
            self._told = None  # within a transaction that failed: so will the statement itself

    def _ready(self, state: int) -> int:
        fd = self.fileno()
        readable, writable, _ = select.select(
            [fd] if state & psycopg.waiting.Wait.R else [],
            [fd] if state & psycopg.waiting.Wait.W else [],
            [],
            _ANSWER_S,
        )
        return (psycopg.waiting.Ready.R if readable else 0) | (psycopg.waiting.Ready.W if writable else 0)


def open_stepped(dsn: str, watch: Connection) -> SteppedConnection:
    """Open a worker's connection; its plans are kept, for thousands of schedules repeat the same statements."""
    options = (
        f"{SETTINGS['options']} -c {SETTING}={EPOCH_S} -c plan_cache_mode=force_generic_plan -c deadlock_timeout=1h"
    )
    connection = SteppedConnection.connect(dsn, **{**SETTINGS, "options": options})
    connection.keep_plans()
    connection.watch = watch
    return connection
