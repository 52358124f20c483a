"""Connections to the store for a server: a pool, and errors that hold no value."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from promo_campaigns.connections.store_tokens import login_of
from promo_campaigns.model.errors import ConfigurationError, ContactHeldError, StoreError, StoreUnavailableError
from promo_campaigns.postgres.connection import Connection, session_options, settings_of
from promo_campaigns.postgres.pooler import open_session
from promo_campaigns.postgres.reconnecting import reconnecting
from promo_campaigns.postgres.store_errors import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = TypeVar("Answer")

_OPEN_TIMEOUT_S = 15.0
_WAIT_S = 5.0


def check_store(dsn: str) -> None:
    """Check that the store can be used.

    :raises DatabaseUnavailableError: the server cannot be reached, or is read-only
    :raises ConfigurationError: the address is wrong, or the database has no schema yet
    """
    with reconnecting(dsn) as connection:
        connection.execute("select from promo.contact_import limit 0")


class _Opened(psycopg.Connection[dict[str, Any]]):
    """What the pool asks for connections."""

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> psycopg.Connection[dict[str, Any]]:  # type: ignore[override]  # noqa: ANN401  (another class of the driver's behind a pooler)
        """Open one with the login which its address has by then."""
        return open_session(conninfo, {**parameters, **login_of(conninfo)})


class StorePool:
    """A pool of connections in autocommit mode whose rows are dicts.

    :param dsn: ``postgresql://`` URI of the database
    :param size: connections at most, > 0
    :param lock_wait_ms: how long a statement waits for a lock before ``ContactHeldError`` is raised, > 0
    :param kept: connections held open while nobody asks; all of them unless given
    :param statement_ms: how long a statement may take before ``StoreUnavailableError`` is raised; 0 for no limit
    :param prepare: keep the plans of statements that come again
    :param checked: ask the server before a connection is lent, for work that must not be done twice
    """

    def __init__(  # noqa: PLR0913  (the settings of a pool, one keyword each)
        self,
        dsn: str,
        *,
        size: int,
        lock_wait_ms: int,
        kept: int | None = None,
        statement_ms: int = 0,
        prepare: bool = True,
        checked: bool = False,
    ) -> None:
        self.size = size
        options = session_options(lock_timeout=f"{lock_wait_ms}ms", statement_timeout=f"{statement_ms}ms")
        self._pool = ConnectionPool(
            dsn,
            connection_class=_Opened,
            kwargs={
                **settings_of(dsn, options=options),
                "prepare_threshold": 1 if prepare else None,
                "target_session_attrs": "read-write",
            },
            min_size=size if kept is None else kept,
            max_size=size,
            open=False,
            timeout=_WAIT_S,
            check=ConnectionPool.check_connection if checked else None,
            name="promo_campaigns",
        )

    def open(self) -> None:
        """Connect.

        :raises ConfigurationError: the server cannot be reached
        """
        try:
            self._pool.open(wait=True, timeout=_OPEN_TIMEOUT_S)
        except PoolTimeout as error:
            self._pool.close()
            problem = (
                f"cannot connect to the promo database within {_OPEN_TIMEOUT_S:.0f} s; check the DSN and the server"
            )
            raise ConfigurationError(problem) from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close(timeout=1.0)

    def run(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do something on a connection, a second time if the first one turns out to be lost (the server was restarted).

        :param work: may be done twice
        :raises ContactHeldError: others hold what is to be written
        :raises StoreUnavailableError: none is free, the server does not answer, or it cancelled the statement
        :raises StoreError: any other error of the driver, whose own message quotes values and is dropped
        """
        try:
            return self.run_once(work)
        except _ConnectionLostError:
            self._pool.check()
        return self.run_once(work)

    def run_once(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do something on a connection as ``run`` does, but never a second time."""
        with self.connection() as connection:
            return work(connection)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection, and turn the driver's errors into ours, as ``run`` does."""
        lost = False
        try:
            with self._pool.connection() as connection:
                try:
                    yield connection
                except psycopg.errors.ReadOnlySqlTransaction:
                    connection.close()  # the server has become a standby; the next connection leads to the primary
                    raise
                finally:
                    lost = connection.closed
        except psycopg.errors.LockNotAvailable:
            problem = "others hold the contact; try again"
            raise ContactHeldError(problem) from None
        except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
            problem = f"the database does not answer now ({error.sqlstate or type(error).__name__}); try again"
            raise (_ConnectionLostError if lost else StoreUnavailableError)(problem) from None
        except psycopg.Error as error:
            told = explained(error)
            problem = f"the database refused a statement ({error.sqlstate or type(error).__name__})"
            raise StoreError(str(told) if told else problem) from None


class _ConnectionLostError(StoreUnavailableError):
    """The connection broke under the work."""
