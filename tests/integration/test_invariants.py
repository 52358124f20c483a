"""A check costs in proportion to what is checked, whatever the planner believes, and tells what it finds in brief."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, tamper
from promo_campaigns.ledger.invariants import SHOWN, check_invariants, check_store, invariants, run_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

SMALL, LARGE = 200, 2_000


def sent(store: Connection, contacts: int, edition: int) -> int:
    """Send to new contacts, record their codes, close the run, and return its id."""
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts, prefix=f"E{edition}")
    store.execute("truncate public.audience")
    store.execute("insert into public.audience select unnest(%s::bigint[])", [contact_ids])
    run = open_run(store, SPEC, run_key=f"welcome/edition/{edition}", freeze=lambda run_id: freeze(store, run_id))
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    messages = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ok = [DeliveryResult(contact_id=one, outcome=Outcome.OK) for one in contact_ids]
    ledger.record_message_outcomes(messages, ok)
    ledger.record_profile_outcomes(ledger.begin_profiles(run.run_id, contact_ids, lease_s=60), ok)
    close_run(store, run.run_id)
    return run.run_id


def freeze(store: Connection, run_id: int) -> None:
    store.execute(
        "insert into promo.assignment (run_id, contact_id, needs_code)"
        " select %s, contact_id, true from public.audience",
        [run_id],
    )


def work(store: Connection, query: str, run_id: int | None) -> int:
    """Run a statement and count the rows its plan took up, all nodes together."""
    (row,) = store.execute(f"explain (analyze, timing off, format json) {query}", {"run_id": run_id}).fetchall()
    return round(_rows(row["QUERY PLAN"][0]["Plan"]))


def _rows(node: dict[str, Any]) -> float:
    removed = sum(float(value) for key, value in node.items() if key.startswith("Rows Removed by"))
    own = (float(node["Actual Rows"]) + removed) * float(node["Actual Loops"])
    return own + sum(_rows(child) for child in node.get("Plans", ()))


@pytest.fixture
def books(store: Connection) -> Connection:
    """Return a store that keeps no statistics, with so little memory that no subquery is hashed."""
    store.execute("create table public.audience (contact_id bigint)")
    for table in ("assignment", "attempt", "promo_code", "run", "code_demand"):
        store.execute(f"alter table promo.{table} set (autovacuum_enabled = false)")
    store.execute("set work_mem = '64kB'")
    return store


@pytest.mark.parametrize("statistics", ["none", "of a small run"])
def test_the_check_of_a_run_costs_in_proportion_to_the_run(books: Connection, statistics: str) -> None:
    small = sent(books, SMALL, 1)
    if statistics == "of a small run":
        books.execute("analyze")
    large = sent(books, LARGE, 2)
    small_work = sum(work(books, query, small) for query in run_invariants().values())
    large_work = sum(work(books, query, large) for query in run_invariants().values())
    assert large_work <= 1.2 * LARGE / SMALL * small_work
    again = sum(work(books, query, small) for query in run_invariants().values())
    assert again <= 1.2 * small_work


@pytest.mark.parametrize("statistics", ["none", "of a small run"])
def test_the_check_of_the_store_costs_in_proportion_to_the_store(books: Connection, statistics: str) -> None:
    sent(books, SMALL, 1)
    if statistics == "of a small run":
        books.execute("analyze")
    small_work = sum(work(books, query, None) for query in invariants().values())
    sent(books, LARGE - SMALL, 2)
    large_work = sum(work(books, query, None) for query in invariants().values())
    assert large_work <= 1.2 * LARGE / SMALL * small_work


def test_what_is_broken_a_thousand_times_is_counted_and_not_listed(store: Connection) -> None:
    contact_ids = add_contacts(store, 1_000)
    add_codes(store, 1_000)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
    store.execute("set session_replication_role = replica")
    store.execute("update promo.promo_code set held_by = held_by + 1")
    (broken,) = check_invariants(store, run.run_id)
    assert (broken.invariant, broken.count, len(broken.rows)) == ("one_holder", 1_000, SHOWN)


def test_a_code_that_went_back_and_was_given_an_earlier_date_breaks_no_promise(store: Connection) -> None:
    """By an upload, as long as nobody holds it: the attempts that were refused with it are older."""
    contact_ids = add_contacts(store, 1)
    add_codes(store, 1)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=contact_ids[0], outcome=Outcome.REFUSED)])
    close_run(store, run.run_id)
    tamper(store, "update promo.promo_code set expires_at = now() - interval '1 day'")
    assert check_invariants(store) == []
    assert check_invariants(store, run.run_id) == []


def test_an_attempt_with_a_code_that_had_run_out_is_found(store: Connection) -> None:
    contact_ids = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    said = [Outcome.OK, Outcome.LATER]
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=who, outcome=what) for who, what in zip(contact_ids, said, strict=True)]
    )
    tamper(store, "update promo.promo_code set expires_at = now() - interval '1 day'")
    (broken,) = check_invariants(store, run.run_id)
    assert (broken.invariant, broken.count) == ("no_expired_code", 2)


def test_a_check_of_the_store_finds_what_a_check_on_one_connection_finds(store: Connection, dsn: str) -> None:
    contact_ids = add_contacts(store, 3)
    add_codes(store, 3)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
    store.execute("set session_replication_role = replica")
    store.execute("update promo.promo_code set held_by = held_by + 1, again = 1")
    told: list[str] = []
    found = check_store(dsn, told.append)
    assert {broken.invariant for broken in found} == {"one_holder", "pool_agrees"}
    assert found == check_invariants(store)
    assert told == []


def test_a_statement_that_takes_its_time_is_announced(store: Connection, dsn: str) -> None:
    told: Queue[str] = Queue()
    with ThreadPoolExecutor(1) as worker:
        with store.transaction():
            store.execute("lock table promo.contact_field_value in access exclusive mode")
            checking = worker.submit(check_store, dsn, told.put)
            assert told.get(timeout=30) == "erased: An erased contact has neither channels nor field values."
        assert checking.result(timeout=30) == []
