"""Runs that go to a first share of their contacts before all others."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import TaskDeferred

from integration.scenario import CODES, SPEC, add_codes, add_contacts, states
from promo_campaigns.definitions.settings.model import Consumer, arguments
from promo_campaigns.definitions.workflow import Workflow
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.ledger.interventions import cancel_run, pause_run, resume_run
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.oversight.first_share import read_first_share
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.run_list import list_stuck
from promo_campaigns.ledger.runs import close_run, open_run, read_batches
from promo_campaigns.model.errors import ConfigurationError, FirstShareError, RunHaltedError, SettingError
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.oversight.first_share import parse_start_with
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"
MESSAGE_ONLY = replace(SPEC, data_sources=())


@pytest.fixture(autouse=True)
def promises_hold(store: Connection) -> Iterator[None]:
    """Check every promise of the ledger behind each test."""
    yield
    assert check_invariants(store) == []


def opened(store: Connection, contacts: int = 20, start_with: object = "10 %") -> Run:
    """Open a run for contacts with a code each, which goes to some of them first."""
    add_contacts(store, contacts)
    add_codes(store, contacts)
    asked = parse_start_with(start_with, "15m")
    return open_run(store, MESSAGE_ONLY, run_key=KEY, abort_at=20, start_with=asked)


def drawn(store: Connection, run: Run) -> list[int]:
    rows = store.execute("select contact_id from promo.first_share where run_id = %s order by 1", [run.run_id])
    return [row["contact_id"] for row in rows.fetchall()]


def everybody(store: Connection, run: Run) -> list[int]:
    rows = store.execute("select contact_id from promo.assignment where run_id = %s order by 1", [run.run_id])
    return [row["contact_id"] for row in rows.fetchall()]


def settle_first(store: Connection, run: Run, outcomes: Sequence[Outcome]) -> None:
    """Send to the first share, each with an outcome; the last one for all who are left."""
    ledger, whose = PostgresLedger(store), drawn(store, run)
    ledger.assign_codes(run.run_id, whose, CODES)
    lease = ledger.begin_messages(run.run_id, whose, lease_s=60, resend_within_s=0)
    assert [to.contact_id for to in lease.recipients] == whose
    told = [*outcomes, *[outcomes[-1]] * (len(whose) - len(outcomes))]
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=who, outcome=how) for who, how in zip(whose, told, strict=True)]
    )
    ledger.weigh_first_share(run.run_id)


def end_the_wait(store: Connection) -> None:
    store.execute("update promo.run set first_ended_at = first_ended_at - interval '15 minutes'")


def claim_all(store: Connection, run: Run) -> int:
    return len(PostgresLedger(store).assign_codes(run.run_id, everybody(store, run), CODES))


def kept_back(store: Connection, run: Run) -> FirstShareError:
    """Make sure that only the first share can be given codes, and return what the others are told."""
    ledger, whose = PostgresLedger(store), everybody(store, run)
    assert [who for who, _ in ledger.assign_codes(run.run_id, whose, CODES)] == drawn(store, run)
    with pytest.raises(FirstShareError) as waits:
        ledger.require_open(run.run_id, whose)
    return waits.value


def test_the_first_share_is_drawn_once_from_those_who_can_be_sent_to(store: Connection) -> None:
    add_contacts(store, 30, channel=None)
    run = opened(store, 200, "2.5 %")
    first = drawn(store, run)
    assert (len(first), min(first) > 30) == (5, True)
    open_run(store, MESSAGE_ONLY, run_key=KEY, start_with=parse_start_with("50 %"))
    assert drawn(store, run) == first
    add_codes(store, 200, prefix="MORE")
    other = open_run(store, MESSAGE_ONLY, run_key="welcome/edition/two", start_with=parse_start_with("2.5 %"))
    assert drawn(store, other) != first


@pytest.mark.parametrize(("start_with", "contacts"), [("1 %", 1), ("100%", 7), (3, 3), ("500", 7), ("0.01 %", 1)])
def test_a_share_is_rounded_up_and_a_number_is_one_of_contacts(
    store: Connection, start_with: object, contacts: int
) -> None:
    assert len(drawn(store, opened(store, 7, start_with))) == contacts


def test_a_run_for_nobody_waits_for_nobody(store: Connection) -> None:
    run = open_run(store, MESSAGE_ONLY, run_key=KEY, start_with=parse_start_with("1 %"))
    add_contacts(store, 3, channel=None)
    other = open_run(store, MESSAGE_ONLY, run_key="welcome/edition/two", start_with=parse_start_with("1 %"))
    for one in (run, other):
        first = read_first_share(store, one.run_id)
        assert first is not None
        assert (first.contacts, first.let_go_at is None) == (0, False)


@pytest.mark.parametrize("limits", [Limits(), Limits(quiet_hours="mon 03:00-03:01", time_zone="UTC")])
def test_batches_of_the_first_share_come_first_and_hold_nobody_else(store: Connection, limits: Limits) -> None:
    add_contacts(store, 30)
    add_codes(store, 30)
    spec = replace(MESSAGE_ONLY, limits=limits)
    run = open_run(store, spec, run_key=KEY, start_with=parse_start_with("20 %"))
    batches = read_batches(store, run, 5)
    assert [batch.first_share for batch in batches] == [True] * 2 + [False] * 5
    ledger = PostgresLedger(store)
    found = [ledger.reachable_contacts(batch) for batch in batches]
    assert sorted(found[0] + found[1]) == drawn(store, run)
    assert sorted(contact for some in found for contact in some) == everybody(store, run)


def test_nobody_beyond_the_first_share_is_given_a_code_until_the_wait_is_over(store: Connection) -> None:
    run = opened(store, 20)
    unsettled = kept_back(store, run)
    assert 890 < unsettled.wait_s <= 900
    assert "a first share of 2 contacts, who are waited for; the others wait at least until" in str(unsettled)
    settle_first(store, run, [Outcome.OK])
    settled = kept_back(store, run)
    assert 0 < settled.wait_s <= 900
    assert "who have an outcome; the others wait until" in str(settled)
    end_the_wait(store)
    assert claim_all(store, run) == 20
    PostgresLedger(store).require_open(run.run_id, everybody(store, run))


def test_no_intent_is_committed_beyond_the_first_share_even_where_a_code_is_held(store: Connection) -> None:
    run = opened(store, 10)
    ledger, whose = PostgresLedger(store), everybody(store, run)
    store.execute("update promo.run set let_go_at = now()")
    ledger.assign_codes(run.run_id, whose, CODES)
    store.execute("update promo.run set let_go_at = null")
    lease = ledger.begin_messages(run.run_id, whose, lease_s=60, resend_within_s=0)
    assert [to.contact_id for to in lease.recipients] == drawn(store, run)
    with pytest.raises(FirstShareError):
        ledger.require_open(run.run_id, whose)
    store.execute("update promo.run set let_go_at = now()")


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_a_run_pauses_itself_over_its_first_share_however_small_and_a_person_lets_it_go_on(
    store: Connection, outcome: Outcome
) -> None:
    run = opened(store, 30)
    settle_first(store, run, [outcome, Outcome.OK])
    end_the_wait(store)
    with pytest.raises(
        RunHaltedError,
        match=r"paused by itself .*\(1 of the first 3 were refused or are unknown, more than 20 %\); promo runs resume",
    ):
        claim_all(store, run)
    resume_run(store, KEY)
    assert claim_all(store, run) == 30 - (outcome is Outcome.REFUSED)


@pytest.mark.parametrize(("failed", "halt"), [(2, None), (3, "paused")])
def test_a_first_share_is_judged_by_abort_at(store: Connection, failed: int, halt: str | None) -> None:
    run = opened(store, 100)
    settle_first(store, run, [Outcome.REFUSED] * failed + [Outcome.OK])
    end_the_wait(store)
    PostgresLedger(store).weigh_first_share(run.run_id)
    row = store.execute("select let_go_at is not null as goes_on, halt, halted_by from promo.run").fetchone()
    assert row == {"goes_on": halt is None, "halt": halt, "halted_by": halt and "start_with"}


def test_what_was_learned_while_waiting_counts_and_not_what_was_known_before(store: Connection) -> None:
    run = opened(store, 30)
    settle_first(store, run, [Outcome.UNKNOWN, Outcome.OK])
    store.execute("update promo.attempt set outcome = 'ok', finished_at = now() where outcome is null")
    store.execute("update promo.assignment set state = 'accepted' where state = 'unknown'")
    end_the_wait(store)
    assert claim_all(store, run) == 30


def test_a_first_share_that_is_under_way_again_is_waited_for(store: Connection) -> None:
    run = opened(store, 20)
    settle_first(store, run, [Outcome.UNKNOWN, Outcome.OK])
    store.execute("update promo.assignment set state = 'assigned' where state = 'unknown'")
    end_the_wait(store)
    assert kept_back(store, run).wait_s == 60


def test_a_pause_by_hand_leaves_the_first_share_to_itself(store: Connection) -> None:
    run = opened(store, 20)
    pause_run(store, KEY)
    with pytest.raises(RunHaltedError):
        claim_all(store, run)
    resume_run(store, KEY)
    kept_back(store, run)


def test_a_cancelled_run_skips_those_who_wait_behind_the_first_share(store: Connection) -> None:
    run = opened(store, 10)
    settle_first(store, run, [Outcome.OK])
    cancel_run(store, KEY)
    assert states(store, run) == {"accepted": 1, "skipped": 9}
    assert claim_all(store, run) == 1


def test_many_workers_at_once_let_a_run_go_on_or_pause_it_once(store: Connection, dsn: str) -> None:
    run = opened(store, 40)
    settle_first(store, run, [Outcome.REFUSED, Outcome.OK])
    end_the_wait(store)
    together = threading.Barrier(4)

    def work(_: int) -> str:
        with connect(dsn) as connection:
            together.wait(timeout=60)
            try:
                claim_all(connection, run)
            except RunHaltedError:
                return "paused"
        return "went on"

    with ThreadPoolExecutor(4) as workers:
        assert set(workers.map(work, range(4))) == {"paused"}
    assert states(store, run) == {"accepted": 3, "rejected": 1, "pending": 36}


def test_a_task_beyond_the_first_share_waits_in_the_triggerer_until_a_time(
    store: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    run = opened(store, 20)
    settle_first(store, run, [Outcome.OK])
    beyond = [who for who in everybody(store, run) if who not in drawn(store, run)]
    found = {"run_id": run.run_id, "contact_ids": beyond, "codes": []}
    block = GetPromoCodeOperator(task_id="code", contacts=found, days=7, type="Welcome", discount=10)
    with pytest.raises(TaskDeferred) as deferred:
        block.execute({})
    assert deferred.value.method_name == "resume"
    left = deferred.value.trigger.moment - datetime.now(timezone.utc)
    assert timedelta(minutes=14) < left < timedelta(minutes=15, seconds=2)
    end_the_wait(store)
    assert len(block.execute({})["codes"]) == 18


def test_the_service_outside_of_airflow_delivers_the_first_share_and_tells_the_wait(
    store: Connection, dsn: str
) -> None:
    run = opened(store, 20)
    service = DeliveryService(dsn, lambda _: pytest.fail("the inbox has no connection"))
    first, others = read_batches(store, run, 100)
    with service.open(run.run_id) as delivery:
        with pytest.raises(FirstShareError):
            asyncio.run(delivery.deliver(others))
        assert asyncio.run(delivery.deliver(first)) == 2
        with pytest.raises(FirstShareError, match="who have an outcome"):
            asyncio.run(delivery.deliver(others))
        end_the_wait(store)
        assert asyncio.run(delivery.deliver(others)) == 18
        assert delivery.close().tally.given == 20


def test_a_report_says_how_far_a_run_is_with_its_first_share(store: Connection) -> None:
    run = opened(store, 20)
    assert "2 contacts first (start_with 10 %): some have no outcome yet" in read_report(store, run.run_id).as_table()
    settle_first(store, run, [Outcome.OK])
    waiting = read_report(store, run.run_id)
    assert "they have an outcome; the others wait until 20" in waiting.as_markdown()
    assert list_stuck(store, timedelta(0)) == []
    end_the_wait(store)
    PostgresLedger(store).weigh_first_share(run.run_id)
    done = read_report(store, run.run_id).as_dict()["first_share"]
    assert (done["contacts"], done["sent"], done["failed"], bool(done["let_go_at"])) == (2, 2, 0, True)


def test_a_run_that_is_run_again_for_whom_it_missed_has_its_first_share_behind_it(store: Connection) -> None:
    run = opened(store, 10)
    settle_first(store, run, [Outcome.OK])
    end_the_wait(store)
    claim_all(store, run)
    ledger, whose = PostgresLedger(store), everybody(store, run)
    lease = ledger.begin_messages(run.run_id, whose, lease_s=60, resend_within_s=0)
    refused = [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.REFUSED) for to in lease.recipients]
    ledger.record_message_outcomes(lease, refused)
    close_run(store, run.run_id)
    open_run(store, MESSAGE_ONLY, run_key=KEY)
    assert claim_all(store, run) == 10


@pytest.mark.parametrize("wrong", ["0 %", "101 %", "lots", "0", "-3", "1.5", True])
def test_a_start_that_is_neither_a_share_nor_a_number_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="start_with must be"):
        parse_start_with(wrong)


PARTS: dict[str, object] = {
    "workflow_id": "spring",
    "message": "push",
    "audience": "all",
    "promo_code": {"type": "Welcome", "discount": 10, "days": 7},
}


@pytest.mark.parametrize("start_with", ["1 %", "0.5%", 500])
def test_a_workflow_says_whom_it_goes_to_first(start_with: object) -> None:
    workflow = Workflow.given(**PARTS, start_with=start_with, then="2h")
    assert arguments(workflow, Consumer.START) | {"start_with": start_with, "then": "2h"} == arguments(
        workflow, Consumer.START
    )


WRONG: dict[str, dict[str, object]] = {
    "'start_with' cannot be '500'": {"start_with": "500"},
    "'start_with' cannot be 0": {"start_with": 0},
    "start_with must be a share above 0": {"start_with": "0 %"},
    "there is no start_with": {"then": "2h"},
    "'then' cannot be 'soon'": {"start_with": "1 %", "then": "soon"},
    "no first share of them": {"start_with": "1 %", "audience": {"event": "bought"}},
}


@pytest.mark.parametrize("problem", WRONG)
def test_a_workflow_with_a_wrong_first_share_is_refused(problem: str) -> None:
    with pytest.raises(SettingError, match=problem):
        Workflow.given(**(PARTS | WRONG[problem]))
