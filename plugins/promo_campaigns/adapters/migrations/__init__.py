"""Brings a database to the present schema with Alembic; each revision runs one plain SQL file."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from promo_campaigns.adapters.postgres import LINE
from promo_campaigns.adapters.store_errors import explained, unreachable
from promo_campaigns.core.errors import ConfigurationError
from promo_campaigns.sql import migration

SCHEMA = "promo"
_MIGRATION_LOCK = 0x50524F4D4F  # "PROMO": one migration of one database at a time


def migrate(dsn: str) -> None:
    """Bring the database to the newest revision; running it again changes nothing.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailable: the server cannot be reached, or cannot carry out a statement at the moment
    :raises ConfigurationError: the address is wrong, the account lacks a right, or the database's encoding is not UTF8
    """
    engine = open_engine(dsn)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            _require_encoding(connection)
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        told = explained(error.orig) if isinstance(error.orig, psycopg.Error) else None
        if told is None:
            raise
        raise told from None
    finally:
        engine.dispose()


def open_engine(dsn: str) -> Engine:
    """Return what SQLAlchemy opens the store with, in sessions like everybody else's.

    :param dsn: ``postgresql://`` URI of the database
    """

    def connect() -> psycopg.Connection:
        try:
            return psycopg.connect(dsn, **LINE)
        except psycopg.Error as error:
            raise unreachable(error) from None

    return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)


def run_sql_file(name: str) -> None:
    """Run ``sql/migrations/<name>.sql`` inside the revision being applied."""
    from alembic import op  # noqa: PLC0415  (bound to a context only while a migration runs)

    op.get_bind().exec_driver_sql(migration(name), execution_options={"no_parameters": True})


def _require_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("show server_encoding")).scalar_one()
    if encoding != "UTF8":
        msg = (
            f"the promo database is encoded as {encoding}, in which not every name can be written; "
            "create one with: create database NAME encoding 'UTF8' template template0"
        )
        raise ConfigurationError(msg)
