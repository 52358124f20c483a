"""The ledger's protocol against a real store: claims, leases, evidence, folds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import CODES, add_codes, add_contacts, free_codes, open_welcome, states, tamper
from promo_campaigns.contacts.store import put_contact
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.contacts import Channel, Contact
from promo_campaigns.model.errors import LedgerConflictError, PoolShortageError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

DAY_S = 86400.0


def assigned(store: Connection, contacts: int = 3) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run whose contacts all hold a code."""
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    return ledger, run, contact_ids


def begin(
    ledger: PostgresLedger, run: Run, contacts: Sequence[int], *, lease_s: float = 60, resend: float = 0
) -> Lease:
    return ledger.begin_messages(run.run_id, contacts, lease_s=lease_s, resend_within_s=resend)


def answered(lease: Lease, outcome: Outcome, detail: str = "") -> list[DeliveryResult]:
    return [DeliveryResult(contact_id=to.contact_id, outcome=outcome, detail=detail) for to in lease.recipients]


def accepted(store: Connection, contacts: int = 3) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run whose contacts were all sent their message."""
    ledger, run, contact_ids = assigned(store, contacts)
    lease = begin(ledger, run, contact_ids)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.OK))
    return ledger, run, contact_ids


def lapse(store: Connection, run: Run) -> None:
    """Let every lease of the run be over."""
    store.execute("update promo.assignment set lease_until = now() - interval '1 s' where run_id = %s", [run.run_id])


def test_skipped_contacts_have_a_reason_and_cost_no_code(store: Connection) -> None:
    reachable = add_contacts(store, 3)
    add_contacts(store, 2, channel=None)
    (gone,) = add_contacts(store, 1)
    store.execute("update promo.contact_channel set unsubscribed_at = now() where contact_id = %s", [gone])
    add_codes(store, 10)
    run = open_welcome(store)
    (batch,) = read_batches(store, run, 100)
    ledger = PostgresLedger(store)
    assert ledger.reachable_contacts(batch) == reachable
    assert ledger.reachable_contacts(batch) == reachable
    rows = store.execute(
        "select reason, count(*) as n from promo.assignment where state = 'skipped' group by 1"
    ).fetchall()
    assert {row["reason"]: row["n"] for row in rows} == {"no channel": 2, "unsubscribed": 1}
    assert free_codes(store) == 10


def test_a_repeated_claim_returns_the_same_codes(store: Connection) -> None:
    contacts = add_contacts(store, 50)
    codes = add_codes(store, 60)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    first = ledger.assign_codes(run.run_id, contacts, CODES)
    assert first == ledger.assign_codes(run.run_id, contacts, CODES)
    assert first == list(zip(contacts, codes, strict=False))
    assert free_codes(store) == 10


def test_codes_that_expire_first_are_given_first(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2, days=60, prefix="LATE")
    soon = add_codes(store, 2, days=20, prefix="SOON")
    run = open_welcome(store)
    assert [code for _, code in PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)] == soon


def test_a_claim_that_falls_short_takes_nothing(store: Connection) -> None:
    contacts = add_contacts(store, 5)
    add_codes(store, 5)
    run = open_welcome(store)
    store.execute("update promo.promo_code set retired = true where line = 3")
    with pytest.raises(PoolShortageError, match="1 of 5 contacts got no code"):
        PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    assert states(store, run) == {"pending": 5}
    assert free_codes(store) == 4


def test_parallel_claims_never_share_a_code(dsn: str, store: Connection) -> None:
    """Eight workers claim overlapping batches of two runs on one pool."""
    contacts = add_contacts(store, 400)
    add_codes(store, 800)
    runs = [open_welcome(store, key) for key in ("welcome/edition/one", "welcome/edition/two")]

    def claim(worker: int) -> list[tuple[int, int, str]]:
        run = runs[worker % 2]
        with connect(dsn) as connection:
            ledger = PostgresLedger(connection)
            slices = [contacts[start : start + 100] for start in range(0, 400, 50)]
            return [
                (run.run_id, contact, code)
                for part in (slices if worker < 4 else reversed(slices))
                for contact, code in ledger.assign_codes(run.run_id, part, CODES)
            ]

    with ThreadPoolExecutor(8) as pool:
        held = {triple for triples in pool.map(claim, range(8)) for triple in triples}
    assert len(held) == 800
    assert len({code for _, _, code in held}) == 800


def test_the_database_refuses_a_code_for_two(store: Connection) -> None:
    _, run, contacts = assigned(store)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="assignment_code_is_the_contacts"):
        store.execute(
            "update promo.assignment set promo_code_id = (select min(promo_code_id) from promo.assignment)"
            " where run_id = %s and contact_id = %s",
            [run.run_id, contacts[-1]],
        )


@pytest.mark.parametrize("wanted", ["accepted", "recorded", "skipped"])
def test_the_database_refuses_an_illegal_state_change(store: Connection, wanted: str) -> None:
    assigned(store)
    with pytest.raises(psycopg.errors.CheckViolation):
        store.execute(
            "update promo.assignment set state = %s, promo_code_id = case when %s <> 'skipped' then promo_code_id end",
            [wanted, wanted],
        )


@pytest.mark.parametrize(
    "statement",
    [
        "delete from promo.attempt",
        "truncate promo.attempt",
        "update promo.attempt set outcome = 'refused'",
        "update promo.attempt set contact_id = contact_id + 1",
        "delete from promo.assignment",
    ],
)
def test_the_database_refuses_to_lose_evidence(store: Connection, statement: str) -> None:
    accepted(store)
    with pytest.raises(psycopg.errors.CheckViolation, match="keeps evidence"):
        store.execute(statement)


def test_an_intent_is_committed_and_leased_to_one(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    lease = begin(ledger, run, contacts)
    assert [to.contact_id for to in lease.recipients] == contacts
    assert begin(ledger, run, contacts).recipients == []
    assert states(store, run) == {"sending": 3}


def test_what_was_accepted_is_never_sent_again(store: Connection) -> None:
    ledger, run, contacts = accepted(store)
    assert begin(ledger, run, contacts, resend=DAY_S).recipients == []
    assert states(store, run) == {"accepted": 3}


def test_a_definite_refusal_gives_the_code_back(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.REFUSED, "HTTP 400"))
    rows = store.execute("select distinct state::text as state, reason, promo_code_id from promo.assignment").fetchall()
    assert rows == [{"state": "rejected", "reason": "HTTP 400", "promo_code_id": None}]
    assert free_codes(store) == 3


def test_a_refusal_for_now_can_be_tried_again(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.LATER, "HTTP 429"))
    assert states(store, run) == {"assigned": 3}
    assert [to.contact_id for to in begin(ledger, run, contacts).recipients] == contacts


def test_an_unknown_outcome_keeps_its_code_and_is_not_resent_without_a_key(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.UNKNOWN, "no answer in time"))
    assert begin(ledger, run, contacts, resend=0).recipients == []
    assert states(store, run) == {"unknown": 3}
    assert free_codes(store) == 0


def test_an_unknown_outcome_is_resent_under_a_key_within_the_window(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.UNKNOWN))
    again = begin(ledger, run, contacts, resend=DAY_S)
    ledger.record_message_outcomes(again, answered(again, Outcome.REFUSED, "HTTP 400"))
    assert states(store, run) == {"unknown": 3}, "a refusal after an unknown outcome proves nothing about the first try"
    last = begin(ledger, run, contacts, resend=DAY_S)
    ledger.record_message_outcomes(last, answered(last, Outcome.OK))
    assert states(store, run) == {"accepted": 3}


def test_a_killed_sender_leaves_a_send_unknown_until_its_lease_is_over(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    begin(ledger, run, contacts)
    assert begin(ledger, run, contacts, resend=DAY_S).recipients == []
    lapse(store, run)
    assert begin(ledger, run, contacts, resend=0).recipients == []
    assert states(store, run) == {"unknown": 3}
    assert len(begin(ledger, run, contacts, resend=DAY_S).recipients) == 3


def test_evidence_of_a_lost_lease_counts(store: Connection) -> None:
    """A slow worker's ok arrives after its successor has leased the row; the successor's refusal does not win."""
    ledger, run, contacts = assigned(store)
    slow = begin(ledger, run, contacts)
    lapse(store, run)
    quick = begin(ledger, run, contacts, resend=DAY_S)
    ledger.record_message_outcomes(slow, answered(slow, Outcome.OK))
    assert states(store, run) == {"sending": 3}, "the lease is another's now"
    ledger.record_message_outcomes(quick, answered(quick, Outcome.REFUSED, "HTTP 409"))
    assert states(store, run) == {"accepted": 3}


def test_late_ok_resolves_a_parked_unknown_send(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    slow = begin(ledger, run, contacts)
    lapse(store, run)
    begin(ledger, run, contacts, resend=0)
    ledger.record_message_outcomes(slow, answered(slow, Outcome.OK))
    assert states(store, run) == {"accepted": 3}


def test_nobody_is_sent_anything_after_send_by(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    tamper(store, "update promo.run set send_by = now() - interval '1 s'")
    assert begin(ledger, run, contacts).recipients == []
    assert states(store, run) == {"expired": 3}
    assert free_codes(store) == 3


def test_a_code_that_fell_short_is_exchanged_if_nobody_saw_it(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    (fresh,) = add_codes(store, 1, prefix="FRESH")
    tamper(store, "update promo.promo_code set expires_at = now() + interval '5 days' where code = 'CODE-000002'")
    assert [to.contact_id for to in begin(ledger, run, contacts).recipients] == contacts
    assert dict(ledger.held_codes(run.run_id, contacts))[contacts[1]] == fresh
    assert free_codes(store) == 1


def test_without_another_code_a_contact_waits_and_is_sent_nothing(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    tamper(store, "update promo.promo_code set expires_at = now() where line = 2")
    assert [to.contact_id for to in begin(ledger, run, contacts).recipients] == [contacts[0], contacts[2]]
    assert states(store, run) == {"sending": 2, "pending": 1}


def test_a_code_that_was_put_before_somebody_is_not_exchanged(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    add_codes(store, 3, prefix="FRESH")
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.LATER))
    tamper(store, "update promo.promo_code set expires_at = now() where line = 2 and code like 'CODE%'")
    assert [to.contact_id for to in begin(ledger, run, contacts).recipients] == [contacts[0], contacts[2]]
    assert states(store, run) == {"sending": 2, "expired": 1}


def test_profiles_are_recorded_once_and_only_after_acceptance(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    assert ledger.begin_profiles(run.run_id, contacts, lease_s=60).recipients == []
    lease = begin(ledger, run, contacts)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.OK)[:2])
    profiles = ledger.begin_profiles(run.run_id, contacts, lease_s=60)
    assert [to.contact_id for to in profiles.recipients] == contacts[:2]
    ledger.record_profile_outcomes(profiles, answered(profiles, Outcome.OK))
    assert ledger.begin_profiles(run.run_id, contacts, lease_s=60).recipients == []
    assert states(store, run) == {"recorded": 2, "sending": 1}


def test_a_failed_profile_write_can_be_made_again(store: Connection) -> None:
    ledger, run, contacts = accepted(store)
    for outcome in (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.LATER):
        lease = ledger.begin_profiles(run.run_id, contacts, lease_s=60)
        ledger.record_profile_outcomes(lease, answered(lease, outcome))
    assert states(store, run) == {"accepted": 3}
    assert len(ledger.begin_profiles(run.run_id, contacts, lease_s=60).recipients) == 3


def test_recipients_carry_what_a_template_reads(store: Connection) -> None:
    contact_ids = add_contacts(store, 1)
    codes = add_codes(store, 1)
    store.execute("insert into promo.contact_field (contact_field_id, name, type) values (7, 'City', 'textfield')")
    store.execute("insert into promo.contact_field_value select %s, 7, 'Lviv'", contact_ids)
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value) values (%s, 'mobilepush', 'newest')",
        contact_ids,
    )
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    (to,) = begin(ledger, run, contact_ids).recipients
    assert (to.locator, to.code, to.fields, to.discount, to.code_type) == (
        "newest",
        codes[0],
        {"City": ["textfield", "Lviv"]},
        10,
        "Welcome",
    )


def test_the_newest_locator_is_the_last_that_changed_whatever_the_clock_said(store: Connection) -> None:
    contact_ids = [put_contact(store, Contact(external_id="A", channels=(Channel("mobilepush", "first"),)))]
    add_codes(store, 1)
    put_contact(store, Contact(external_id="A", channels=(Channel("mobilepush", "second"),)))
    put_contact(store, Contact(external_id="A", channels=(Channel("mobilepush", "first", {"os": "14"}),)))
    store.execute("update promo.contact_channel set updated_at = now() - interval '1 hour' where value = 'first'")
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    assert begin(ledger, run, contact_ids).recipients[0].locator == "first"


def test_codes_of_another_hand_are_refused(store: Connection) -> None:
    ledger, run, contacts = assigned(store)
    codes = [code for _, code in ledger.assign_codes(run.run_id, contacts, CODES)]
    ledger.require_codes(run.run_id, contacts, codes)
    with pytest.raises(LedgerConflictError, match=r"2 contacts.*hold another code") as caught:
        ledger.require_codes(run.run_id, contacts, [codes[1], codes[0], codes[2]])
    assert codes[0] not in str(caught.value)
    with pytest.raises(LedgerConflictError, match="3 contacts came with 2 codes"):
        ledger.require_codes(run.run_id, contacts, codes[:2])


def test_two_workers_opening_one_occurrence_make_one_run(dsn: str, store: Connection) -> None:
    add_contacts(store, 200)
    add_codes(store, 200)

    def open_it(_: int) -> int:
        with connect(dsn) as connection:
            return open_welcome(connection).run_id

    with ThreadPoolExecutor(6) as pool:
        run_ids = set(pool.map(open_it, range(6)))
    assert len(run_ids) == 1
    assert store.execute("select count(*) as n from promo.assignment").fetchone() == {"n": 200}


def test_evidence_is_written_though_another_transaction_was_in_the_way(store: Connection, dsn: str) -> None:
    """Both wait for each other, and Postgres breaks off the recording one, since it looks first."""
    ledger, run, (contact,) = assigned(store, 1)
    lease = begin(ledger, run, [contact])
    store.execute("set deadlock_timeout = '200ms'")
    with connect(dsn) as watch, connect(dsn) as other, ThreadPoolExecutor(1) as thread, other.transaction():
        other.execute("select from promo.promo_code for update")
        recording = thread.submit(ledger.record_message_outcomes, lease, answered(lease, Outcome.REFUSED, "HTTP 400"))
        while not waits_for_lock(watch, store.info.backend_pid):
            assert not recording.done()
        other.execute("select from promo.assignment for update")
    recording.result(timeout=30)
    assert states(store, run) == {"rejected": 1}
    assert free_codes(store) == 1


def waits_for_lock(watch: Connection, pid: int) -> bool:
    row = watch.execute(
        "select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = %s", [pid]
    ).fetchone()
    return bool(row and row["waits"])
