"""Which database a command works on."""

from __future__ import annotations

from pathlib import Path

from promo_campaigns.connections.lookup import (
    command_connection,
    is_in_environment,
    store_connection,
    variable_name,
)
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.model.errors import DatabaseNotFoundError

CONN_ID = "promo_db"
CONNECTION_VARIABLE = variable_name(CONN_ID)
DEMO_FOLDER = ".demo"


def dsn_of_connection(conn_id: str) -> str:
    """Return the DSN of an Airflow connection: of the environment, or wherever the Airflow of this machine keeps it.

    :raises ConfigurationError: there is none, it is no Postgres one, or has an extra that is refused
    """
    return store_dsn(store_connection(conn_id))


def find_dsn(given: str = "") -> str:
    """Return the DSN of the database a command works on.

    :param given: the option ``--dsn``
    :raises DatabaseNotFoundError: none was named, and there is no demo that runs
    :raises ConfigurationError: the connection that was named is no Postgres one, or has an extra that is refused
    """
    if given:
        return given
    if is_in_environment(CONN_ID):
        return store_dsn(command_connection(CONN_ID))
    demo = _dsn_of_demo(Path.cwd())
    if demo:
        return demo
    message = (
        "no database was named and none was found. Give --dsn postgresql://user:password@host:port/name, or set "
        f"{CONNECTION_VARIABLE} to an Airflow connection, or start bin/demo in this folder"
    )
    raise DatabaseNotFoundError(message)


def _dsn_of_demo(start: Path) -> str:
    """Return the DSN of the demo that runs in ``start`` or a folder above it; empty when there is none."""
    folder = next((above / DEMO_FOLDER for above in (start, *start.parents) if (above / DEMO_FOLDER).is_dir()), None)
    if folder is None:
        return ""
    from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

    server = EmbeddedPostgres(folder / "postgres")
    return server.dsn() if server.is_running() else ""
