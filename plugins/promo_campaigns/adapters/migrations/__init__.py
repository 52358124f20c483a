"""Brings a database to the present schema with Alembic; each revision runs one plain SQL file."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from promo_campaigns.sql import migration

SCHEMA = "promo"
_MIGRATION_LOCK = 0x50524F4D4F  # "PROMO": one migration of one database at a time


def migrate(dsn: str) -> None:
    """Bring the database to the newest revision; running it again changes nothing.

    :param dsn: ``postgresql://`` URI of the database
    """
    engine = create_engine(_driver_uri(dsn), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.execute(text(f"create schema if not exists {SCHEMA}"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def run_sql_file(name: str) -> None:
    """Run ``sql/migrations/<name>.sql`` inside the revision being applied."""
    from alembic import op  # noqa: PLC0415  (bound to a context only while a migration runs)

    op.get_bind().exec_driver_sql(migration(name), execution_options={"no_parameters": True})


def _driver_uri(dsn: str) -> str:
    scheme, _, rest = dsn.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        msg = f"expected a postgresql:// URI, got the scheme {scheme!r}"
        raise ValueError(msg)
    return f"postgresql+psycopg://{rest}"
