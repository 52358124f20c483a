"""Connections to the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from promo_campaigns.core.errors import ConfigurationError, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection = psycopg.Connection[dict[str, Any]]

CONNECT_TIMEOUT_S = 10
SETTINGS: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    # A plan that was made and kept while a table was empty must not outlive that; poolers like it too.
    "prepare_threshold": None,
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "promo_campaigns",
    # The default price of a random page is a turning disk's: a table would be read through for a chunk of contacts.
    "options": "-c timezone=UTC -c lock_timeout=30s -c idle_in_transaction_session_timeout=300s"
    " -c random_page_cost=1.1",
    "keepalives_idle": 30,
}
"""How every connection to the store is opened."""
OLD_SCHEMA = "the promo database has no (or an old) schema; run: promo db migrate"


@contextmanager
def connect(dsn: str) -> Iterator[Connection]:
    """Open a connection in autocommit mode whose rows are dicts; transactions are opened by ``transaction()``.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailable: the server cannot be reached
    :raises ConfigurationError: the database has no schema yet
    """
    try:
        connection = psycopg.connect(dsn, **SETTINGS)
    except psycopg.OperationalError as error:
        raise unreachable(error) from error
    with connection:
        try:
            yield connection
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise ConfigurationError(OLD_SCHEMA) from error


async def connect_aside(dsn: str) -> psycopg.AsyncConnection[dict[str, Any]]:
    """Open a connection for an event loop, in autocommit mode, whose commits are quick and may be lost with the server.

    :param dsn: ``postgresql://`` URI of the database
    """
    options = f"{SETTINGS['options']} -c synchronous_commit=off"
    return await psycopg.AsyncConnection.connect(dsn, **{**SETTINGS, "options": options})


def unreachable(error: psycopg.OperationalError) -> DatabaseUnavailable:
    """Say that there is no way to the server."""
    reason = str(error).splitlines()[0]
    msg = f"cannot connect to the promo database: {reason}; check the DSN or the connection promo_db"
    return DatabaseUnavailable(msg)
