"""Opens the store that an Airflow connection names."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import ReconnectingConnection


class PromoStoreHook(BaseHook):
    """Opens the store that an Airflow connection of type ``postgres`` names.

    Every extra that the postgres provider's hook takes is honoured, tokens of AWS and Azure among them: its hook gives
    them. It is loaded when it is asked, since parsing a DAG loads no driver.

    :param promo_db_conn_id: the connection
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

    @cached_property
    def provider_hook(self) -> PostgresHook:
        """The postgres provider's hook of the same connection, for statements and DataFrames of your own."""
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        return PostgresHook(postgres_conn_id=self.promo_db_conn_id)

    def test_connection(self) -> tuple[bool, str]:
        """Open the store as tasks do, and say whether it can be used."""
        from airflow.sdk.exceptions import AirflowNotFoundException

        from promo_campaigns.model.errors import PromoError
        from promo_campaigns.postgres.pool import check_store

        try:
            check_store(self.dsn)
        except (PromoError, AirflowNotFoundException) as error:
            return False, str(error)
        return True, "the store answers, and it has the tables of the product"

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
