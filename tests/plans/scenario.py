"""The store in which the queries are asked: a long history, and one campaign under way."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import ClientCursor
from psycopg.rows import dict_row

from plans.cases import BATCH, Case
from plans.plan import Plan
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plans.cases import Step
    from promo_campaigns.postgres.connection import Connection

_BLOCK = re.compile(r"^-- [a-z_]+ --\n(.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the queries are asked about."""

    people: int
    run_id: int
    empty_run_id: int
    contact_ids: list[int]
    code_file_id: int
    sha256: bytes
    import_id: int
    session_id: str
    next_audit_id: int
    token: int
    now: datetime
    event_run_ids: list[int]

    @classmethod
    def nowhere(cls) -> Scenario:
        """Return one in no store, to list what there is to ask."""
        return cls(
            people=0,
            run_id=0,
            empty_run_id=0,
            contact_ids=[],
            code_file_id=0,
            sha256=b"",
            import_id=0,
            session_id="",
            next_audit_id=0,
            token=0,
            now=datetime.now(timezone.utc),
            event_run_ids=[],
        )

    def shared_terms(self) -> dict[str, Any]:
        """Return the parameters that queries share."""
        batch = self.contact_ids[:BATCH]
        return {
            "run_id": self.run_id,
            "run_ids": [self.run_id],
            "run_key": f"present/{self.people}",
            "contact_ids": bigint_array(batch),
            "first": batch[0],
            "last": batch[-1],
            "zone": "UTC",
            "outcomes": text_array(["ok"] * len(batch)),
            "details": text_array([""] * len(batch)),
            "answers": ["{}"] * len(batch),
            "contact_id": batch[6],
            "external_id": f"customer-{batch[6]}",
            "code_file_id": self.code_file_id,
            "type": "Welcome",
            "discount": 10,
            "days": 7,
            "code_type": "Welcome",
            "limit": 20,
            "lease_s": 60.0,
            "resend_within_s": 86400.0,
            "source": 0,
            "shows_code": True,
            "at": self.now,
            "claim_id": None,
            "token": self.token,
            "purpose": "message",
            "repair": False,
        }


def build_history(connection: Connection, first: int, last: int) -> None:
    """Let the history grow from so many contacts, and as many runs, to so many; and let the planner know."""
    if not first:
        _prepare(connection)
    with _without_indexes(connection):
        connection.execute("set session_replication_role = replica")
        for statement in _statements("history.sql"):
            _run(connection, statement, first=first, last=last)
        connection.execute("reset session_replication_role")
    connection.execute("drop table audience")
    connection.execute("analyze")


def build_present(connection: Connection, people: int) -> Scenario:
    """Add a campaign under way, of which the planner has not heard."""
    connection.execute("set session_replication_role = replica")
    for statement in _statements("present.sql"):
        _run(connection, statement, last=people)
    connection.execute("reset session_replication_role")
    contacts = [row["contact_id"] for row in connection.execute("select contact_id from present order by 1").fetchall()]
    connection.execute("drop table present, given")
    row = connection.execute(_READ, {"people": people}).fetchone()
    assert row is not None
    return Scenario(
        people=people,
        contact_ids=contacts,
        event_run_ids=[n for n in range(1, 5001) if n % 334],
        token=9_000_000_000,
        now=datetime.now(timezone.utc),
        **row,
    )


_READ = """
select (select run_id from promo.run where run_key = 'present/' || %(people)s) as run_id,
       (select run_id from promo.run where run_key = 'empty/' || %(people)s) as empty_run_id,
       (select max(code_file_id) from promo.code_file) as code_file_id,
       (select sha256 from promo.code_file where code_file_id = 7) as sha256,
       (select max(contact_import_id) from promo.contact_import) as import_id,
       (select session_id::text from promo.contact_import where contact_import_id = 7) as session_id,
       (select nextval(pg_get_serial_sequence('promo.audit', 'audit_id')) + 1) as next_audit_id
"""


def ask(connection: Connection, scenario: Scenario, name: str, case: Case) -> Plan:
    """Run a query as the product does, in a transaction that is rolled back, and return its plan."""
    with connection.transaction(force_rollback=True):
        for step in case.before:
            _do(connection, scenario, step)
        text = query_of(name)
        for place, fill in case.fills.items():
            text = text.replace(place, fill)
        text = text.rstrip().rstrip(";")
        if case.fetched is not None:
            text = f"select * from (\n{text}\n) q limit {case.fetched}"  # noqa: S608  (a named query)
        return explain(connection, text, {**scenario.shared_terms(), **case.terms})


def explain(connection: Connection, text: str, terms: Mapping[str, object]) -> Plan:
    """Run a statement and return its plan."""
    before = _read_through(connection)
    row = connection.execute(f"explain (analyze, buffers, timing off, format json) {text}", terms).fetchone()
    assert row is not None
    after = _read_through(connection)
    read = {table: rows - before.get(table, 0) for table, rows in after.items() if rows > before.get(table, 0)}
    return Plan(row["QUERY PLAN"][0]["Plan"], read)


def query_of(name: str) -> str:
    """Return the text of a query by its full name; what follows an @ tells ways to ask it apart."""
    module, _, query = name.partition("@")[0].rpartition(".")
    return queries(f"promo_campaigns.{module}")[query]


def _do(connection: Connection, scenario: Scenario, step: Step) -> None:
    text, terms = (step, {}) if isinstance(step, str) else (query_of(step[0]), step[1])
    if isinstance(step, str) and "update promo.run" in step:
        connection.execute("set local session_replication_role = replica")
    connection.execute(text, {**scenario.shared_terms(), **terms} if "%(" in text else None)
    if isinstance(step, str):
        connection.execute("set local session_replication_role = origin")


def _read_through(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        "select relname, seq_tup_read from pg_stat_xact_user_tables where schemaname = 'promo' and seq_tup_read > 0"
    ).fetchall()
    return {row["relname"]: row["seq_tup_read"] for row in rows}


def _prepare(connection: Connection) -> None:
    """Leave statistics to the test, and make what does not grow."""
    connection.execute("set work_mem = '256MB'")
    connection.execute("set maintenance_work_mem = '256MB'")
    for row in connection.execute(
        "select relname from pg_class where relnamespace = 'promo'::regnamespace and relkind = 'r'"
    ).fetchall():
        connection.execute(f"alter table promo.{row['relname']} set (autovacuum_enabled = false)")
    connection.execute(
        "insert into promo.contact_field (contact_field_id, name, type)"
        " select n, 'f' || n, 'textfield' from generate_series(1, 2) n"
    )


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Take the indexes away that are no constraint: they are built faster than they grow."""
    indexes = connection.execute(
        "select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition"
        " from pg_index i join pg_class c on c.oid = i.indrelid"
        " where c.relnamespace = 'promo'::regnamespace and not exists ("
        "   select from pg_constraint k where k.conindid = i.indexrelid)"
    ).fetchall()
    for index in indexes:
        connection.execute(f"drop index {index['name']}")
    yield
    for index in indexes:
        connection.execute(index["definition"])


def _statements(file: str) -> Iterator[str]:
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    return (block[1] for block in _BLOCK.finditer(text))


def _run(connection: Connection, statement: str, **terms: int) -> None:
    """Run statements with their parameters put in: several in one text cannot have any."""
    ClientCursor(connection, row_factory=dict_row).execute(statement, terms)
