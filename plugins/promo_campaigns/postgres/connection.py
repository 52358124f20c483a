"""Connections to the store."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from promo_campaigns.connections.store_tokens import forget_login, login_of
from promo_campaigns.postgres.pooler import MARK, open_async_session, open_session
from promo_campaigns.postgres.store_errors import explained, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection = psycopg.Connection[dict[str, Any]]

CONNECT_TIMEOUT_S = 10
SESSION = {
    # How values are written and read must not depend on the server, the database or the account.
    "TimeZone": "UTC",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    # Names without a schema occur in audiences alone; they mean the same for every account.
    "search_path": "public",
    # The statements are written for this isolation: a stricter one breaks them off, and they lock what they decide on.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    # An intent that was committed must outlive the server: a call follows it.
    "synchronous_commit": "on",
    # A statement may take as long as the campaign is large; what waits for a lock or does nothing may not.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "300s",
    # The default price of a random page is a turning disk's: a table would be read through for a chunk of contacts.
    "random_page_cost": "1.1",
    MARK: "own",
}
"""What every session sets, whatever the server, the database or the account has as its default."""


def session_options(**changed: str) -> str:
    """Return libpq's ``options`` for a session as ``SESSION`` says.

    :param changed: settings that are other than there
    """
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in {**SESSION, **changed}.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


LINE: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "promo_campaigns",
    "client_encoding": "UTF8",
    "options": session_options(),
    # A server that is gone without a word is noticed within a minute, not after the kernel's two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's parameters of every connection to the store, whatever opens it."""
SETTINGS: dict[str, Any] = {
    **LINE,
    "autocommit": True,
    "row_factory": dict_row,
    # A plan that was made and kept while a table was empty must not outlive that; poolers like it too.
    "prepare_threshold": None,
}
"""How every connection to the store is opened, as far as its address says nothing else."""
_OF_THE_PRODUCT = frozenset({"options", "client_encoding"})


def settings_of(dsn: str, **changed: Any) -> dict[str, Any]:  # noqa: ANN401  (the driver's parameters)
    """Return the driver's parameters for an address: what it says of the line comes before ``LINE``.

    Its ``options`` are followed by the product's own, which the server reads last.

    :param changed: parameters that are other than ``SETTINGS``
    """
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:  # opening it says what is wrong
        given = {}
    found = {**SETTINGS, **changed}
    found |= {name: given[name] for name in LINE if name in given and name not in _OF_THE_PRODUCT}
    if "options" in given:
        found["options"] = f"{given['options']} {found['options']}"
    return found


@contextmanager
def connect(dsn: str) -> Iterator[Connection]:
    """Open a connection in autocommit mode whose rows are dicts; transactions are opened by ``transaction()``.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailableError: the server cannot be reached, or cannot carry out a statement at the moment
    :raises ConfigurationError: the address is wrong, or the database has no schema yet
    """
    with explaining(), open_connection(dsn) as connection:
        yield connection


@contextmanager
def explaining() -> Iterator[None]:
    """Turn what the server refuses into one line that says what to do.

    :raises DatabaseUnavailableError: the server cannot carry out a statement at the moment
    :raises ConfigurationError: the database has no schema yet, or the account lacks a right
    """
    try:
        yield
    except psycopg.Error as error:
        told = explained(error)
        if told is None:
            raise
        raise told from None


def open_connection(dsn: str, **changed: Any) -> Connection:  # noqa: ANN401  (the driver's parameters)
    """Open a connection that the caller closes.

    :param changed: parameters that are other than ``SETTINGS``
    :raises DatabaseUnavailableError: the server cannot be reached
    :raises ConfigurationError: the address is wrong
    """
    try:
        return _opened(dsn, settings_of(dsn, **changed))
    except psycopg.Error as error:
        raise unreachable(error) from None


def _opened(dsn: str, settings: dict[str, Any]) -> Connection:
    login = login_of(dsn)
    try:
        return open_session(dsn, {**settings, **login})
    except psycopg.OperationalError:
        if not login:
            raise
        forget_login(dsn)  # its token may have ended before its time
        return open_session(dsn, {**settings, **login_of(dsn)})


async def connect_async(dsn: str) -> psycopg.AsyncConnection[dict[str, Any]]:
    """Open a connection for an event loop, in autocommit mode, whose commits are quick and may be lost with the server.

    :param dsn: ``postgresql://`` URI of the database
    """
    options = session_options(synchronous_commit="off")
    login = await asyncio.to_thread(login_of, dsn)
    return await open_async_session(dsn, {**settings_of(dsn, options=options), **login})
