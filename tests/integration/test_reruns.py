"""Running a closed run again, recording unknown outcomes, a receiver whose circuit is open, and the invariants."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.cli import main
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport
from promo_campaigns.ledger.invariants import check_invariants, require_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run, read_batches, set_mode
from promo_campaigns.ledger.unknown_sends import list_unknown, reconcile, record_unknown, resend_unknown
from promo_campaigns.model.errors import InvariantBrokenError, LedgerError, RunClosedError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from promo_campaigns.model.run import Mode, Purpose
from promo_campaigns.model.run_key import idempotency_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
MESSAGE_ONLY = replace(SPEC, data_sources=())
COPY_ATTEMPTS = (
    "insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose)"
    " select run_id, {contact}, {code}, 999, 'message' from promo.attempt order by contact_id limit 3"
)


def answered(lease: Lease, *outcomes: Outcome) -> list[DeliveryResult]:
    """Give each recipient of the lease its outcome; the last one goes on."""
    padded = [*outcomes, *[outcomes[-1]] * len(lease.recipients)]
    return [
        DeliveryResult(contact_id=to.contact_id, outcome=outcome)
        for to, outcome in zip(lease.recipients, padded, strict=False)
    ]


def sent(store: Connection, *outcomes: Outcome, contacts: int = 4) -> tuple[PostgresLedger, Run, list[int]]:
    """Send to contacts of a new run, with these outcomes in their order."""
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store, KEY, MESSAGE_ONLY)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, answered(lease, *outcomes))
    return ledger, run, contact_ids


def test_mode_missing_sends_only_to_contacts_that_were_not_reached(store: Connection) -> None:
    ledger, run, contacts = sent(store, Outcome.REFUSED, Outcome.OK)
    (late,) = add_contacts(store, 1, channel=None)
    close_run(store, run.run_id)
    again = open_run(store, MESSAGE_ONLY, run_key=KEY)
    assert states(store, again) == {"pending": 1, "accepted": 3}
    reached = ledger.reachable_contacts(read_batches(store, again, 100)[0])
    assert late not in reached
    ledger.assign_codes(run.run_id, reached, CODES)
    lease = ledger.begin_messages(run.run_id, reached, lease_s=60, resend_within_s=0)
    assert [(to.contact_id, to.resend_counter) for to in lease.recipients] == [(contacts[0], 1)]


def test_a_refused_contact_has_a_key_of_its_own_the_second_time() -> None:
    first, second = (idempotency_key(KEY, 1, Purpose.MESSAGE, resend_counter) for resend_counter in (0, 1))
    assert first != second


def test_profiles_reopens_nothing_and_repairs_what_was_recorded(store: Connection) -> None:
    ledger, run, contacts = sent(store, Outcome.OK, Outcome.REFUSED, contacts=2)
    lease = ledger.begin_profiles(run.run_id, contacts, lease_s=60)
    ledger.record_profile_outcomes(lease, answered(lease, Outcome.OK))
    close_run(store, run.run_id)
    again = open_run(store, MESSAGE_ONLY, run_key=KEY, mode=Mode.PROFILES)
    (batch,) = read_batches(store, again, 100)
    assert batch.repair
    assert ledger.accepted_contacts(batch) == contacts[:1]
    assert ledger.begin_profiles(run.run_id, contacts, lease_s=60).recipients == []
    repair = ledger.begin_profiles(run.run_id, contacts, lease_s=60, repair=True)
    assert [to.contact_id for to in repair.recipients] == contacts[:1]
    ledger.record_profile_outcomes(repair, answered(repair, Outcome.UNKNOWN))
    assert states(store, run) == {"recorded": 1, "rejected": 1}
    assert check_invariants(store) == []


def test_refuse_leaves_a_closed_run_alone(store: Connection) -> None:
    _, run, _ = sent(store, Outcome.REFUSED)
    set_mode(store, KEY, Mode.REFUSE)
    assert open_run(store, MESSAGE_ONLY, run_key=KEY).run_id == run.run_id, "an open run is no closed one"
    close_run(store, run.run_id)
    with pytest.raises(RunClosedError, match="is closed and refuses"):
        open_run(store, MESSAGE_ONLY, run_key=KEY)
    assert states(store, run) == {"rejected": 4}
    with pytest.raises(LedgerError, match="no run nowhere"):
        set_mode(store, "nowhere", Mode.MISSING)


def test_a_mode_is_set_by_command(store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, run, _ = sent(store, Outcome.REFUSED)
    close_run(store, run.run_id)
    assert main(["runs", "mode", KEY, "refuse", "--dsn", dsn]) == 0
    assert capsys.readouterr().out == f"{KEY}\trefuse\n"
    with pytest.raises(RunClosedError):
        open_run(store, MESSAGE_ONLY, run_key=KEY)


def test_a_person_may_say_what_became_of_unknown_sends(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run, contacts = sent(store, Outcome.UNKNOWN)
    assert [send["contact_id"] for send in list_unknown(store)] == contacts
    first, second, third, _ = (str(contact) for contact in contacts)
    assert main(["unknown", "accept", KEY, "--contact", first, "--dsn", dsn]) == 0
    assert main(["unknown", "refuse", KEY, "--contact", second, "--dsn", dsn]) == 0
    assert main(["unknown", "resend", KEY, "--contact", third, "--dsn", dsn]) == 0
    assert main(["unknown", "list", "--dsn", dsn]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("1 sends of unknown outcome\n")
    assert "CODE-" not in shown
    assert states(store, run) == {"accepted": 1, "rejected": 1, "assigned": 1, "unknown": 1}
    assert free_codes(store) == 1
    assert check_invariants(store) == []


def test_a_resent_unknown_that_is_refused_stays_unknown(store: Connection) -> None:
    ledger, run, contacts = sent(store, Outcome.UNKNOWN, contacts=1)
    assert resend_unknown(store, run.run_id, contacts) == 1
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, answered(lease, Outcome.REFUSED))
    assert states(store, run) == {"unknown": 1}
    assert record_unknown(store, run.run_id, contacts, Outcome.REFUSED) == 1
    assert states(store, run) == {"rejected": 1}


def test_the_receiver_is_asked_about_unknown_sends_and_its_silence_proves_nothing(store: Connection, dsn: str) -> None:
    _, run, contacts = sent(store, Outcome.UNKNOWN)
    arrived = OutgoingMessage(
        contact_id=contacts[0],
        channel="mobilepush",
        locator="x",
        title="",
        body="",
        idempotency_key=idempotency_key(KEY, contacts[0], Purpose.MESSAGE),
    )
    inbox = InboxTransport.over(store)
    asyncio.run(inbox.send([arrived], deadline=math.inf))
    assert asyncio.run(reconcile(store, inbox, run)) == 1
    assert states(store, run) == {"accepted": 1, "unknown": 3}
    assert main(["check", "--dsn", dsn]) == 0


def results(outcome: Outcome, count: int, *, locked_out: bool = False) -> Sequence[DeliveryResult]:
    return [
        DeliveryResult(contact_id=who, outcome=outcome, detail="HTTP 503", locked_out=locked_out)
        for who in range(count)
    ]


@pytest.mark.parametrize(
    ("calls", "admitted"),
    [
        ([results(Outcome.UNKNOWN, 4)], True),
        ([results(Outcome.UNKNOWN, 5)], False),
        ([results(Outcome.UNKNOWN, 1)] * 5, False),
        ([results(Outcome.UNKNOWN, 4), results(Outcome.OK, 1), results(Outcome.UNKNOWN, 4)], True),
        ([[*results(Outcome.OK, 90), *results(Outcome.UNKNOWN, 10)]], True),
        ([[*results(Outcome.OK, 70), *results(Outcome.UNKNOWN, 30)]], False),
        ([results(Outcome.REFUSED, 500)], True),
        ([results(Outcome.LATER, 500)], True),
    ],
)
def test_a_failing_circuit_is_open_by_every_worker(
    store: Connection,
    calls: list[Sequence[DeliveryResult]],
    admitted: bool,  # noqa: FBT001  (the expected value)
) -> None:
    breaker = PostgresBreaker(store, "transport x")
    for chunk in calls:
        breaker.report(chunk)
    admission = PostgresBreaker(store, "transport x").admit()
    assert (admission.limit is None) is admitted
    assert PostgresBreaker(store, "transport y").admit().limit is None
    if not admitted:
        assert 50 < admission.wait_s <= 60


def test_every_worker_finds_out_with_one_call_whether_a_receiver_at_fault_was_corrected(store: Connection) -> None:
    breaker = PostgresBreaker(store, "transport x")
    breaker.report(results(Outcome.LATER, 3, locked_out=True))
    assert [breaker.admit().limit, breaker.admit().limit] == [1, 1]
    breaker.report(results(Outcome.LATER, 1, locked_out=True), breaker.admit())
    assert breaker.admit().at_fault
    breaker.report(results(Outcome.OK, 1), breaker.admit())
    assert breaker.admit().limit is None


def test_a_refused_call_among_calls_that_succeed_says_nothing_of_the_receiver(store: Connection) -> None:
    breaker = PostgresBreaker(store, "transport x")
    breaker.report([*results(Outcome.OK, 9), *results(Outcome.LATER, 1, locked_out=True)])
    assert breaker.admit().limit is None


def test_after_the_pause_one_worker_probes_and_its_success_lets_all_in(store: Connection) -> None:
    breaker = PostgresBreaker(store, "transport x")
    breaker.report(results(Outcome.UNKNOWN, 5))
    store.execute("update promo.receiver set open_until = promo.clock() - interval '1 s'")
    assert breaker.admit().limit == 1
    assert breaker.admit().limit == 0
    breaker.report(results(Outcome.OK, 1))
    assert breaker.admit().limit is None


def test_a_probe_that_fails_keeps_the_receiver_alone(store: Connection) -> None:
    breaker = PostgresBreaker(store, "transport x")
    breaker.report(results(Outcome.UNKNOWN, 5))
    store.execute("update promo.receiver set open_until = promo.clock() - interval '1 s'")
    assert breaker.admit().limit == 1
    breaker.report(results(Outcome.UNKNOWN, 1))
    assert breaker.admit().limit == 0


def test_a_killed_probe_is_followed_by_another(store: Connection) -> None:
    breaker = PostgresBreaker(store, "transport x")
    breaker.report(results(Outcome.UNKNOWN, 5))
    store.execute("update promo.receiver set open_until = promo.clock() - interval '1 h'")
    assert breaker.admit().limit == 1
    store.execute("update promo.receiver set probe_until = promo.clock() - interval '1 s'")
    assert breaker.admit().limit == 1


@pytest.mark.parametrize(
    ("invariant", "damage"),
    [
        ("pool_agrees", "update promo.promo_code set issued_at = null, held_by = null where line = 2"),
        ("pool_agrees", "update promo.promo_code set again = 1 where line = 2"),
        ("one_holder", "update promo.promo_code set held_by = held_by + 1 where line = 2"),
        ("claimed_once", "update promo.assignment set reused_at = now()"),
        ("claimed_once", "update promo.assignment set promo_code_id = 1"),
        ("pool_agrees", "update promo.promo_code set issued_at = now() where line = 5"),
        ("given_back_on_proof", "update promo.assignment set state = 'rejected', reason = 'x', promo_code_id = null"),
        ("closed_is_done", "update promo.assignment set state = 'pending', promo_code_id = null"),
        ("intent_first", "delete from promo.attempt"),
        ("acceptance_counts", "update promo.assignment set state = 'unknown'"),
        ("accepted_on_evidence", "update promo.attempt set outcome = null"),
        ("accepted_on_evidence", "update promo.assignment set state = 'recorded'"),
        ("profile_after_message", "update promo.attempt set purpose = 'profile'"),
        ("no_expired_code", "update promo.promo_code set expires_at = now() - interval '1 h'"),
        ("no_late_message", "update promo.run set send_by = now() - interval '1 h'"),
        ("quiet_kept", "update promo.run set quiet_hours = '{[0,10080)}', time_zone = 'UTC'"),
        ("one_call_at_a_time", "update promo.assignment set state = 'sending', lease_token = 0, lease_until = now()"),
        ("one_code", COPY_ATTEMPTS.format(contact="contact_id", code="promo_code_id + 1")),
        ("one_person", COPY_ATTEMPTS.format(contact="contact_id + 1", code="promo_code_id")),
    ],
)
def test_every_invariant_sees_the_damage_it_is_there_for(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str], invariant: str, damage: str
) -> None:
    """The damage is done behind the ledger's back, with its triggers off."""
    _, run, _ = sent(store, Outcome.OK)
    add_codes(store, 2, prefix="MORE")
    store.execute("update promo.promo_code set line = line + 4 where code like 'MORE%'")
    close_run(store, run.run_id)
    assert main(["check", "--dsn", dsn]) == 0
    assert "invariants hold" in capsys.readouterr().out
    with psycopg.connect(dsn, autocommit=True) as intruder:
        intruder.execute("set session_replication_role = replica")
        intruder.execute(damage)
    assert invariant in {violation.invariant for violation in check_invariants(store)}
    assert main(["check", "--dsn", dsn]) == 1
    assert f"{invariant}: " in capsys.readouterr().out


def test_a_run_whose_books_are_wrong_does_not_end_well(store: Connection) -> None:
    _, run, _ = sent(store, Outcome.OK)
    require_invariants(store, run.run_id)
    store.execute("set session_replication_role = replica")
    store.execute("update promo.assignment set state = 'unknown'")
    with pytest.raises(
        InvariantBrokenError, match="acceptance_counts: contact 1 of run 1 was answered ok and is unknown"
    ):
        require_invariants(store, run.run_id)
