"""The way from an Airflow connection to the store."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Connection as AirflowConnection

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import ReconnectingConnection

_EXTRAS = frozenset(
    {
        "channel_binding",
        "gssencmode",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "target_session_attrs",
    }
)


class PromoStoreHook(BaseHook):
    """Opens the store that an Airflow connection of type ``postgres`` names.

    :param promo_db_conn_id: the connection; its extras may hold libpq's settings of TLS and server choice, nothing else
    """

    conn_name_attr = "promo_db_conn_id"
    default_conn_name = "promo_db"

    def __init__(self, promo_db_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.promo_db_conn_id = promo_db_conn_id

    @cached_property
    def dsn(self) -> str:
        """The database as a ``postgresql://`` URI. It holds the password: never log it.

        :raises AirflowNotFoundException: there is no such connection
        :raises ConfigurationError: the connection is of another type, or has an extra that is not allowed
        """
        connection = self.get_connection(self.promo_db_conn_id)
        if connection.conn_type not in {"postgres", "postgresql"}:
            msg = f"connection {self.promo_db_conn_id} has the type {connection.conn_type!r}; the store needs postgres"
            raise ConfigurationError(msg)
        return _uri(connection, self._settings(connection))

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open the store, as ``postgres.connection.connect`` does.

        :raises DatabaseUnavailableError: the server cannot be reached
        :raises ConfigurationError: the database has no schema yet
        """
        from promo_campaigns.postgres import connection as postgres

        with postgres.connect(self.dsn) as connection:
            yield connection

    @contextmanager
    def reconnecting(self) -> Iterator[ReconnectingConnection]:
        """Open the store for transactions that outlive a lost connection, as ``postgres.reconnecting`` does.

        :raises DatabaseUnavailableError: the server cannot be reached, or does not come back in time
        :raises ConfigurationError: the database has no schema yet
        """
        from promo_campaigns.postgres import reconnecting

        with reconnecting.reconnecting(self.dsn) as connection:
            yield connection

    def _settings(self, connection: AirflowConnection) -> dict[str, str]:
        settings = connection.extra_dejson
        if refused := sorted(set(settings) - _EXTRAS):
            msg = (
                f"connection {self.promo_db_conn_id} has the extra {', '.join(refused)}; "
                f"allowed are {', '.join(sorted(_EXTRAS))}"
            )
            raise ConfigurationError(msg)
        return {key: str(value) for key, value in settings.items()}


def _uri(connection: AirflowConnection, settings: dict[str, str]) -> str:
    user = quote(connection.login or "", safe="")
    password = f":{quote(connection.password, safe='')}" if connection.password else ""
    host = connection.host or ""
    host = f"[{host}]" if ":" in host else quote(host, safe="")
    port = f":{connection.port}" if connection.port else ""
    at = "@" if user or password else ""
    query = f"?{urlencode(settings, quote_via=quote)}" if settings else ""
    return f"postgresql://{user}{password}{at}{host}{port}/{quote(connection.schema or '', safe='')}{query}"
