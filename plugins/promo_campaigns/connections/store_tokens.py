"""Logins of the store that change by themselves: tokens of AWS and Azure, as Airflow's postgres provider gives them.

An address of the store is a text that tasks, threads and pools pass on, and a token ends within minutes. So the address
holds none: code that opens a connection asks here for the login of an address.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from promo_campaigns.connections.airflow_database import is_set_up
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.connections.settings import ConnectionSettings

    Login = dict[str, Any]
    """Parameters of libpq: user, password and port. Never logged."""

GOOD_FOR_S = 300.0
"""A token of AWS is taken for a quarter of an hour; Azure's for longer."""

_lock = threading.Lock()
_logins: dict[str, _Logins] = {}


def remember_login(dsn: str, fetch: Callable[[], Login]) -> None:
    """Say how the login of an address is found; what is known already stays."""
    with _lock:
        _logins.setdefault(dsn, _Logins(fetch))


def login_of(dsn: str) -> Login:
    """Return the login of an address as it is now; nothing for an address that holds its own.

    :raises ConfigurationError: the provider gives no token
    """
    found = _logins.get(dsn)
    return found.current() if found else {}


def forget_login(dsn: str) -> None:
    """Ask for the login of an address anew the next time: the server did not take it."""
    if found := _logins.get(dsn):
        found.forget()


def provider_login(settings: ConnectionSettings) -> Login:
    """Return the login that the postgres provider's hook has for a connection with the extra ``iam``.

    :raises ConfigurationError: there is no Airflow here, or its provider gives no token
    """
    if not is_set_up():
        settings.fail("has the extra iam, and there is no Airflow here whose provider gives a token; use --dsn")
    from airflow.providers.postgres.hooks.postgres import PostgresHook  # noqa: PLC0415  (only who asks Airflow does)
    from airflow.sdk import Connection  # noqa: PLC0415  (likewise)

    known = Connection(
        conn_id=settings.name.removeprefix("connection "),
        conn_type="postgres",
        host=settings.host,
        schema=settings.scheme,
        login=settings.login or None,
        password=settings.password or None,
        port=settings.port,
        extra=json.dumps(dict(settings.extras)),
    )
    try:
        login, token, port = PostgresHook(postgres_conn_id=known.conn_id).get_iam_token(known)
    except Exception as error:  # noqa: BLE001  (whatever the provider, its cloud or the network has: its words may hold a secret)
        msg = (
            f"{settings.name} has the extra iam, and Airflow's provider gives no token ({type(error).__name__}); look "
            "at aws_conn_id or azure_conn_id, and whether the provider of that cloud is installed"
        )
        raise ConfigurationError(msg) from None
    return {"user": login, "password": token, "port": port}


class _Logins:
    """The login of one address, asked for again when it has been used for some minutes."""

    def __init__(self, fetch: Callable[[], Login]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._login: Login = {}
        self._asked_at = float("-inf")

    def current(self) -> Login:
        with self._lock:
            if time.monotonic() - self._asked_at > GOOD_FOR_S:
                self._login, self._asked_at = self._fetch(), time.monotonic()
            return self._login

    def forget(self) -> None:
        self._asked_at = float("-inf")
