"""Runs that a person cancels, pauses or stops, and runs that pause themselves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from psycopg import errors

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.ledger.interventions import (
    cancel_run,
    pause_run,
    read_stop,
    resume_run,
    start_sending,
    stop_sending,
)
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run, read_run
from promo_campaigns.model.errors import LedgerError, RepeatedRunError, RunCancelledError, RunHaltedError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
OTHERS_KEY = "welcome/edition/two"


@pytest.fixture(autouse=True)
def promises_hold(store: Connection) -> Iterator[None]:
    """Check every promise of the ledger behind each test."""
    yield
    assert check_invariants(store) == []


def assigned(store: Connection, contacts: int = 6) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run whose contacts all hold a code."""
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    return ledger, run, contact_ids


def begin(ledger: PostgresLedger, run: Run, contacts: Sequence[int], *, resend: float = 0) -> Lease:
    return ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=resend)


def send(ledger: PostgresLedger, run: Run, contacts: Sequence[int], outcome: Outcome) -> None:
    """Send to contacts, which comes to one outcome for all of them."""
    lease = begin(ledger, run, contacts)
    results = [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]
    ledger.record_message_outcomes(lease, results)


def test_cancelling_gives_back_what_nobody_saw_and_keeps_what_may_have_arrived(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 6)
    send(ledger, run, contacts[:1], Outcome.OK)
    send(ledger, run, contacts[1:2], Outcome.UNKNOWN)
    send(ledger, run, contacts[2:3], Outcome.REFUSED)
    add_codes(store, 1, prefix="SPARE")
    under_way = begin(ledger, run, contacts[3:4])
    cancelled = cancel_run(store, KEY, by="anna", reason="wrong text")
    assert (cancelled.skipped, cancelled.under_way) == (2, "1 accepted, 1 sending")
    assert states(store, run) == {"accepted": 1, "unknown": 1, "rejected": 1, "sending": 1, "skipped": 2}
    assert free_codes(store) == 4
    ledger.record_message_outcomes(under_way, [DeliveryResult(contact_id=contacts[3], outcome=Outcome.LATER)])
    assert begin(ledger, run, contacts).recipients == []
    assert states(store, run) == {"accepted": 1, "unknown": 1, "rejected": 1, "skipped": 3}
    reasons = store.execute("select distinct reason from promo.assignment where state = 'skipped'").fetchall()
    assert reasons == [{"reason": "cancelled"}]


def test_a_cancelled_run_without_calls_under_way_is_closed_at_once_and_reserves_no_codes(store: Connection) -> None:
    add_contacts(store, 5)
    add_codes(store, 5)
    run = open_welcome(store)
    assert not cancel_run(store, KEY).under_way
    assert read_run(store, run.run_id).closed
    assert states(store, open_welcome(store, OTHERS_KEY)) == {"pending": 5}


def test_a_send_that_a_killed_worker_left_is_unknown_when_its_run_is_cancelled(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    begin(ledger, run, contacts[:1])
    store.execute("update promo.assignment set lease_until = now() - interval '1 s' where lease_until is not null")
    assert not cancel_run(store, KEY).under_way
    assert states(store, run) == {"unknown": 1, "skipped": 1}


def test_a_send_of_unknown_outcome_that_was_due_again_is_unknown_when_its_run_is_cancelled(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    send(ledger, run, contacts[:1], Outcome.UNKNOWN)
    store.execute("update promo.assignment set state = 'assigned' where state = 'unknown'")
    cancel_run(store, KEY)
    assert states(store, run) == {"unknown": 1, "skipped": 1}


def test_what_a_data_source_has_seen_goes_back_to_nobody_when_a_run_is_cancelled(store: Connection) -> None:
    _, run, contacts = assigned(store, 1)
    store.execute(
        "insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, outcome, finished_at)"
        " select run_id, contact_id, promo_code_id, 9, 'answer', 'ok', now() from promo.assignment"
        " where contact_id = %s",
        contacts,
    )
    cancel_run(store, KEY)
    assert states(store, run) == {"skipped": 1}
    assert free_codes(store) == 0


def test_cancelling_again_ends_what_was_under_way(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    begin(ledger, run, contacts)
    assert cancel_run(store, KEY).under_way == "2 sending"
    store.execute("update promo.assignment set lease_until = now() - interval '1 s' where lease_until is not null")
    assert cancel_run(store, KEY).under_way == ""
    assert states(store, run) == {"unknown": 2}


def test_end_closes_a_cancelled_run_whose_last_call_was_put_off(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    lease = begin(ledger, run, contacts[:1])
    cancel_run(store, KEY)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=contacts[0], outcome=Outcome.LATER)])
    report = close_run(store, run.run_id)
    assert report.tally.skipped == {"cancelled": 2}


def test_a_cancelled_run_is_not_run_again_until_a_person_lifts_it(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    cancel_run(store, KEY, by="anna", reason="wrong text")
    with pytest.raises(RunCancelledError, match=r"cancelled by anna .*\(wrong text\); promo runs resume"):
        open_welcome(store)
    assert resume_run(store, KEY)
    open_welcome(store)
    assert states(store, run) == {"pending": 2}


def test_a_paused_run_gives_out_no_code_and_begins_no_call_until_it_is_resumed(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 3)
    [late] = add_contacts(store, 1)
    add_codes(store, 2, prefix="SPARE")
    store.execute(
        "insert into promo.assignment (run_id, contact_id, needs_code) values (%s, %s, false)", [run.run_id, late]
    )
    pause_run(store, KEY, by="anna", reason="numbers look odd")
    with pytest.raises(
        RunHaltedError, match=f"run {KEY} was paused by anna .*numbers look odd.*promo runs resume {KEY}"
    ):
        begin(ledger, run, contacts)
    with pytest.raises(RunHaltedError):
        ledger.assign_codes(run.run_id, [late], CODES)
    assert resume_run(store, KEY)
    assert not resume_run(store, KEY)
    assert len(begin(ledger, run, contacts).recipients) == 3
    assert len(ledger.assign_codes(run.run_id, [late], CODES)) == 1


def test_what_was_accepted_is_recorded_while_its_run_is_paused_or_cancelled(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    send(ledger, run, contacts[:1], Outcome.OK)
    cancel_run(store, KEY)
    lease = ledger.begin_profiles(run.run_id, contacts, lease_s=60)
    ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=contacts[0], outcome=Outcome.OK)])
    assert states(store, run) == {"recorded": 1, "skipped": 1}


def test_one_switch_stops_all_sending(store: Connection) -> None:
    ledger, run, contacts = assigned(store, 2)
    assert read_stop(store) is None
    stop_sending(store, by="anna", reason="the shop is down")
    stop_sending(store, by="ben")
    stopped = read_stop(store)
    assert stopped is not None
    assert (stopped.by, stopped.reason) == ("anna", "the shop is down")
    with pytest.raises(RunHaltedError, match=r"all sending was stopped by anna .*promo sending start"):
        begin(ledger, run, contacts)
    assert start_sending(store, by="ben")
    assert not start_sending(store, by="ben")
    assert len(begin(ledger, run, contacts).recipients) == 2


def test_nobody_lets_runs_send_between_what_one_who_stops_them_writes_and_reads(store: Connection, dsn: str) -> None:
    """Schedule 678812517 found that the switch was gone, and nothing stopped, before the command had returned."""
    stop_sending(store, by="anna")
    with connect(dsn) as other:
        other.execute("set lock_timeout = '200ms'")
        with store.transaction():
            assert stop_sending(store, by="ben").by == "anna"
            with pytest.raises(errors.LockNotAvailable):
                start_sending(other)
        assert start_sending(other)


def test_each_intervention_is_audited_with_who_and_why(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    open_welcome(store)
    pause_run(store, KEY, by="anna", reason="a")
    resume_run(store, KEY, by="ben", reason="b")
    stop_sending(store, by="anna")
    start_sending(store, by="anna")
    cancel_run(store, KEY, by="cleo", reason="c")
    found = [(row["action"], row["subject"], row["actor"].split()[0], row["reason"]) for row in list_audit(store)]
    assert found == [
        ("cancel", KEY, "cleo", "c"),
        ("start sending", "all runs", "anna", None),
        ("stop sending", "all runs", "anna", None),
        ("resume", KEY, "ben", "b"),
        ("pause", KEY, "anna", "a"),
    ]


def test_a_closed_run_can_be_neither_paused_nor_cancelled(store: Connection) -> None:
    run = open_welcome(store)
    close_run(store, run.run_id)
    with pytest.raises(LedgerError, match="is closed"):
        pause_run(store, KEY)
    with pytest.raises(LedgerError, match="is closed"):
        cancel_run(store, KEY)


def test_a_cancelled_run_cannot_be_paused(store: Connection) -> None:
    open_welcome(store)
    cancel_run(store, KEY)
    with pytest.raises(LedgerError, match="was cancelled"):
        pause_run(store, KEY)


HALTS: dict[str, Callable[[Connection], object]] = {
    "cancelled": lambda store: cancel_run(store, KEY),
    "paused": lambda store: pause_run(store, KEY),
    "stopped": stop_sending,
}


@pytest.mark.parametrize("halt", HALTS)
def test_no_intent_is_committed_once_a_halt_has_returned(store: Connection, dsn: str, halt: str) -> None:
    contacts = add_contacts(store, 600)
    add_codes(store, 600)
    run = open_welcome(store)
    begun, go_on = threading.Barrier(5), threading.Event()

    def work(mine: list[int]) -> None:
        with connect(dsn) as connection:
            ledger = PostgresLedger(connection)
            ledger.assign_codes(run.run_id, mine[:50], CODES)
            begun.wait(timeout=60)
            for at in range(0, len(mine), 5):
                chunk = mine[at : at + 5]
                try:
                    ledger.assign_codes(run.run_id, chunk, CODES)
                    begin(ledger, run, chunk)
                except RunHaltedError:
                    pass
                if at == 50:
                    go_on.set()

    with ThreadPoolExecutor(4) as workers, connect(dsn) as person:
        works = [workers.submit(work, contacts[at::4]) for at in range(4)]
        begun.wait(timeout=60)
        assert go_on.wait(timeout=60)
        HALTS[halt](person)
        row = person.execute("select max(attempt_id) as newest, count(*) as attempts from promo.attempt").fetchone()
        held = person.execute("select count(*) as n from promo.promo_code where held_by is not null").fetchone()
        for one in works:
            one.result()
    assert row is not None
    assert 0 < row["attempts"] < 600
    after = store.execute("select max(attempt_id) as newest, count(*) as attempts from promo.attempt").fetchone()
    assert after == row
    assert held is not None
    still = store.execute("select count(*) as n from promo.promo_code where held_by is not null").fetchone()
    assert still is not None
    assert still["n"] <= held["n"]


def failing(
    store: Connection, *, sent: int, bad: int, outcome: Outcome = Outcome.REFUSED
) -> tuple[PostgresLedger, Run, list[int]]:
    """Open a run that pauses itself at 20 %, and send to so many, of whom so many fail."""
    contacts = add_contacts(store, sent + 10)
    add_codes(store, sent + 10)
    run = open_run(store, SPEC, run_key=KEY, abort_at=20)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    send(ledger, run, contacts[bad:sent], Outcome.OK)
    send(ledger, run, contacts[:bad], outcome)
    return ledger, run, contacts[sent:]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_a_run_pauses_itself_at_its_abort_at_and_a_person_lets_it_go_on(store: Connection, outcome: Outcome) -> None:
    ledger, run, others = failing(store, sent=120, bad=25, outcome=outcome)
    with pytest.raises(
        RunHaltedError, match=r"paused by itself .*\(25 of 120 were refused or are unknown, more than 20 %\)"
    ):
        begin(ledger, run, others)
    resume_run(store, KEY)
    send(ledger, run, others[:5], outcome)
    assert len(begin(ledger, run, others[5:]).recipients) == 5


@pytest.mark.parametrize(("sent", "bad"), [(99, 40), (120, 24)])
def test_a_run_goes_on_below_its_abort_at_and_before_a_hundred_were_sent(
    store: Connection, sent: int, bad: int
) -> None:
    ledger, run, others = failing(store, sent=sent, bad=bad)
    assert len(begin(ledger, run, others).recipients) == 10


def opened_again(store: Connection, key: str) -> Run:
    return open_run(store, SPEC, run_key=key, confirm_within=timedelta(minutes=10))


def test_the_same_send_within_minutes_is_refused_with_the_earlier_run(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 9)
    opened_again(store, "welcome/run/one")
    with pytest.raises(RepeatedRunError, match=r"run welcome/run/one of the same .* opened \d+ s ago.*repeat: true"):
        opened_again(store, "welcome/run/two")
    assert store.execute("select count(*) as runs from promo.run").fetchone() == {"runs": 1}
    opened_again(store, "welcome/run/one")
    open_welcome(store, "welcome/run/meant")
    store.execute("update promo.run set opened_at = opened_at - interval '11 minutes'")
    opened_again(store, "welcome/run/later")
    assert store.execute("select count(*) as runs from promo.run").fetchone() == {"runs": 3}


def test_a_run_that_reached_nobody_is_no_repetition(store: Connection) -> None:
    opened_again(store, "welcome/run/empty")
    close_run(store, 1)
    add_contacts(store, 1)
    add_codes(store, 1)
    opened_again(store, "welcome/run/cancelled")
    cancel_run(store, "welcome/run/cancelled")
    assert not opened_again(store, "welcome/run/right").closed


def test_of_two_sends_that_are_opened_in_one_moment_one_is_refused(store: Connection, dsn: str) -> None:
    add_contacts(store, 7)
    add_codes(store, 99)
    together = threading.Barrier(4)

    def click(number: int) -> bool:
        with connect(dsn) as connection:
            together.wait(timeout=60)
            try:
                opened_again(connection, f"welcome/run/{number}")
            except RepeatedRunError:
                return False
        return True

    with ThreadPoolExecutor(4) as workers:
        opened = list(workers.map(click, range(4)))
    assert sorted(opened) == [False, False, False, True]
