"""Which database a command works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.connections.lookup import command_connection, is_in_environment, variable_name
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.model.errors import DatabaseNotFoundError

if TYPE_CHECKING:
    import argparse

CONN_ID = "promo_db"
CONNECTION_VARIABLE = variable_name(CONN_ID)
DEMO_FOLDER = ".demo"


def add_dsn_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--dsn`` to a command that works on the store."""
    parser.add_argument(
        "--dsn",
        metavar="URI",
        help=f"the database, as postgresql://user:password@host:port/name; else {CONNECTION_VARIABLE}, "
        "else the running demo's",
    )


def find_dsn(args: argparse.Namespace) -> str:
    """Return the DSN of the database a command works on.

    :raises DatabaseNotFoundError: none was named, and there is no demo that runs
    :raises ConfigurationError: the connection that was named is no Postgres one, or has an extra that is refused
    """
    if args.dsn:
        return str(args.dsn)
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
