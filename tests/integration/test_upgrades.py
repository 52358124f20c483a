"""A store with work under way is brought from each revision to the newest, and its run goes on to its end."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.types.json import Jsonb

from databases import database_of, new_database
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, states
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run, read_run
from promo_campaigns.ledger.unknown_sends import record_unknown
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import SCRIPTS, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from promo_campaigns.model.run import Lease
    from promo_campaigns.postgres.connection import Connection

CONTACTS = 12
FORMER_NAMES = {"generation": "resend_counter"}
COPIED = (
    "code_file",
    "contact",
    "contact_channel",
    "promo_code",
    "code_stock",
    "run",
    "run_count",
    "code_demand",
    "assignment",
    "unknown_send",
    "attempt",
)
COMPARED = ("contact", "contact_channel", "promo_code", "run", "assignment", "attempt")


def revisions() -> list[str]:
    """Return the revisions, the first one first, but for the newest."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][:0:-1]


def scripts_until(folder: Path, newest: str) -> Path:
    """Return a folder of the migrations up to one."""
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    known = revisions()
    for file in (folder / "versions").glob("[0-9]*.py"):
        if file.stem not in known[: known.index(newest) + 1]:
            file.unlink()
    return folder


def results(lease: Lease, outcome: Outcome) -> list[DeliveryResult]:
    return [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]


@pytest.fixture(scope="module")
def under_way(module_dsn: str) -> Iterator[Connection]:
    """Return a store with contacts of a run in every state in which work is under way, and another run that waits."""
    with connect(module_dsn) as store:
        ids = add_contacts(store, CONTACTS)
        add_codes(store, 3 * CONTACTS)
        run = open_welcome(store)
        ledger = PostgresLedger(store)
        ledger.assign_codes(run.run_id, ids[:10], CODES)
        lease = ledger.begin_messages(run.run_id, ids[:4], lease_s=600, resend_within_s=0)
        ledger.record_message_outcomes(lease, results(lease, Outcome.OK))
        profiles = ledger.begin_profiles(run.run_id, ids[:2], lease_s=600)
        ledger.record_profile_outcomes(profiles, results(profiles, Outcome.OK))
        lease = ledger.begin_messages(run.run_id, ids[4:5], lease_s=600, resend_within_s=0)
        ledger.record_message_outcomes(lease, results(lease, Outcome.REFUSED))
        lease = ledger.begin_messages(run.run_id, ids[5:6], lease_s=600, resend_within_s=0)
        ledger.record_message_outcomes(lease, results(lease, Outcome.UNKNOWN))
        ledger.begin_messages(run.run_id, ids[6:8], lease_s=600, resend_within_s=0)
        open_run(store, SPEC, run_key="welcome/edition/two")
        assert states(store, run) == {
            "recorded": 2, "accepted": 2, "rejected": 1, "unknown": 1, "sending": 2, "assigned": 2, "pending": 2,
        }  # fmt: skip
        yield store


def columns(store: Connection, table: str) -> list[str]:
    rows = store.execute(
        "select attname as name from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
        " and attgenerated = '' order by attnum",
        [f"promo.{table}"],
    ).fetchall()
    return [row["name"] for row in rows]


def copy(store: Connection, former: Connection, table: str) -> None:
    """Copy the rows of a table, as far as the former store has its columns."""
    there = columns(former, table)
    known = {FORMER_NAMES.get(name, name): name for name in there}
    both = [name for name in columns(store, table) if name in known]
    if not both:
        return
    read = sql.SQL("select {} from promo.{}").format(
        sql.SQL(", ").join(map(sql.Identifier, both)), sql.Identifier(table)
    )
    put = sql.SQL("insert into promo.{} ({}) overriding system value values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(known[name]) for name in both),
        sql.SQL(", ").join([sql.Placeholder()] * len(both)),
    )
    for row in store.execute(read).fetchall():
        former.execute(put, [written(row[name]) for name in both])


def written(value: Any) -> Any:  # noqa: ANN401  (of any column)
    return Jsonb(value) if isinstance(value, dict) else value


def take_over(store: Connection, dsn: str) -> None:
    """Put what is under way into a store of a former revision, as it was there: rows, kept counts and sequences."""
    with connect(dsn) as former:
        with former.transaction():
            former.execute("set local session_replication_role = replica")
            for table in COPIED:
                copy(store, former, table)
        for row in store.execute("select sequencename as name, last_value from pg_sequences where last_value > 0"):
            if former.execute("select to_regclass(%s) as there", [f"promo.{row['name']}"]).fetchone() != {
                "there": None
            }:
                former.execute("select setval(%s::regclass, %s)", [f"promo.{row['name']}", row["last_value"]])


def rows_of(store: Connection, table: str, names: Sequence[str]) -> list[dict[str, Any]]:
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    return store.execute(
        sql.SQL("select {} from promo.{} order by 1, 2").format(listed, sql.Identifier(table))
    ).fetchall()


def go_on(store: Connection) -> None:
    """Do the rest of the run as its workers would once the leases are over."""
    run = read_run(store, 1)
    ledger = PostgresLedger(store)
    ids = [row["contact_id"] for row in store.execute("select contact_id from promo.contact order by 1").fetchall()]
    store.execute("update promo.assignment set lease_until = now() - interval '1 s' where lease_until is not null")
    ledger.assign_codes(run.run_id, ids[10:], CODES)
    lease = ledger.begin_messages(run.run_id, ids, lease_s=600, resend_within_s=0)
    assert len(lease.recipients) == 4  # what is of unknown outcome is not sent again
    ledger.record_message_outcomes(lease, results(lease, Outcome.OK))
    assert states(store, run)["unknown"] == 3
    record_unknown(store, run.run_id, ids, Outcome.OK)
    profiles = ledger.begin_profiles(run.run_id, ids, lease_s=600)
    ledger.record_profile_outcomes(profiles, results(profiles, Outcome.OK))
    close_run(store, run.run_id)
    assert states(store, run) == {"recorded": CONTACTS - 1, "rejected": 1}


@pytest.mark.parametrize("revision", revisions())
def test_nothing_is_lost_and_the_run_goes_on(
    under_way: Connection, postgres_server: str, tmp_path: Path, revision: str
) -> None:
    with new_database(postgres_server, "promo_upgrade") as name:
        dsn = database_of(postgres_server, name)
        migrate(dsn, scripts=scripts_until(tmp_path / "migrations", revision))
        take_over(under_way, dsn)
        with connect(dsn) as former:
            carried = {table: [FORMER_NAMES.get(one, one) for one in columns(former, table)] for table in COMPARED}
        migrate(dsn)
        with connect(dsn) as store:
            for table, names in carried.items():
                known = [one for one in names if one in columns(store, table)]
                assert rows_of(store, table, known) == rows_of(under_way, table, known), table
            assert check_invariants(store) == []
            go_on(store)
            assert check_invariants(store) == []
