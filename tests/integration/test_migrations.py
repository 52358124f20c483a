"""A store is brought to the present schema under its readers, whatever is killed, locked or begun twice meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.world import CODES, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.unknown_sends import judge_unknown, list_unknown
from promo_campaigns.model.errors import StoreUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import migrate
from promo_campaigns.postgres.migrations.steps import parts_of
from promo_campaigns.postgres.sql import migration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

FIRST = "0001_store"
NAMES = sorted(
    file.name.removesuffix(".sql")
    for file in (files("promo_campaigns.postgres") / "migrations").iterdir()
    if file.name.endswith(".sql")
)
MIGRATE = """
import sys
from promo_campaigns.postgres.migrations import migrate
migrate(sys.argv[1], tell=lambda part: print(part, flush=True))
"""

CATALOG = """
select 'column', c.relname, a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    a.attstattarget, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
  where c.relnamespace = 'promo'::regnamespace and c.relkind = 'r'
union all select 'table', c.relname, '', concat_ws(' ', c.reloptions, obj_description(c.oid)) from pg_class c
  where c.relnamespace = 'promo'::regnamespace and c.relkind = 'r'
union all select 'constraint', conrelid::regclass::text, conname,
    concat_ws(' ', pg_get_constraintdef(oid), convalidated)
  from pg_constraint where connamespace = 'promo'::regnamespace and contype <> 'n'
union all select 'index', indrelid::regclass::text, indexrelid::regclass::text,
    concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
  from pg_index where indrelid in (select oid from pg_class where relnamespace = 'promo'::regnamespace)
union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
  from pg_trigger where not tgisinternal
union all select 'function', '', oid::regprocedure::text, pg_get_functiondef(oid)
  from pg_proc where pronamespace = 'promo'::regnamespace
order by 1, 2, 3
"""

FILL = """
set session_replication_role = replica;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
  values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0);
insert into promo.promo_code (expires_at, issued_at, code_file_id, line, discount, retired, code, type)
  select now() + interval '1 year', now(), 1, n, 10, false, 'CODE-' || n, 'W' from generate_series(1, {rows}) n;
insert into promo.contact (external_id) select 'c' || n from generate_series(1, {rows} / 10) n;
insert into promo.run (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records)
  select 'run-' || n, 'w', '{{}}', sha256('x'), 'm', 'email', 'W', 10, 0, n % 2 = 0 from generate_series(1, {runs}) n;
insert into promo.assignment (run_id, contact_id, promo_code_id, state)
  select 1 + n % {runs}, n, n, 'accepted' from generate_series(1, {rows}, 2) n;
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, outcome, finished_at)
  select 1 + n % {runs}, n, n, n, 'message', 'ok', now() from generate_series(1, {rows} / 10) n;
"""

READS = {
    "promo_code": "select code from promo.promo_code where promo_code_id = 17",
    "contact": "select external_id from promo.contact where contact_id = 17",
    "run": "select run_key from promo.run where run_id = 7",
    "assignment": "select state from promo.assignment where run_id = 8 and contact_id = 7",
    "attempt": "select outcome from promo.attempt where attempt_id = 7",
}


@pytest.fixture
def old_dsn(bare_dsn: str) -> str:
    """Return the DSN of a database that has the first schema there was, without rows."""
    with psycopg.connect(bare_dsn) as connection:
        connection.execute("create schema promo")
        connection.execute(
            "create table promo.alembic_version (version_num varchar(32) constraint alembic_version_pkc primary key)"
        )
        connection.execute(migration(FIRST))
        connection.execute("insert into promo.alembic_version values (%s)", [FIRST])
    return bare_dsn


def fill(dsn: str, rows: int, runs: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(FILL.format(rows=rows, runs=runs))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def schema_of(dsn: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        connection.execute("set search_path = pg_catalog")
        return connection.execute(CATALOG).fetchall()


@contextmanager
def reading(dsn: str) -> Iterator[dict[str, float]]:
    """Read each table by its key, one connection a table, again and again; yield the longest wait of each."""
    longest = dict.fromkeys(READS, 0.0)
    stopped = threading.Event()

    def read(name: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not stopped.is_set():
                begun = time.monotonic()
                assert connection.execute(READS[name]).fetchone() is not None
                longest[name] = max(longest[name], time.monotonic() - begun)
                stopped.wait(0.005)

    with ThreadPoolExecutor(len(READS)) as readers:
        reads = [readers.submit(read, name) for name in READS]
        try:
            yield longest
        finally:
            stopped.set()
    for done in reads:
        done.result()


def test_nobody_is_shut_out_for_a_second_while_a_million_codes_are_migrated(old_dsn: str) -> None:
    fill(old_dsn, rows=1_000_000, runs=1_000)
    with reading(old_dsn) as longest:
        migrate(old_dsn)
    assert max(longest.values()) < 1, longest
    assert holders_of(old_dsn) == 500_000


def holders_of(dsn: str) -> int:
    """Return how many codes know who holds them."""
    with psycopg.connect(dsn) as connection:
        [count] = connection.execute("select count(*) from promo.promo_code where held_by is not null").fetchone() or (
            0,
        )
    return int(count)


@contextmanager
def migrating(dsn: str) -> Iterator[subprocess.Popen[str]]:
    """Migrate in a process of its own, which says before each part which it is."""
    with subprocess.Popen([sys.executable, "-c", MIGRATE, dsn], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_migration_that_is_killed_again_and_again_is_taken_up_where_it_was(old_dsn: str, dsn: str) -> None:
    fill(old_dsn, rows=50_000, runs=100)
    kills, told = 0, [""]
    while told:
        with migrating(old_dsn) as process:
            assert process.stdout is not None
            told = list(islice(process.stdout, 6))
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 6
    assert schema_of(old_dsn) == schema_of(dsn)
    assert holders_of(old_dsn) == 25_000


def test_two_migrations_at_once_wait_for_each_other(old_dsn: str, dsn: str) -> None:
    fill(old_dsn, rows=25_000, runs=100)
    with migrating(old_dsn) as one, migrating(old_dsn) as other:
        parts = [line for process in (one, other) for line in process.communicate()[0].splitlines()]
        assert [one.returncode, other.returncode] == [0, 0]
    assert len(parts) == len(set(parts)) > len(NAMES)
    assert schema_of(old_dsn) == schema_of(dsn)


def test_readers_do_not_queue_behind_a_long_query(old_dsn: str, dsn: str) -> None:
    fill(old_dsn, rows=1_000, runs=100)
    with psycopg.connect(old_dsn) as long_query:
        long_query.execute("select count(*) from promo.assignment")  # its lock stays until the transaction ends
        with reading(old_dsn) as longest, pytest.raises(StoreUnavailableError) as refused:
            migrate(old_dsn, patience_s=3)
        assert f"server process {long_query.info.backend_pid}" in str(refused.value)
        assert "promo.assignment" in str(refused.value)
    assert max(longest.values()) < 1, longest
    migrate(old_dsn)
    assert schema_of(old_dsn) == schema_of(dsn)


def test_an_index_that_was_not_finished_is_built_anew(old_dsn: str, dsn: str) -> None:
    fill(old_dsn, rows=1_000, runs=100)
    with psycopg.connect(old_dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("create unique index concurrently contact_erased on promo.contact ((1))")
        left = connection.execute("select indisvalid from pg_index where indexrelid = 'promo.contact_erased'::regclass")
        assert left.fetchone() == (False,)
    migrate(old_dsn)
    assert schema_of(old_dsn) == schema_of(dsn)


def test_a_store_that_is_up_to_date_is_left_as_it_is(dsn: str) -> None:
    before = schema_of(dsn)
    told: list[str] = []
    migrate(dsn, tell=told.append)
    assert (schema_of(dsn), told) == (before, [])


def fill_of(name: str, table: str) -> str:
    """Return the statement with which a migration fills a table that it made."""
    (part,) = (part for part in parts_of(migration(name)) if f"insert into {table} " in part.text and part.key)
    return part.text


def test_a_doubt_that_ends_while_doubts_are_gathered_is_not_kept(store: Connection, dsn: str) -> None:
    contact_ids = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.settle_messages(lease, [DeliveryResult(contact_id=one, outcome=Outcome.UNKNOWN) for one in contact_ids])
    store.execute("truncate promo.unknown_send")
    blocked = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with connect(dsn) as migrating, connect(dsn) as worker, ThreadPoolExecutor(1) as pool:
        with migrating.transaction():
            migrating.execute(fill_of("0020_bounded_cost", "promo.unknown_send"), {"low": 0, "high": run.run_id})
            judged = pool.submit(judge_unknown, worker, run.run_id, contact_ids[:1], Outcome.OK)
            while not judged.done() and not store.execute(blocked).rowcount:
                pass
        assert judged.result() == 1
    assert check_invariants(store) == []
    assert [row["contact_id"] for row in list_unknown(store)] == contact_ids[1:]


def test_codes_that_are_claimed_before_the_demand_is_counted_are_no_part_of_it(store: Connection) -> None:
    """And counting it again changes nothing."""
    contact_ids = add_contacts(store, 5)
    add_codes(store, 5)
    run = open_welcome(store)
    store.execute("truncate promo.code_demand")
    PostgresLedger(store).assign_codes(run.run_id, contact_ids[:2], CODES)
    for _ in range(2):
        store.execute(fill_of("0017_order_and_counts", "promo.code_demand"), {"low": 0, "high": run.run_id})
        assert check_invariants(store) == []


TABLE = r"(?P<table>promo\.[a-z_]+)"
FREE = re.compile(r"(create (or replace )?function|comment on|drop function|create (sequence|type)|create schema)\b")
ON_A_TABLE = (
    re.compile(rf"alter table {TABLE}\b"),
    re.compile(rf"(create|drop) trigger [a-z_]+ .*?\bon {TABLE}\b"),
    re.compile(rf"create (unique )?index (?P<index>[a-z_]+) on {TABLE}\b"),
    re.compile(rf"(?P<rows>update|delete from|insert into) {TABLE}\b"),
)
BY_NAME = re.compile(r"(drop index|alter index|drop table|drop view|create (or replace )?view)\b")
LOOKS_AT_ROWS = re.compile(
    r"\bset not null\b|\bvalidate\b|\bset data type\b|\balter column [a-z_]+ type\b|\bgenerated\b"
)
ONLINE = re.compile(
    r"create (unique )?index concurrently [a-z_]+ on promo\.|drop index concurrently if exists promo\."
    r"|alter table promo\.[a-z_]+ (validate constraint [a-z_]+(, )?)+$"
    r"|alter table promo\.[a-z_]+ set \(fillfactor = \d+\)$"
    r"|insert into promo\.[a-z_]+ \([a-z_, ]+\) select .*$"
)


def statements_of(text: str) -> list[str]:
    """Return the statements, without comments, bodies of functions and texts, on one line each."""
    bare = re.sub(
        r"--[^\n]*|'(?:[^']|'')*'", "", re.sub(r"\$\$.*?\$\$|begin atomic.*?\nend;", ";", text, flags=re.DOTALL)
    )
    return [" ".join(statement.split()) for statement in bare.split(";") if statement.strip()]


def problems_of(text: str) -> list[str]:
    """Say what in a migration could shut readers out of a table with rows."""
    own = set(re.findall(r"create table (promo\.[a-z_]+)", text))
    problems = []
    for part in parts_of(text):
        statements = statements_of(part.text)
        if part.kind == "locked":
            problems += [f"{why}: {it}" for it in statements for why in _shuts_out(it, own, set(part.tables))]
        elif part.kind == "online" and not (len(statements) == 1 and ONLINE.match(statements[0])):
            problems.append(f"is not one statement that can be run online: {statements}")
        elif part.kind == "batches" and not (
            "%(low)s" in part.text and "%(high)s" in part.text and len(statements) == 1
        ):
            problems.append(f"is not one statement for a range: {statements}")
    return problems


def _shuts_out(statement: str, own: set[str], locked: set[str]) -> Iterator[str]:
    if FREE.match(statement) or BY_NAME.match(statement):
        return
    references = set(re.findall(r"\breferences (promo\.[a-z_]+)", statement))
    if references - own - locked:
        yield "refers to a table that the part does not name"
    if statement.startswith("create table"):
        return
    found = next(filter(None, (kind.match(statement) for kind in ON_A_TABLE)), None)
    if found is None:
        yield "is not known to leave rows alone"
    elif found["table"] not in own:
        yield from _looks_at_rows(statement, found, locked)


def _looks_at_rows(statement: str, found: re.Match[str], locked: set[str]) -> Iterator[str]:
    names = found.groupdict()
    if found["table"] not in locked:
        yield "alters a table that the part does not name"
    if names.get("index") or names.get("rows") or LOOKS_AT_ROWS.search(statement):
        yield "looks at the rows of a table that readers use"
    for clause in re.split(r", (?=(?:add|drop|alter) )", statement):
        if re.search(r"\badd (constraint|check|foreign|unique|primary)\b", clause):
            if not clause.endswith("not valid") and "using index" not in clause:
                yield "checks all rows: add it not valid, and validate it online"
        elif re.search(r"\b(check|references|unique|primary key)\b", clause) and " add " in f" {clause}":
            yield "checks all rows: name the constraint, add it not valid, and validate it online"


@pytest.mark.parametrize("name", [name for name in NAMES if name != FIRST])
def test_no_migration_looks_at_rows_while_it_shuts_readers_out(name: str) -> None:
    assert problems_of(migration(name)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alter table promo.run add column a text;", "does not name"),
        ("-- part: locked on promo.run --\nupdate promo.run set a = 1;", "looks at the rows"),
        ("-- part: locked on promo.run --\nalter table promo.run alter column a set not null;", "looks at the rows"),
        ("-- part: locked on promo.run --\nalter table promo.run add column a text check (a > '');", "checks all rows"),
        (
            "-- part: locked on promo.run --\nalter table promo.run add a int, add constraint c check (a > 1);",
            "checks all",
        ),
        ("-- part: locked on promo.run --\ncreate index i on promo.run (a);", "looks at the rows"),
        ("-- part: locked --\ncreate table promo.x (a bigint references promo.run);", "refers to a table"),
        ("-- part: locked --\nselect promo.fill();", "is not known"),
        ("-- part: online --\nupdate promo.run set a = 1;", "run online"),
        ("-- part: online --\ndrop index concurrently if exists promo.a; select 1;", "run online"),
        ("-- part: batches of promo.run by run_id --\nupdate promo.run set a = 1;", "for a range"),
    ],
)
def test_what_would_shut_readers_out_is_told(text: str, problem: str) -> None:
    assert problem in " ".join(problems_of(text))


@pytest.mark.parametrize("text", ["-- part: quickly --\nselect 1;", "select 1;\n-- part: locked --\nselect 2;"])
def test_a_file_whose_parts_cannot_be_told_apart_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="part"):
        parts_of(text)
