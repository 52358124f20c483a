"""What an administrator may set or let happen: it makes no difference, or one line says what it is and what to do."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from integration.scenario import CODES, SPEC, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.delivery.batches import send_messages
from promo_campaigns.delivery.templates import compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport, read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import DatabaseUnavailableError
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator
from promo_campaigns.postgres.connection import connect, connect_async
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres, throwaway_postgres
from promo_campaigns.postgres.migrations import migrate, open_session
from promo_campaigns.postgres.pool import StorePool
from promo_campaigns.postgres.reconnecting import reconnecting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parents[2] / "include" / "samples"
HOSTILE = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kolkata",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "client_encoding": "LATIN1",
    "search_path": "decoy, pg_catalog",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
}
DECOYS = """
create schema decoy;
create function decoy.now() returns timestamptz language sql return timestamptz '1999-01-01';
create function decoy.clock_timestamp() returns timestamptz language sql return timestamptz '1999-01-01';
create function decoy.lower(text) returns text language sql return 'decoy';
create function decoy.count(anyelement) returns bigint language sql as 'select 0::bigint';
create table decoy.contact (contact_id bigint);
create table decoy.assignment (run_id bigint);
"""


def set_for_database(dsn: str, settings: dict[str, str]) -> None:
    """Make the settings the defaults of the database."""
    name = sql.Identifier(urlsplit(dsn).path[1:])
    with psycopg.connect(dsn, autocommit=True) as administrator:
        administrator.execute(DECOYS)
        for setting, value in settings.items():
            change = sql.SQL("alter database {} set {} to {}").format(name, sql.Identifier(setting), sql.Literal(value))
            if setting == "search_path":
                change = sql.SQL("alter database {} set search_path to decoy, pg_catalog").format(name)
            administrator.execute(change)


@pytest.fixture
def plain_database(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Return what makes an empty database of this test's own."""
    names: list[str] = []

    def make(options: str = "") -> str:
        name = f"promo_states_{os.urandom(6).hex()}"
        with psycopg.connect(postgres_server, autocommit=True) as administrator:
            administrator.execute(f"create database {name} template template0 {options}".encode())
        names.append(name)
        return urlunsplit(urlsplit(postgres_server)._replace(path=f"/{name}"))

    yield make
    with psycopg.connect(postgres_server, autocommit=True) as administrator:
        for name in names:
            administrator.execute(f"drop database {name} with (force)".encode())


def story(dsn: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Tell what a small campaign comes to, from an empty database on."""
    assert main(["db", "migrate", "--dsn", dsn]) == 0
    capsys.readouterr()
    told: dict[str, Any] = {}
    for noun, file in (("codes", "promo_codes.csv"), ("contacts", "contacts.csv")):
        assert main([noun, "load", str(SAMPLES / file), "--json", "--dsn", dsn]) == 0
        told[noun] = json.loads(capsys.readouterr().out)
    with reconnecting(dsn) as store, connect(dsn) as plain:
        run = open_welcome(plain, spec=SPEC)
        ledger = PostgresLedger(store)
        who = [row["contact_id"] for row in store.execute("select contact_id from promo.contact order by 1").fetchall()]
        ledger.assign_codes(run.run_id, who, CODES)
        sending = send_messages(
            ledger=ledger,
            breaker=PostgresBreaker(store, "inbox"),
            transport=InboxTransport.over(plain),
            templates=compile_message(run.spec.message),
            run=run,
            contact_ids=who,
        )
        told["tally"] = asyncio.run(sending)
        told["states"] = sorted(ledger.states(run.run_id, who).items())
        told["inbox"] = [(row["contact_id"], row["body"]) for row in read_inbox(plain)]
        told["broken"] = check_invariants(plain)
        told["expiries"] = plain.execute("select code, expires_at from promo.promo_code order by 1").fetchall()
    assert main(["runs", "report", run.run_key, "--dsn", dsn, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    told["report"] = {name: value for name, value in report.items() if name not in {"seconds", "rate"}}
    assert main(["runs", "export", run.run_key, "--reveal", "--dsn", dsn]) == 0
    exported = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    told["export"] = [{name: value for name, value in row.items() if not name.endswith("_at")} for row in exported]
    return told


def test_no_setting_of_a_database_makes_a_difference(
    plain_database: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    usual, hostile = plain_database(""), plain_database("")
    set_for_database(hostile, HOSTILE)
    assert story(hostile, capsys) == story(usual, capsys)


def test_every_session_is_read_committed_and_means_the_same(
    plain_database: Callable[[str], str],
) -> None:
    """Whatever opens it: a task, a task that reconnects, the rate limiter, the profile API, a migration."""
    dsn = plain_database("")
    with psycopg.connect(dsn) as unset:
        usual: dict[str, str] = dict(unset.execute("select name, setting from pg_settings").fetchall())
    set_for_database(dsn, HOSTILE)
    asked = "select name, setting from pg_settings where name = any(%s)"
    names = [name for name in HOSTILE if name != "default_transaction_deferrable"]
    sessions: dict[str, dict[str, str]] = {}
    with connect(dsn) as plain:
        sessions["task"] = {row["name"]: row["setting"] for row in plain.execute(asked, [names]).fetchall()}
    with reconnecting(dsn) as store:
        sessions["reconnecting"] = {row["name"]: row["setting"] for row in store.execute(asked, [names]).fetchall()}
    pool = StorePool(dsn, size=1, lock_wait_ms=30_000)
    pool.open()
    rows = pool.run(lambda connection: connection.execute(asked, [names]).fetchall())
    sessions["pool"] = {row["name"]: row["setting"] for row in rows}
    pool.close()
    with open_session(dsn) as migration:
        sessions["migration"] = dict(migration.execute(asked, [names]).fetchall())

    async def ask_aside() -> list[dict[str, Any]]:
        async with await connect_async(dsn) as asynchronous:
            return await (await asynchronous.execute(asked, [names])).fetchall()

    sessions["aside"] = {row["name"]: row["setting"] for row in asyncio.run(ask_aside())}
    for who, session in sessions.items():
        assert session["default_transaction_isolation"] == "read committed", who
        assert session["default_transaction_read_only"] == "off", who
        assert session["synchronous_commit"] == ("off" if who == "aside" else "on"), who
        assert session["statement_timeout"] == "0", who
        assert session["search_path"] == "public", who
        assert session["client_encoding"] == "UTF8", who
        for name in ("bytea_output", "IntervalStyle", "array_nulls", "standard_conforming_strings"):
            assert session[name] == usual[name], (who, name)
        assert session["DateStyle"].startswith("ISO"), who


def one_line(capsys: pytest.CaptureFixture[str], dsn: str, *command: str) -> str:
    """Carry out a command that cannot be, and return the one line that says why."""
    assert main([*(command or ("check",)), "--dsn", dsn]) in {ExitStatus.WRONG, ExitStatus.AGAIN}
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("promo: ")
    assert told.err.count("\n") == 1
    password = urlsplit(dsn).password
    assert not password or password not in told.err
    return told.err


COMMANDS = [("check",), ("db", "migrate"), ("codes", "load", str(SAMPLES / "promo_codes.csv"))]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_wrong_with_an_address_is_said_in_one_line(
    postgres_server: str, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    parts = urlsplit(postgres_server)
    account, _, place = parts.netloc.rpartition("@")
    login = account.partition(":")[0]
    told = {
        "password": one_line(capsys, urlunsplit(parts._replace(netloc=f"{login}:guess@{place}")), *command),
        "name": one_line(capsys, urlunsplit(parts._replace(path="/nowhere")), *command),
        "port": one_line(capsys, urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:1")), *command),
        "host": one_line(capsys, urlunsplit(parts._replace(netloc=f"{account}@nowhere.invalid:5432")), *command),
        "scheme": one_line(capsys, "somewhere else", *command),
        "option": one_line(capsys, f"{postgres_server}?colour=blue", *command),
    }
    assert "correct the login and the password" in told["password"]
    assert 'database "nowhere" does not exist; create it' in told["name"]
    assert "whether the server runs" in told["port"]
    assert "nowhere.invalid" in told["host"]
    assert "write postgresql://" in told["scheme"]
    assert "write postgresql://" in told["option"]


def test_of_several_addresses_the_last_one_is_told(postgres_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    parts = urlsplit(postgres_server)
    account, _, _ = parts.netloc.rpartition("@")
    two = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:1,127.0.0.1:2"))
    assert "port 2 failed: Connection refused" in one_line(capsys, two)


def test_an_account_without_connections_or_rights_is_told(
    postgres_server: str, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    role = f"guest_{os.urandom(6).hex()}"
    guest = urlunsplit(parts._replace(netloc=f"{role}:secret@{place}"))
    with psycopg.connect(postgres_server, autocommit=True) as administrator:
        administrator.execute(f"create role {role} login password 'secret' connection limit 0".encode())
        try:
            crowded = one_line(capsys, guest)
            administrator.execute(f"alter role {role} connection limit -1".encode())
            idle = one_line(capsys, guest)
        finally:
            administrator.execute(f"drop role {role}".encode())
    assert "too many connections for role" in crowded
    assert "let fewer tasks run at once" in crowded
    assert "lacks a right: permission denied for schema promo" in idle


def test_a_database_in_which_not_every_name_can_be_written_is_refused(
    plain_database: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    latin = plain_database("encoding 'LATIN1' locale_provider libc lc_collate 'C' lc_ctype 'C'")
    assert "encoded as LATIN1" in one_line(capsys, latin, "db", "migrate")


def test_a_database_without_a_schema_says_what_to_run(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "promo db migrate" in one_line(capsys, empty_database)


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """Return a server that may be broken."""
    with throwaway_postgres() as server:
        migrate(server.dsn())
        yield server


def data_folder(server: EmbeddedPostgres) -> Path:
    with psycopg.connect(server.dsn()) as administrator:
        row = administrator.execute("show data_directory").fetchone()
    assert row
    return Path(row[0])


def test_a_standby_is_told_from_a_server_that_is_gone(
    own_server: EmbeddedPostgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that replays another's log answers questions and takes nothing."""
    data = data_folder(own_server)
    own_server.stop()
    (data / "standby.signal").touch()
    own_server.start()
    dsn = own_server.dsn()
    loading = one_line(capsys, dsn, "codes", "load", str(SAMPLES / "promo_codes.csv"))
    assert "is read-only: it is a standby" in loading
    assert "name the primary" in loading
    assert "is read-only" in one_line(capsys, dsn, "db", "migrate")
    assert main(["check", "--dsn", dsn]) == 0, "who only reads may ask a standby"
    capsys.readouterr()
    monkeypatch.setenv("PROMO_PROFILE_API_KEY", "a key of some length")
    assert "read-only" in one_line(capsys, dsn, "profile-api", "--port", "0")
    with pytest.raises(DatabaseUnavailableError, match="read-only") as told, reconnecting(dsn):
        pass
    assert told.value.retryable


def test_a_server_that_shuts_down_is_waited_for(
    own_server: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    postmaster = int((data_folder(own_server) / "postmaster.pid").read_text().split()[0])
    with psycopg.connect(own_server.dsn()):
        os.kill(postmaster, signal.SIGTERM)  # it ends once the last client has left
        told = one_line(capsys, own_server.dsn())
        while "shutting down" not in told:
            told = one_line(capsys, own_server.dsn())
    assert "try again when the server is up" in told


@contextmanager
def full_disk(server: EmbeddedPostgres, table: str) -> Iterator[None]:
    """Let no page be added to an empty table: the kernel says of its file what it says of a full disk."""
    with psycopg.connect(server.dsn()) as administrator:
        row = administrator.execute("select pg_relation_filepath(%s::regclass)", [table]).fetchone()
    assert row
    file = data_folder(server) / row[0]
    kept = file.with_suffix(".kept")
    file.rename(kept)
    file.symlink_to("/dev/full")
    try:
        yield
    finally:
        file.unlink()
        kept.rename(file)


def test_a_full_disk_is_told_and_costs_nothing(
    own_server: EmbeddedPostgres,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "codes.csv"
    file.write_bytes((SAMPLES / "promo_codes.csv").read_bytes())
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", own_server.dsn())
    context: Any = {"run_id": "manual", "outlet_events": {}}
    block = LoadPromoCodesOperator(task_id="load", files=str(file))
    with full_disk(own_server, "promo.promo_code"):
        command = one_line(capsys, own_server.dsn(), "codes", "load", str(file))
        with pytest.raises(DatabaseUnavailableError, match="the disk of the promo database is full") as told:
            block.execute(context)
    assert "the disk of the promo database is full; make room on the server" in command
    assert told.value.retryable
    assert told.value.__suppress_context__, "the log shows one line, not the driver's traceback"
    assert file.exists(), "the file waits for the retry"
    assert main(["codes", "load", str(file), "--dsn", own_server.dsn()]) == 0
