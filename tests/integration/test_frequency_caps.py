"""Frequency caps: what counts, what does not, and that two runs at once cannot both find room."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, states, tamper
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

MESSAGE_ONLY = replace(SPEC, data_sources=())
WAITS_FOR_A_LOCK = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def capped(cap: str, spec: RunSpec = MESSAGE_ONLY) -> RunSpec:
    return replace(spec, limits=Limits(frequency_cap=cap))


def start(store: Connection, key: str, spec: RunSpec) -> Run:
    return open_run(store, spec, run_key=f"welcome/edition/{key}")


def claim(store: Connection, run: Run, contact_ids: list[int]) -> list[int]:
    """Claim codes and return for whom."""
    return [who for who, _ in PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)]


def send(store: Connection, run: Run, contact_ids: list[int], outcome: Outcome = Outcome.OK) -> None:
    ledger = PostgresLedger(store)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]
    )


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(Outcome.OK, True), (Outcome.UNKNOWN, True), (Outcome.LATER, True), (Outcome.REFUSED, False)],
)
def test_what_may_have_been_received_counts_and_what_was_refused_does_not(
    store: Connection,
    outcome: Outcome,
    counts: bool,  # noqa: FBT001  (the expected value)
) -> None:
    (contact,) = add_contacts(store, 1)
    add_codes(store, 2)
    first = start(store, "first", MESSAGE_ONLY)
    claim(store, first, [contact])
    send(store, first, [contact], outcome)
    second = start(store, "second", capped("1/7d"))
    assert claim(store, second, [contact]) == ([] if counts else [contact])
    assert free_codes(store) == 1
    assert states(store, second) == ({"skipped": 1} if counts else {"assigned": 1})
    assert check_invariants(store) == []


def test_a_code_that_is_held_counts_before_its_message_is_sent(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    add_codes(store, 6)
    claim(store, start(store, "first", MESSAGE_ONLY), contacts[:1])
    second = start(store, "second", capped("1/24h"))
    assert claim(store, second, contacts) == contacts[1:]
    assert claim(store, second, contacts) == contacts[1:], "a repeated task changes nothing"
    reasons = store.execute("select reason from promo.assignment where state = 'skipped'").fetchall()
    assert [row["reason"] for row in reasons] == ["capped"]


def test_only_the_same_channel_and_the_time_of_the_cap_count(store: Connection) -> None:
    (contact,) = add_contacts(store, 1)
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value) values (%s, 'sms', '380500000001')", [contact]
    )
    add_codes(store, 4)
    by_sms = replace(MESSAGE_ONLY, message=replace(MESSAGE_ONLY.message, channel="sms"))
    first, second = start(store, "first", by_sms), start(store, "second", MESSAGE_ONLY)
    for run in (first, second):
        claim(store, run, [contact])
        send(store, run, [contact])
    store.execute("set session_replication_role = replica")
    store.execute("update promo.attempt set started_at = started_at - interval '25 h'")
    store.execute("set session_replication_role = origin")
    assert claim(store, start(store, "third", capped("1/26h")), [contact]) == []
    assert claim(store, start(store, "fourth", capped("1/24h")), [contact]) == [contact]


def test_the_capped_may_be_reached_when_the_run_is_opened_again_later(store: Connection) -> None:
    (contact,) = add_contacts(store, 1)
    add_codes(store, 2)
    first, second = start(store, "first", MESSAGE_ONLY), start(store, "second", capped("1/24h"))
    claim(store, first, [contact])
    send(store, first, [contact])
    assert claim(store, second, [contact]) == []
    close_run(store, second.run_id)
    start(store, "second", capped("1/24h"))
    assert claim(store, second, [contact]) == []
    close_run(store, second.run_id)
    store.execute("set session_replication_role = replica")
    store.execute("update promo.attempt set started_at = started_at - interval '25 h'")
    store.execute("set session_replication_role = origin")
    start(store, "second", capped("1/24h"))
    assert claim(store, second, [contact]) == [contact]


def test_runs_that_race_for_the_same_contacts_do_not_both_find_room(store: Connection, dsn: str) -> None:
    """Six runs at once, a cap of two: each contact is given two codes, whichever run comes first."""
    contacts = add_contacts(store, 120)
    add_codes(store, 6 * 120)
    runs = [start(store, f"run-{number}", capped("2/7d")) for number in range(6)]
    together = Barrier(len(runs))

    def race(run: Run) -> None:
        with connect(dsn) as connection:
            ledger = PostgresLedger(connection)
            together.wait(30)
            for place in range(0, 120, 30):
                ledger.assign_codes(run.run_id, list(reversed(contacts[place : place + 30])), CODES)

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(race, runs))
    held = store.execute(
        "select count(promo_code_id) as codes from promo.assignment group by contact_id order by 1"
    ).fetchall()
    assert [row["codes"] for row in held] == [2] * 120
    assert free_codes(store) == 4 * 120
    assert check_invariants(store) == []


def test_a_contact_put_back_during_a_claim_is_not_claimed_for_uncounted(store: Connection, dsn: str) -> None:
    """Another run of the same task opens the run again, and its commit falls between two statements of the claim."""
    first, second = add_contacts(store, 2)
    add_codes(store, 4)
    other, run = start(store, "other", MESSAGE_ONLY), start(store, "capped", capped("1/7d"))
    claim(store, other, [first, second])
    send(store, other, [first, second])
    assert claim(store, run, [second]) == []
    with connect(dsn) as reopening, ThreadPoolExecutor(1) as background_executor, connect(dsn) as claiming:
        with reopening.transaction():
            reopening.execute("select from promo.assignment where run_id = %s for update", [run.run_id])
            reopening.execute(
                "update promo.assignment set state = 'pending', reason = null where run_id = %s and contact_id = %s",
                [run.run_id, second],
            )
            claimed = background_executor.submit(claim, claiming, run, [first, second])
            while not claimed.done() and not store.execute(WAITS_FOR_A_LOCK).rowcount:
                pass
        assert claimed.result(30) == []
    assert states(store, run) == {"skipped": 1, "pending": 1}
    assert claim(store, run, [first, second]) == []
    assert states(store, run) == {"skipped": 2}


def test_a_code_that_is_exchanged_is_weighed_against_the_cap_again(store: Connection) -> None:
    (contact,) = add_contacts(store, 1)
    add_codes(store, 3)
    run = start(store, "first", capped("1/7d"))
    claim(store, run, [contact])
    other = start(store, "other", MESSAGE_ONLY)
    claim(store, other, [contact])
    send(store, other, [contact])
    tamper(store, "update promo.promo_code set expires_at = promo.clock() + interval '1 h' where issued_at is not null")
    send(store, run, [contact])
    assert states(store, run) == {"skipped": 1}
    assert check_invariants(store) == []


def test_the_invariant_sees_who_was_written_to_too_often(store: Connection, dsn: str) -> None:
    (contact,) = add_contacts(store, 1)
    add_codes(store, 2)
    for key, spec in (("first", MESSAGE_ONLY), ("second", capped("2/7d"))):
        run = start(store, key, spec)
        claim(store, run, [contact])
        send(store, run, [contact])
    assert check_invariants(store) == []
    with psycopg.connect(dsn, autocommit=True) as intruder:
        intruder.execute("update promo.run set cap_messages = 1 where cap_messages is not null")
    assert [violation.invariant for violation in check_invariants(store)] == ["cap_kept"]
