"""The store: connection, schema, rights, stock, runs that do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.code_files.stock_levels import read_levels
from promo_campaigns.definitions.stock_level_file import read_stock_levels
from promo_campaigns.doctor.findings import Finding, Health
from promo_campaigns.ledger.restores.restoring import read_restore
from promo_campaigns.model.errors import PromoError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import newest_revision
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LEVELS = "stock_levels.yaml"
_OLDEST_SERVER = 15
_RUNS_SHOWN = 10
_HOURS = 24
MIGRATE = "promo db migrate"


def look_at_store(dsn: str, include: Path) -> Iterator[Finding]:
    """Look at the store. Where it cannot be reached, or has no tables, nothing else of it is looked at.

    :param include: the folder that may hold levels of the stock
    """
    try:
        with connect(dsn) as connection:
            yield _server(connection)
            schema = _schema(connection)
            yield schema
            if schema.health is Health.RIGHT:
                yield _rights(connection)
                yield from _restore(connection)
                yield from _stock(connection, include)
                yield from _open_runs(connection)
    except PromoError as error:
        yield Finding(about="store", health=Health.WRONG, found=str(error), advice="Correct the connection promo_db")


def _server(connection: Connection) -> Finding:
    row = connection.execute(_SQL["server"]).fetchall()[0]
    found = f"Postgres {row['version'] // 10000}, database {row['database']}, account {row['account']}"
    if row["version"] // 10000 < _OLDEST_SERVER:
        advice = f"Use Postgres {_OLDEST_SERVER} or newer"
        return Finding(about="store", health=Health.WRONG, found=found, advice=advice)
    if row["encoding"] != "UTF8":
        advice = "Create a database with: create database NAME encoding 'UTF8' template template0"
        return Finding(
            about="store", health=Health.WRONG, found=f"{found}: encoded as {row['encoding']}", advice=advice
        )
    return Finding(about="store", health=Health.RIGHT, found=found)


def _schema(connection: Connection) -> Finding:
    known = newest_revision()
    if not connection.execute(_SQL["has_schema"]).fetchall()[0]["made"]:
        return Finding(about="schema", health=Health.WRONG, found="there are no tables yet", advice=f"Run: {MIGRATE}")
    row = connection.execute(_SQL["revision"]).fetchone() or {"revision": "none"}
    found = f"revision {row['revision']}"
    if row["revision"] == known:
        return Finding(about="schema", health=Health.RIGHT, found=found)
    advice = f"Run: {MIGRATE}, with the version of the package that the workers have"
    return Finding(about="schema", health=Health.WRONG, found=f"{found}; this version needs {known}", advice=advice)


def _rights(connection: Connection) -> Finding:
    lacking = connection.execute(_SQL["lacking_rights"]).fetchall()
    if not lacking:
        return Finding(about="rights", health=Health.RIGHT, found="the account may read and write all tables")
    named = ", ".join(f"{row['right']} on {row['name']}" for row in lacking[:5])
    advice = "Grant them, or connect as the account that ran the migration"
    return Finding(about="rights", health=Health.WRONG, found=f"the account lacks {named}", advice=advice)


def _restore(connection: Connection) -> Iterator[Finding]:
    """Find a restore that is not decided to its end; of any other there is nothing to say."""
    restore = read_restore(connection)
    if restore is not None and restore.lifted_at is None:
        found = f"the store was restored to {restore.restored_to:%Y-%m-%d %H:%M %Z}, which is not decided"
        yield Finding(about="restore", health=Health.WRONG, found=found, advice="See what is left: promo db restored")


def _stock(connection: Connection, include: Path) -> Iterator[Finding]:
    file = include / _LEVELS
    if not file.is_file():
        advice = "Say there how many codes of a type may be left before you are told"
        yield Finding(about="stock", health=Health.NOT_LOOKED_AT, found=f"there is no {file}", advice=advice)
        return
    try:
        levels = read_stock_levels(file)
    except PromoError as error:
        yield Finding(about="stock", health=Health.WRONG, found=str(error), advice="Correct the file")
        return
    for state in read_levels(connection, levels):
        found = f"{state.free:,} free codes of the type {state.type}, {state.level} at {state.amount:,}"
        advice = "Load more: promo codes load FILE" if state.reached else ""
        yield Finding(about="stock", health=Health.NOTE if state.reached else Health.RIGHT, found=found, advice=advice)


def _open_runs(connection: Connection) -> Iterator[Finding]:
    rows = connection.execute(_SQL["old_open_runs"], {"hours": _HOURS, "limit": _RUNS_SHOWN}).fetchall()
    for row in rows:
        found = f"{row['run_key']} is open for {row['hours']:,} hours"
        if row["awaited"]:
            advice = f"It waits for approval: promo runs approve|reject {row['run_key']}"
        else:
            key = row["run_key"]
            advice = f"Look at it: promo runs show {key}; retry its failed tasks in Airflow, or promo runs cancel {key}"
        yield Finding(about="runs", health=Health.NOTE, found=found, advice=advice)
    if not rows:
        yield Finding(about="runs", health=Health.RIGHT, found=f"no run is open for more than {_HOURS} hours")
