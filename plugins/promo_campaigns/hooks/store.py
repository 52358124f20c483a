"""Opens the store that an Airflow connection names."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import ReconnectingConnection


class PromoStoreHook(BaseHook):
    """Opens the store that an Airflow connection of type ``postgres`` names.

    :param promo_db_conn_id: the connection; its extras may hold libpq's parameters of TLS, login and choice of server
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
        from promo_campaigns.connections.lookup import airflow_connection
        from promo_campaigns.connections.store_dsn import store_dsn

        return store_dsn(airflow_connection(self.promo_db_conn_id))

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
