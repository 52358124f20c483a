"""A small scenario in a real store: contacts with a push token, codes of one pool, and a campaign over them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from psycopg import sql

from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.run_spec import Audience, CodeRequest, DataSource, Message, RunSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

CODES = CodeRequest(type="Welcome", discount=10, days=7)
EVERYBODY = Audience(name="all_contacts", sql="select contact_id from promo.contact")
PUSH = Message(name="promo_push", channel="mobilepush", title="Hi $!first_name", body="Code: $!data.get('promocode')")
PROFILE = DataSource(
    name="promo_to_profile",
    method="POST",
    connection="promo_profile_api",
    path="/api/v1/contact",
    headers={"Content-Type": "application/json"},
    body='{"contact": "$data.get(\'contact_unique_identifier\')", "code": "$data.get(\'promocode\')"}',
    format="json",
)
POINTS = DataSource(
    name="points",
    method="GET",
    connection="loyalty",
    path="/points/$contact_id",
    headers={},
    body="",
    format="json",
    before=True,
)
SPEC = RunSpec(workflow="welcome", audience=EVERYBODY, codes=CODES, message=PUSH, data_sources=(PROFILE,))


def add_contacts(connection: Connection, count: int, *, channel: str | None = "mobilepush") -> list[int]:
    """Add contacts, each with one locator of the channel, and return their ids."""
    rows = connection.execute(
        "insert into promo.contact (first_name) select 'Name ' || n from generate_series(1, %s) n returning contact_id",
        [count],
    ).fetchall()
    contact_ids = [int(row["contact_id"]) for row in rows]
    if channel is not None:
        connection.execute(
            "insert into promo.contact_channel (contact_id, type, value)"
            " select id, %s, 'token-' || id from unnest(%s) id",
            [channel, contact_ids],
        )
    return contact_ids


def add_codes(connection: Connection, count: int, *, days: float = 30, prefix: str = "CODE") -> list[str]:
    """Add free codes of the pool that expire in so many days, and return them in the order they are claimed."""
    digest = hashlib.sha256(prefix.encode()).digest()
    file = connection.execute(
        "insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)"
        " values ('codes.csv', %s, 0, 0, 0, 0, 0) returning code_file_id",
        [digest],
    ).fetchone()
    assert file is not None
    rows = connection.execute(
        "insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)"
        " select %s || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), 'Welcome', 10,"
        " now() + make_interval(secs => %s), false, %s, n"
        " from generate_series(1, %s) n returning code",
        [prefix, days * 86400, file["code_file_id"], count],
    ).fetchall()
    return [str(row["code"]) for row in rows]


def open_welcome(connection: Connection, key: str = "welcome/edition/one", spec: RunSpec = SPEC) -> Run:
    """Open the campaign's run."""
    return open_run(connection, spec, run_key=key)


def pass_days(connection: Connection, days: int) -> None:
    """Let the ledger's clock go on by so many days."""
    text = sql.SQL(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        " as $$ select clock_timestamp() + make_interval(days => {}) $$"
    )
    connection.execute(text.format(sql.Literal(days)))


def states(connection: Connection, run: Run) -> dict[str, int]:
    """Count the run's assignments by state."""
    rows = connection.execute(
        "select state::text as state, count(*) as n from promo.assignment where run_id = %s group by 1", [run.run_id]
    ).fetchall()
    return {str(row["state"]): int(row["n"]) for row in rows}


def free_codes(connection: Connection) -> int:
    """Count the codes that can be claimed."""
    row = connection.execute(
        "select count(*) as n from promo.promo_code where not retired and issued_at is null and expires_at > now()"
    ).fetchone()
    assert row is not None
    return int(row["n"])


def content(connection: Connection) -> tuple[int, int]:
    """Return how many rows the store has, and how many bytes they and their indexes take."""
    tables = connection.execute(
        "select relname, pg_total_relation_size(oid) as size from pg_class"
        " where relnamespace = 'promo'::regnamespace and relkind = 'r'"
    ).fetchall()
    count = sql.SQL("select count(*) as n from promo.{}")
    counts = [connection.execute(count.format(sql.Identifier(table["relname"]))).fetchone() for table in tables]
    return sum(int(row["n"]) for row in counts if row), sum(int(table["size"]) for table in tables)


GUARDS = {
    "promo.promo_code": ("promo_code_told", "promo_code_no_twin"),
    "promo.run": ("run_opened_with",),
    "promo.assignment": ("assignment_is_of_its_contact",),
}


def tamper(connection: Connection, statement: str, params: Sequence[object] | None = None) -> None:
    """Change what no statement can change, as an owner of the tables can who takes the guards away before."""
    with connection.transaction():
        for verb in ("disable", "enable"):
            for table, triggers in GUARDS.items():
                for trigger in triggers:
                    connection.execute(f"alter table {table} {verb} trigger {trigger}".encode())
            if verb == "disable":
                connection.execute(statement.encode(), params)
