"""The migrations lead to schema.sql, from nothing and from a store of the version before, with its open runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from integration.catalog import schema_of
from integration.scenario import CODES
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, read_run
from promo_campaigns.ledger.unknown_sends import list_unknown, record_unknown
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import SCRIPTS, migrate

if TYPE_CHECKING:
    from promo_campaigns.model.run import Lease

SCHEMA_SQL = SCRIPTS.parent / "schema.sql"
FORMER_STORE = Path(__file__).parent / "data" / "store_at_0021.sql"
OPEN_RUN, REFUSED = 2, 7
"""In the store of the version before: the run that is open, and whom the receiver refused in it."""
MARK = "create table promo.alembic_version (version_num varchar(32) constraint alembic_version_pkc primary key)"


@pytest.fixture
def former_dsn(bare_dsn: str) -> str:
    """Return the DSN of a store that the version before has made and worked with."""
    with psycopg.connect(bare_dsn) as connection:
        connection.execute(FORMER_STORE.read_bytes())
    return bare_dsn


def test_the_migrations_lead_to_schema_sql(bare_dsn: str, dsn: str) -> None:
    with psycopg.connect(bare_dsn) as connection:
        connection.execute(f"create schema promo; {MARK}")
        connection.execute(SCHEMA_SQL.read_bytes())
    assert schema_of(bare_dsn) == schema_of(dsn)


def flat(rows: list[Any]) -> list[str]:
    """Leave parentheses out: a store that was dumped and restored has other ones around the same conditions."""
    return [" ".join(map(str, row)).translate({ord("("): None, ord(")"): None}) for row in rows]


def test_a_store_of_the_version_before_is_taken_over(former_dsn: str, dsn: str) -> None:
    told: list[str] = []
    migrate(former_dsn, tell=told.append)
    assert flat(schema_of(former_dsn)) == flat(schema_of(dsn))
    with connect(former_dsn) as store:
        assert check_invariants(store) == []
    told.clear()
    migrate(former_dsn, tell=told.append)
    assert told == []


def test_an_open_run_of_the_version_before_is_sent_to_its_end(former_dsn: str) -> None:
    migrate(former_dsn)
    with connect(former_dsn) as store:
        before = dict(PostgresLedger(store).held_codes(OPEN_RUN, range(1, 11)))
        record_unknown(store, OPEN_RUN, [row["contact_id"] for row in list_unknown(store)], Outcome.OK)
        _send_what_is_left(PostgresLedger(store))
        close_run(store, OPEN_RUN)
        found = PostgresLedger(store).states(OPEN_RUN, range(1, 11))
        after = dict(PostgresLedger(store).held_codes(OPEN_RUN, range(1, 11)))
        assert read_run(store, OPEN_RUN).closed
        assert check_invariants(store) == []
    assert {contact: found[contact] for contact in (REFUSED, 10)} == {REFUSED: "rejected", 10: "skipped"}
    assert set(found.values()) == {"recorded", "rejected", "skipped"}
    assert {contact: after[contact] for contact in before} == before


def _send_what_is_left(ledger: PostgresLedger) -> None:
    everybody = list(range(1, 11))
    ledger.assign_codes(OPEN_RUN, everybody, CODES)
    lease = ledger.begin_messages(OPEN_RUN, everybody, lease_s=60, resend_within_s=1e9)
    ledger.record_message_outcomes(lease, accepted(lease))
    lease = ledger.begin_profiles(OPEN_RUN, everybody, lease_s=60)
    ledger.record_profile_outcomes(lease, accepted(lease))


def accepted(lease: Lease) -> list[DeliveryResult]:
    """Return that everybody's call was answered ok."""
    return [DeliveryResult(contact_id=one.contact_id, outcome=Outcome.OK) for one in lease.recipients]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("update promo.alembic_version set version_num = '0020_bounded_cost'", "version before this one"),
        ("drop view promo.unknown_send_shown", "lacks unknown_send_shown"),
        ("alter table promo.run drop column forecast", "lacks run.forecast"),
        ("drop trigger assignment_transition on promo.assignment", "lacks assignment_transition"),
        ("alter table promo.run drop constraint run_cap", "lacks run_cap"),
        ("drop index promo.run_closed", "lacks run_closed"),
    ],
)
def test_a_store_that_the_version_before_has_not_finished_is_left_alone(
    former_dsn: str, change: str, named: str
) -> None:
    with psycopg.connect(former_dsn) as connection:
        connection.execute(change)
    before = schema_of(former_dsn)
    with pytest.raises(ConfigurationError, match=named):
        migrate(former_dsn)
    assert schema_of(former_dsn) == before
