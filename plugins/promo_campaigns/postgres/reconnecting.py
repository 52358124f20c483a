"""A connection to the store that is opened anew when it was lost, so that what a task knows outlives a failover."""

from __future__ import annotations

import logging
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, ReadOnlySqlTransaction, SerializationFailure
from psycopg.pq import TransactionStatus

from promo_campaigns.model.errors import PromoError
from promo_campaigns.model.run import LEASE_S
from promo_campaigns.postgres.connection import Connection, explaining, open_connection, session_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    Result = TypeVar("Result")

PATIENCE_S = LEASE_S
"""Seconds for which a lost server is waited for: nobody else is given the contacts of a lease before."""
TRIES = 3
"""How often a transaction is run that Postgres breaks off."""
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_IDLE_S = 20
"""Seconds after which the server ends a transaction whose client is gone without a word, and frees what it locked."""
_BROKEN_OFF = (DeadlockDetected, SerializationFailure)
_INSIDE = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_LOG = logging.getLogger(__name__)


class Patience:
    """Pauses between tries, each longer than the last and none like another worker's.

    :param until: when patience ends, on the clock of ``time.monotonic``
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self._pause_s = 0.0

    def rest(self) -> bool:
        """Wait for the next try, the first one not at all; return whether there is one."""
        if time.monotonic() + self._pause_s >= self.until:
            return False
        time.sleep(random.uniform(self._pause_s / 2, self._pause_s))  # noqa: S311  (jitter, no secret)
        self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        return True


class ReconnectingConnection:
    """One connection at a time, for transactions that may be run again from their beginning.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailableError: the server cannot be reached now, or is read-only
    :raises ConfigurationError: the address is wrong
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lost_at: float | None = None
        self._live = self._open()

    @property
    def live(self) -> Connection:
        """The connection as it is now; work on it goes through ``run``."""
        return self._live

    def execute(
        self, query: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> psycopg.Cursor[dict[str, Any]]:
        """Execute a statement on the connection as it is now."""
        return self._live.execute(query, params)

    def transaction(self, *, force_rollback: bool = False) -> AbstractContextManager[Any]:
        """Open a transaction on the connection as it is now.

        :param force_rollback: keep nothing of it
        """
        return self._live.transaction(force_rollback=force_rollback)

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do something that may be done again on a new connection."""
        return retried(self, lambda: work(self._live))

    def recover(self, error: psycopg.Error, patience: Patience, *, insist: bool) -> None:
        """Make another try possible after an error, or raise it.

        :param insist: try again whatever the server cannot do at the moment, on the same connection
        :raises DatabaseUnavailableError: the connection was lost, and there is no new one
        """
        if self._live.closed or isinstance(error, ReadOnlySqlTransaction):
            self._renew(error, patience)
        elif not insist or not isinstance(error, psycopg.OperationalError) or not patience.rest():
            raise error

    def close(self) -> None:
        """Close the connection."""
        self._live.close()

    def _renew(self, error: psycopg.Error, patience: Patience) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            _LOG.warning("The connection to the promo database was lost (%s); opening a new one", _name(error))
        self._live.close()
        # Who comes later waits for the same server, and not as long again.
        patience.until = min(patience.until, self._lost_at + PATIENCE_S)
        refused: PromoError | None = None
        while patience.rest():
            try:
                self._live = self._open()
            except PromoError as reason:  # noqa: PERF203  (to try again is what the loop is for)
                refused = reason
            else:
                self._lost_at = None
                return
        raise refused or error

    def _open(self) -> Connection:
        """Open a connection to a server that takes what is written: of several or in a failover, to no standby."""
        options = session_options(idle_in_transaction_session_timeout=f"{_IDLE_S}s")
        return open_connection(self._dsn, options=options, target_session_attrs="read-write")


Store = Connection | ReconnectingConnection
"""A connection for whole transactions, which a lost connection ends or does not."""


@contextmanager
def reconnecting(dsn: str) -> Iterator[ReconnectingConnection]:
    """Open a connection that is opened anew when it was lost, and close it when the block ends.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailableError: the server cannot be reached, or does not come back in ``PATIENCE_S`` seconds
    :raises ConfigurationError: the address is wrong, or the database has no schema yet
    """
    with explaining():
        connection = ReconnectingConnection(dsn)
        try:
            yield connection
        finally:
            connection.close()


def retried(connection: Store, transaction: Callable[[], Result], *, insist: bool = False) -> Result:
    """Run a transaction, and again when it was broken off or its connection was lost.

    Inside a transaction that is open it is run once: what is lost is lost with the whole, and the caller that opened it
    runs that again. On a new connection a part of it would see nothing of what came before, and go unnoticed.

    :param transaction: one whole transaction. It may be run again though it was committed, for the server's word for
        that may be what was lost
    :param insist: it writes what is known nowhere else, so it is run again for as long as there is hope
    :raises DatabaseUnavailableError: the connection was lost, and there is no new one in ``PATIENCE_S`` seconds
    """
    live = connection.live if isinstance(connection, ReconnectingConnection) else connection
    if live.info.transaction_status in _INSIDE:
        return transaction()
    patience = Patience(time.monotonic() + PATIENCE_S)
    broken_off = 0
    while True:
        try:
            return transaction()
        except psycopg.Error as error:  # noqa: PERF203  (likewise)
            if isinstance(error, _BROKEN_OFF) and broken_off < TRIES - 1:
                broken_off += 1  # nothing of it was kept, and the other one is through by then
            elif isinstance(connection, ReconnectingConnection):
                connection.recover(error, patience, insist=insist)
            else:
                raise


def _name(error: psycopg.Error) -> str:
    return error.sqlstate or type(error).__name__
