"""A store is brought to the present schema under its readers, whatever is killed, locked or begun twice meanwhile."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.script import ScriptDirectory

from integration.catalog import schema_of
from promo_campaigns.model.errors import StoreUnavailableError
from promo_campaigns.postgres.migrations import SCRIPTS, migrate
from promo_campaigns.postgres.migrations.former import FIRST
from promo_campaigns.postgres.migrations.steps import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = "9999_later"
NEWEST = ScriptDirectory(str(SCRIPTS)).get_current_head()
LATER_SQL = Path(__file__).parent / "data" / f"{LATER}.sql"
PARTS = len(parts_of(LATER_SQL.read_text()))
REVISION = f"""
from promo_campaigns.postgres.migrations import run_sql_file

revision = "{LATER}"
down_revision = "{NEWEST}"


def upgrade() -> None:
    run_sql_file("{LATER}")
"""
MIGRATE = """
import sys
from pathlib import Path
from promo_campaigns.postgres.migrations import migrate
migrate(sys.argv[1], scripts=Path(sys.argv[2]), tell=lambda part: print(part, flush=True))
"""

FILL = """
set session_replication_role = replica;
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
  values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0);
insert into promo.promo_code (expires_at, issued_at, held_by, code_file_id, line, discount, retired, code, type)
  select now() + interval '1 year', now(), case when n % 2 = 1 then n end, 1, n, 10, false, 'CODE-' || n, 'W'
  from generate_series(1, {rows}) n;
insert into promo.contact (external_id) select 'c' || n from generate_series(1, {rows} / 10) n;
insert into promo.run (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records)
  select 'run-' || n, 'w', '{{}}', sha256('x'), 'm', 'email', 'W', 10, 0, false from generate_series(1, {runs}) n;
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
def scripts(tmp_path: Path) -> Path:
    """Return a folder of migrations with one more revision than the package has."""
    folder = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(LATER_SQL, folder)
    (folder / "versions" / f"{LATER}.py").write_text(REVISION)
    return folder


@pytest.fixture
def later(bare_dsn: str, scripts: Path) -> list[Any]:
    """Return the schema of a database that the later revision was there for from the beginning."""
    migrate(bare_dsn, scripts=scripts)
    return schema_of(bare_dsn)


def fill(dsn: str, rows: int, runs: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(FILL.format(rows=rows, runs=runs))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze")


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


def test_nobody_is_shut_out_for_a_second_while_a_million_codes_are_migrated(dsn: str, scripts: Path) -> None:
    fill(dsn, rows=1_000_000, runs=1_000)
    with reading(dsn) as longest:
        migrate(dsn, scripts=scripts)
    assert max(longest.values()) < 1, longest
    assert owners_of(dsn) == 500_000


def owners_of(dsn: str) -> int:
    """Return how many codes the later revision has filled in."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*) from promo.promo_code where owner is not null").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def migrating(dsn: str, scripts: Path) -> Iterator[subprocess.Popen[str]]:
    """Migrate in a process of its own, which says before each part which it is."""
    command = [sys.executable, "-c", MIGRATE, dsn, str(scripts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_migration_that_is_killed_again_and_again_is_taken_up_where_it_was(
    dsn: str, scripts: Path, later: list[Any]
) -> None:
    fill(dsn, rows=50_000, runs=100)
    kills, told = 0, [""]
    while told:
        with migrating(dsn, scripts) as process:
            assert process.stdout is not None
            told = list(islice(process.stdout, 3))  # the third is begun when it dies
        kills += process.returncode == -signal.SIGKILL
    assert kills >= PARTS // 3
    assert schema_of(dsn) == later
    assert owners_of(dsn) == 25_000


def test_two_migrations_at_once_wait_for_each_other(dsn: str, scripts: Path, later: list[Any]) -> None:
    fill(dsn, rows=25_000, runs=100)
    with migrating(dsn, scripts) as one, migrating(dsn, scripts) as other:
        parts = [line for process in (one, other) for line in process.communicate()[0].splitlines()]
        assert [one.returncode, other.returncode] == [0, 0]
    assert len(parts) == len(set(parts)) == PARTS
    assert schema_of(dsn) == later


def test_readers_do_not_queue_behind_a_long_query(dsn: str, scripts: Path, later: list[Any]) -> None:
    fill(dsn, rows=1_000, runs=100)
    with psycopg.connect(dsn) as long_query:
        long_query.execute("select count(*) from promo.assignment")  # its lock stays until the transaction ends
        with reading(dsn) as longest, pytest.raises(StoreUnavailableError) as refused:
            migrate(dsn, patience_s=3, scripts=scripts)
        assert f"server process {long_query.info.backend_pid}" in str(refused.value)
        assert "promo.assignment" in str(refused.value)
    assert max(longest.values()) < 1, longest
    migrate(dsn, scripts=scripts)
    assert schema_of(dsn) == later


def test_an_index_that_was_not_finished_is_built_anew(dsn: str, scripts: Path, later: list[Any]) -> None:
    fill(dsn, rows=1_000, runs=100)
    with psycopg.connect(dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("create unique index concurrently contact_noted on promo.contact ((1))")
        left = connection.execute("select indisvalid from pg_index where indexrelid = 'promo.contact_noted'::regclass")
        assert left.fetchone() == (False,)
    migrate(dsn, scripts=scripts)
    assert schema_of(dsn) == later


def test_a_store_that_is_up_to_date_is_left_as_it_is(dsn: str) -> None:
    before = schema_of(dsn)
    told: list[str] = []
    migrate(dsn, tell=told.append)
    assert (schema_of(dsn), told) == (before, [])


TABLE = r"(?P<table>promo\.[a-z_]+)"
FREE = re.compile(
    r"(create (or replace )?function|comment on|(drop|alter) function|create (sequence|type)|create schema"
    r"|(grant|revoke) execute on function)\b"
)
ON_A_TABLE = (
    re.compile(rf"alter table {TABLE}\b"),
    re.compile(rf"(create|drop|alter) trigger [a-z_]+ .*?\bon {TABLE}\b"),
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


# The first revision is run by a new database only.
REVISIONS = [file for file in (*sorted(SCRIPTS.glob("*.sql")), LATER_SQL) if file.stem != FIRST]


@pytest.mark.parametrize("file", REVISIONS, ids=lambda file: file.stem)
def test_no_migration_looks_at_rows_while_it_shuts_readers_out(file: Path) -> None:
    assert problems_of(file.read_text()) == []


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
