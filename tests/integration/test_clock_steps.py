"""The database's clock steps back, or runs on between two looks at it: order is the ledger's, and no promise breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, POINTS, PROFILE, SPEC, add_codes, add_contacts, open_welcome, states, tamper
from promo_campaigns.ledger.answered_ledger import AnsweredLedger
from promo_campaigns.ledger.invariants import check_invariants, require_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from promo_campaigns.model.run import Lease, Run
    from promo_campaigns.postgres.connection import Connection

ASKED = replace(SPEC, data_sources=(POINTS, PROFILE))
MESSAGE_ONLY = replace(SPEC, data_sources=())
BACK_S = 3


def set_clock(store: Connection, seconds: float) -> None:
    """Let the ledger's clock be so many seconds ahead of the right time."""
    store.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        f" return clock_timestamp() + interval '{seconds} s'"
    )


def let_clock_run(store: Connection, step_s: float) -> None:
    """Let each look at the clock find it so many seconds later than the look before."""
    store.execute("create sequence if not exists public.look")
    store.execute(
        "create or replace function promo.clock() returns timestamptz language plpgsql volatile parallel unsafe as $$"
        f" begin return timestamptz '2026-06-01T00:00Z' + nextval('public.look') * interval '{step_s} s'; end $$"
    )


def all_ok(lease: Lease, answer: str = "") -> list[DeliveryResult]:
    return [DeliveryResult(contact_id=one.contact_id, outcome=Outcome.OK, answer=answer) for one in lease.recipients]


def claimed(store: Connection, contacts: int) -> tuple[Run, list[int]]:
    """Open the campaign's run over new contacts and give each a code."""
    contact_ids = add_contacts(store, contacts)
    add_codes(store, contacts)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
    return run, contact_ids


def send(store: Connection, run: Run, contact_ids: list[int]) -> None:
    ledger = PostgresLedger(store)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, all_ok(lease))


def test_a_clock_that_steps_back_between_message_and_profile_leaves_a_run_that_can_end(store: Connection) -> None:
    run, contact_ids = claimed(store, 50)
    send(store, run, contact_ids)
    set_clock(store, -BACK_S)
    ledger = PostgresLedger(store)
    lease = ledger.begin_profiles(run.run_id, contact_ids, lease_s=60)
    ledger.record_profile_outcomes(lease, all_ok(lease))
    assert close_run(store, run.run_id).tally.recorded == 50
    require_invariants(store, run.run_id)
    assert check_invariants(store) == []


def test_a_clock_that_steps_back_between_answer_and_message_leaves_a_run_that_can_end(store: Connection) -> None:
    contact_ids = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store, spec=ASKED)
    ledger = AnsweredLedger(store, ASKED)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    asked = ledger.begin_answers(run.run_id, contact_ids, lease_s=60, source=0, shows_code=False)
    ledger.record_answer_outcomes(asked, all_ok(asked, answer='{"points": 5}'))
    set_clock(store, -BACK_S)
    lease = ledger.begin_messages(run.run_id, contact_ids, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(lease, all_ok(lease))
    assert states(store, run) == {"accepted": 2}
    assert check_invariants(store) == []


def test_a_message_that_a_stepping_clock_puts_before_a_claim_does_not_count_against_its_cap(store: Connection) -> None:
    contact_ids = add_contacts(store, 1)
    add_codes(store, 2)
    capped = replace(MESSAGE_ONLY, workflow="capped", limits=Limits(frequency_cap="1/7d"))
    first = open_run(store, capped, run_key="capped/edition/one")
    assert PostgresLedger(store).assign_codes(first.run_id, contact_ids, CODES)
    set_clock(store, -BACK_S)
    other = open_run(store, MESSAGE_ONLY, run_key="welcome/edition/one")
    PostgresLedger(store).assign_codes(other.run_id, contact_ids, CODES)
    send(store, other, contact_ids)
    send(store, first, contact_ids)
    assert check_invariants(store) == []


def test_a_message_that_was_begun_before_a_claim_counts_against_its_cap(store: Connection) -> None:
    """The check sees what it is there for: here the claim did not count it."""
    contact_ids = add_contacts(store, 1)
    add_codes(store, 2)
    other = open_run(store, MESSAGE_ONLY, run_key="welcome/edition/one")
    PostgresLedger(store).assign_codes(other.run_id, contact_ids, CODES)
    send(store, other, contact_ids)
    capped = replace(MESSAGE_ONLY, workflow="capped", limits=Limits(frequency_cap="2/7d"))
    first = open_run(store, capped, run_key="capped/edition/one")
    assert PostgresLedger(store).assign_codes(first.run_id, contact_ids, CODES)
    store.execute("update promo.run set cap_messages = 1 where cap_messages = 2")
    assert [broken.invariant for broken in check_invariants(store)] == ["cap_kept"]
    assert [broken.invariant for broken in check_invariants(store, first.run_id)] == ["cap_kept"]


@pytest.mark.parametrize("what", ["update promo.promo_code set expires_at", "update promo.run set send_by"])
def test_what_runs_out_while_a_statement_looks_at_the_clock_is_sent_in_time_or_not_at_all(
    store: Connection, what: str
) -> None:
    """Wherever the moment falls among the looks of a send, an attempt says that it was begun before it."""
    run, contact_ids = claimed(store, 1)
    tamper(store, "update promo.run set days = 0")
    sent = 0
    for look in range(1, 60):
        let_clock_run(store, 1)
        tamper(store, f"{what} = timestamptz '2026-06-01T00:00Z' + make_interval(secs => %s)", [look])
        store.execute("alter sequence public.look restart")
        lease = PostgresLedger(store).begin_messages(run.run_id, contact_ids, lease_s=0, resend_within_s=0)
        assert check_invariants(store, run.run_id) == []
        sent += len(lease.recipients)
        if lease.recipients:
            PostgresLedger(store).record_message_outcomes(
                lease, [DeliveryResult(contact_id=one, outcome=Outcome.LATER) for one in contact_ids]
            )
            break
        store.execute("select setval('public.look', 1000)")
        renew(store, run, contact_ids)
    assert sent


def renew(store: Connection, run: Run, contact_ids: list[int]) -> None:
    """Give contacts that were too late another code, or more time."""
    tamper(store, "update promo.run set send_by = null")
    tamper(store, "update promo.promo_code set expires_at = timestamptz '2027-06-01T00:00Z'")
    store.execute(
        "update promo.assignment set state = 'pending', reason = null, needs_code = false where state = 'expired'"
    )
    PostgresLedger(store).assign_codes(run.run_id, contact_ids, CODES)
