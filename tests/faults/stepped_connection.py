"""A real connection that hands control to the scheduler between the statements of a transaction."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from faults.virtual_clock import EPOCH_S, SETTING
from promo_campaigns.adapters.postgres import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from promo_campaigns.adapters.postgres import Connection

_ANSWER_S = 0.003
"""How long a statement runs before anybody asks whether it waits for another's lock."""


class SteppedConnection(psycopg.Connection[dict[str, Any]]):
    """A logical worker's connection.

    :ivar now: the virtual time
    :ivar between: called before each statement of an open transaction but the first, or None to run transactions whole
    :ivar blocked: called as long as a statement waits for a lock that another logical worker holds
    """

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
            self._told = self.now()
            super().execute("select set_config(%s, %s, false)", [SETTING, f"{self._told:.3f}"])
        return super().execute(*args, **kwargs)

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (likewise)
        """Drive a statement; one that waits for a lock gives way to whoever holds it."""
        if self.blocked is None or self.watch is None:
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

    def is_blocked(self) -> bool:
        """Whether the running statement waits for a lock."""
        if self.watch is None or self.has_answer(0):
            return False
        row = self.watch.execute(
            "select cardinality(pg_blocking_pids(%s)) > 0 as blocked", [self.info.backend_pid]
        ).fetchone()
        return bool(row and row["blocked"]) and not self.has_answer(0)

    def has_answer(self, patience_s: float) -> bool:
        """Whether the server has said something."""
        return bool(select.select([self.fileno()], [], [], patience_s)[0])

    def roll_back(self) -> None:
        """End whatever was begun, as a server does for a client that is gone."""
        self.between = self.blocked = None
        self._told = None
        if self.info.transaction_status != TransactionStatus.IDLE:
            self.rollback()

    def forget_time(self) -> None:
        """Tell the time anew: a rollback takes a setting back with it."""
        self._told = None

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
    settings = {**SETTINGS, "prepare_threshold": 0}
    options = (
        f"{SETTINGS['options']} -c {SETTING}={EPOCH_S} -c plan_cache_mode=force_generic_plan -c deadlock_timeout=1h"
    )
    connection = SteppedConnection.connect(dsn, **{**settings, "options": options})
    connection.watch = watch
    return connection
