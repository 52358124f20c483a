"""A store behind a pooler that gives a server's session to another client after each transaction, as PgBouncer does.

Nothing that a session keeps outlives a transaction there: settings, prepared statements, temporary tables and locks
of the session. PgBouncer refuses ``options`` at the start, or, told to, leaves them out without a word.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

MARK = "promo.session"
"""The setting that tells whether a session was opened with the product's options."""
_MARKED = "select current_setting(%s, true) is not distinct from 'own' as own"
_REFUSED = "unsupported startup parameter"
_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\\\s])*)")

_poolers: set[str] = set()
_servers: set[str] = set()


class PooledConnection(psycopg.Connection[dict[str, Any]]):
    """A connection that tells its settings anew in each transaction: the next one may be in another session.

    A statement outside a transaction is one of its own.

    :ivar settings: the statements that each transaction begins with
    """

    settings: sql.Composed = sql.Composed([])

    @contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002  (the driver's)
    ) -> Iterator[psycopg.Transaction]:
        """Open a transaction, or a savepoint in one."""
        outermost = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as opened:
            if outermost:
                super().execute(self.settings)
            yield opened

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[dict[str, Any]]:  # noqa: ANN401  (the driver's)
        """Execute a statement."""
        if self.info.transaction_status != TransactionStatus.IDLE:
            return super().execute(*args, **kwargs)
        with self.transaction():
            return super().execute(*args, **kwargs)


class PooledAsyncConnection(psycopg.AsyncConnection[dict[str, Any]]):
    """The same for an event loop.

    :ivar settings: the statements that each transaction begins with
    """

    settings: sql.Composed = sql.Composed([])

    @asynccontextmanager
    async def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002  (the driver's)
    ) -> AsyncIterator[psycopg.AsyncTransaction]:
        """Open a transaction, or a savepoint in one."""
        outermost = self.info.transaction_status == TransactionStatus.IDLE
        async with super().transaction(savepoint_name, force_rollback) as opened:
            if outermost:
                await super().execute(self.settings)
            yield opened

    async def execute(self, *args: Any, **kwargs: Any) -> psycopg.AsyncCursor[dict[str, Any]]:  # noqa: ANN401  (likewise)
        """Execute a statement."""
        if self.info.transaction_status != TransactionStatus.IDLE:
            return await super().execute(*args, **kwargs)
        async with self.transaction():
            return await super().execute(*args, **kwargs)


def open_session(dsn: str, parameters: dict[str, Any]) -> psycopg.Connection[dict[str, Any]]:
    """Open a connection whose work has its settings, whether a server or a pooler answers at the address.

    :param parameters: the driver's, with the settings as libpq's ``options``
    :raises psycopg.Error: nobody answers, or refuses
    """
    if dsn not in _poolers:
        try:
            connection: psycopg.Connection[dict[str, Any]] = psycopg.connect(dsn, **parameters)
        except psycopg.OperationalError as error:
            if not refuses_options(error):
                raise
        else:
            if dsn in _servers or has_own_session(connection):
                _servers.add(dsn)
                return connection
            connection.close()
    kept, settings = _divided(parameters)
    pooled = PooledConnection.connect(dsn, **kept)
    pooled.isolation_level, pooled.read_only = psycopg.IsolationLevel.READ_COMMITTED, False
    pooled.settings = settings
    _poolers.add(dsn)
    return pooled


async def open_async_session(dsn: str, parameters: dict[str, Any]) -> psycopg.AsyncConnection[dict[str, Any]]:
    """Open the same for an event loop."""
    if dsn not in _poolers:
        try:
            connection: psycopg.AsyncConnection[dict[str, Any]] = await psycopg.AsyncConnection.connect(
                dsn, **parameters
            )
        except psycopg.OperationalError as error:
            if not refuses_options(error):
                raise
        else:
            if dsn in _servers or _says_own(await (await connection.execute(_MARKED, [MARK])).fetchone()):
                _servers.add(dsn)
                return connection
            await connection.close()
    kept, settings = _divided(parameters)
    pooled = await PooledAsyncConnection.connect(dsn, **kept)
    await pooled.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
    await pooled.set_read_only(False)
    pooled.settings = settings
    _poolers.add(dsn)
    return pooled


def one_session(connection: psycopg.Connection[Any]) -> AbstractContextManager[Any]:
    """Keep the session until the block ends, for temporary tables: behind a pooler the block is one transaction."""
    return connection.transaction() if isinstance(connection, PooledConnection) else nullcontext()


def refuses_options(error: psycopg.Error) -> bool:
    """Whether a connection failed because a pooler passes no ``options`` on."""
    return _REFUSED in str(error)


def has_own_session(connection: psycopg.Connection[Any]) -> bool:
    """Whether a connection that was opened with the product's options has a session to itself.

    A pooler may leave the options out, and give the session to somebody else after each transaction.
    """
    return _says_own(connection.execute(_MARKED, [MARK]).fetchone())


def _says_own(row: Any) -> bool:  # noqa: ANN401  (a row of any shape)
    return bool(row and (row["own"] if isinstance(row, dict) else row[0]))


def _divided(parameters: dict[str, Any]) -> tuple[dict[str, Any], sql.Composed]:
    """Return the parameters of a connection to a pooler, and the statements that stand in for its ``options``."""
    kept = {**parameters, "prepare_threshold": None}
    found = _OPTION.findall(kept["options"])
    kept["options"] = ""  # those of the address are among them
    told = {name.replace("-", "_"): re.sub(r"\\(.)", r"\1", value) for name, value in found}
    statement = sql.SQL("set local {} = {};")
    return kept, sql.Composed(
        [statement.format(sql.Identifier(*name.split(".")), value) for name, value in told.items() if name != MARK]
    )
