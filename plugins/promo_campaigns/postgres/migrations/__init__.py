"""Brings a database to the present schema with Alembic; each revision runs one plain SQL file.

``postgres/schema.sql`` is the whole schema as it is now, to be read and changed together with a new revision: a test
holds that the revisions lead to it. The first revision runs it as long as it is the only one. The author of the second
copies ``schema.sql`` to ``0001_schema.sql`` here before changing it; the first revision runs the copy from then on.

How to write a revision so that nobody is shut out of a store of millions of rows
---------------------------------------------------------------------------------
A revision is ``versions/<number>_<name>.py``, which calls ``run_sql_file``, and ``<number>_<name>.sql`` here.
The file is one transaction, or is cut into parts. A part begins with one of these lines and is committed by itself:

``-- part: locked on promo.promo_code, promo.assignment --``
    Short DDL on tables that exist already: columns (null, or with a constant default), constraints that are
    ``not valid``, triggers, drops, ``add constraint … using index``. It names all tables that it alters or refers to.
    They are locked against everybody, readers too, so the part must not look at rows: no update, no index, no
    constraint that is checked. A lock that is not to be had within ``LOCK_WAIT_MS`` is let go and asked for again, so
    that readers do not queue behind a long query. Name few tables. A part that only makes tables, types and functions
    names none: ``-- part: locked --``.
``-- part: online --``
    One statement that lets readers and writers go on, outside a transaction: ``create [unique] index concurrently``,
    ``drop index concurrently if exists``, ``alter table … validate constraint``, or an ``insert … select`` that may be
    run twice. One statement a part.
``-- part: batches of promo.promo_code by promo_code_id --``
    One statement that fills in old rows, for a range of an indexed column at a time: ``> %(low)s and <= %(high)s``,
    ``BATCH_ROWS`` rows of the table each, a transaction each. It may be run twice for a range.

The usual order: add the column; build the index; add constraints and triggers by which every new row is right from now
on; fill in the old rows; validate; drop what is not needed any more. A unique constraint and a foreign key to it:
``create unique index concurrently``, then ``add constraint … unique using index``, then ``foreign key … not valid``.
``tests/integration/test_migrations.py`` refuses a file whose locked parts look at rows, and measures a reader's wait.

A part that is done is noted in ``promo.migration_step``, which is there only while a migration is under way. So a
migration that was killed is taken up by the next one at the part where it was. Two migrations wait for each other.
In a database that is new everything runs in one transaction, with ``concurrently`` left out.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from promo_campaigns.connections.store_tokens import login_of
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.connection import LINE, explaining, session_options, settings_of
from promo_campaigns.postgres.migrations.former import FIRST, take_over
from promo_campaigns.postgres.migrations.steps import BATCH_ROWS, LOCK_WAIT_MS, SCHEMA, Migration, try_until
from promo_campaigns.postgres.pooler import has_own_session, refuses_options
from promo_campaigns.postgres.store_errors import unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BATCH_ROWS",
    "LOCK_WAIT_MS",
    "SCHEMA",
    "first_schema",
    "migrate",
    "newest_revision",
    "run_first_schema",
    "run_sql_file",
]

SCRIPTS = Path(__file__).parent

PATIENCE_S = 600.0
"""Seconds for which a migration waits for another one, or for a lock that others hold."""

_MIGRATION_LOCK = 0x50524F4D4F  # "PROMO": one migration of one database at a time
_POOLER = (
    "a pooler answers at the address of the promo database, and a migration needs a session of its own; "
    "run promo db migrate --dsn with the address of the server itself"
)
_SESSION = session_options(
    # A limit on waiting is not one for building an index; what waits for a lock says so itself.
    lock_timeout="0",
    idle_in_transaction_session_timeout="0",
    # A server that works for a client that was killed would go on, and keep the next migration waiting.
    client_connection_check_interval="2s",
)


def migrate(
    dsn: str, *, patience_s: float = PATIENCE_S, tell: Callable[[str], None] | None = None, scripts: Path = SCRIPTS
) -> None:
    """Bring the database to the newest revision; running it again changes nothing.

    Readers are not shut out for longer than it takes to add a column. Killed, it is taken up by running it again.

    :param dsn: ``postgresql://`` URI of the database
    :param patience_s: seconds to wait for another migration, and for each lock that others hold
    :param tell: is called before each part of a revision that a store with rows in it is brought to
    :param scripts: the folder of ``env.py``, the SQL files and ``versions/``; a test brings revisions of its own
    :raises StoreUnavailableError: another migration, or somebody who holds a lock, took longer than that
    :raises DatabaseUnavailableError: the server cannot be reached, or cannot carry out a statement at the moment
    :raises ConfigurationError: the address is wrong, the account lacks a right, the database's encoding is not UTF8, or
        the store is at a revision that this version does not know
    """
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with explaining(), _alone(dsn, patience_s) as connection:
        _require_encoding(connection)
        _prepare(connection)
        is_new = connection.execute(f"select to_regclass('{SCHEMA}.alembic_version') is null").fetchone() == (True,)
        if not is_new:
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            take_over(connection, first_schema(scripts), known)
        connection.autocommit = False
        engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
        with engine.connect() as alembic_connection:
            config.attributes["connection"] = alembic_connection
            config.attributes["migration"] = Migration(connection, is_new, patience_s, tell or _tell_nobody, scripts)
            command.upgrade(config, "head")
            connection.execute(f"drop table if exists {SCHEMA}.migration_step")
            connection.commit()


def newest_revision(scripts: Path = SCRIPTS) -> str:
    """Return the revision that this version of the package works with."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def first_schema(scripts: Path = SCRIPTS) -> str:
    """Return the SQL of the first revision: its own file, or the schema as it is now while there is no second one."""
    own = scripts / f"{FIRST}.sql"
    return (own if own.exists() else SCRIPTS.parent / "schema.sql").read_text(encoding="utf-8")


def run_first_schema() -> None:
    """Run the SQL of the first revision."""
    migration = _under_way()
    _run(migration, FIRST, first_schema(migration.scripts))


def run_sql_file(name: str) -> None:
    """Run ``postgres/migrations/<name>.sql`` as the revision being applied, part by part."""
    migration = _under_way()
    _run(migration, name, (migration.scripts / f"{name}.sql").read_text(encoding="utf-8"))


def _under_way() -> Migration:
    from alembic import op  # noqa: PLC0415  (bound to a context only while a migration runs)

    context = op.get_context()
    if context.config is None:
        msg = "a revision is run by migrate()"
        raise AssertionError(msg)
    migration: Migration = context.config.attributes["migration"]
    return migration


def _run(migration: Migration, name: str, text: str) -> None:
    from alembic import op  # noqa: PLC0415  (likewise)

    if migration.is_new:
        migration.run_at_once(text)
        return
    with op.get_context().autocommit_block():
        migration.run_in_steps(name, text)


@contextmanager
def _alone(dsn: str, patience_s: float) -> Iterator[psycopg.Connection]:
    """Open a connection and keep other migrations of this database out as long as it is open."""
    with open_session(dsn) as connection:
        # Asked for again and again: a session that waits inside a statement is an old transaction, and an index that
        # the other migration builds would wait for it in turn.
        try_until(
            lambda: connection.execute("select pg_try_advisory_lock(%s)", [_MIGRATION_LOCK]).fetchone() == (True,),
            patience_s,
            lambda: "another migration of this database is under way; wait for it and run promo db migrate again",
        )
        yield connection


def open_session(dsn: str) -> psycopg.Connection:
    """Open a connection for a migration, in autocommit mode, in a session like everybody else's.

    :param dsn: ``postgresql://`` URI of the database
    :raises DatabaseUnavailableError: the server cannot be reached
    :raises ConfigurationError: the address is wrong
    """
    try:
        line = {name: value for name, value in settings_of(dsn, options=_SESSION).items() if name in LINE}
        connection = psycopg.connect(dsn, **line, **login_of(dsn), autocommit=True)
    except psycopg.Error as error:
        raise ConfigurationError(_POOLER) if refuses_options(error) else unreachable(error) from None
    if has_own_session(connection):
        return connection
    connection.close()
    raise ConfigurationError(_POOLER)


def _prepare(connection: psycopg.Connection) -> None:
    """Make the schema if there is none; one that may not make schemas can use one that is there."""
    if connection.execute("select to_regnamespace(%s) is null", [SCHEMA]).fetchone() == (True,):
        connection.execute(f"create schema if not exists {SCHEMA}")


def _tell_nobody(_: str) -> None:
    """Say nothing."""


def _require_encoding(connection: psycopg.Connection) -> None:
    [encoding] = connection.execute("show server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        msg = (
            f"the promo database is encoded as {encoding}, in which not every name can be written; "
            "create one with: create database NAME encoding 'UTF8' template template0"
        )
        raise ConfigurationError(msg)
