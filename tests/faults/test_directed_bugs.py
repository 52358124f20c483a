"""Mistakes that chance hardly ever meets: each has a scenario that the product passes and the mistake does not."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import pytest

from faults import planted_bugs
from faults.planted_bugs import planted
from faults.scenario_draws import draw_scenario
from faults.small_scenario import DAY_S, lay_out
from faults.virtual_clock import EPOCH_S
from integration.scenario import SPEC, tamper
from promo_campaigns.delivery.throttle.breaker import COOL_S, FAILURES_IN_A_ROW, PROBE_SIZE
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.ledger.unknown_sends import resend_unknown
from promo_campaigns.model.errors import DatabaseUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.planted_bugs import PlantedBug
    from faults.stage import Stage
    from promo_campaigns.model.run import Lease

CONTACT = 1


class Scene:
    """One contact who holds a code, and the ledger of one worker."""

    def __init__(self, stage: Stage, codes: int = 1, *, reuses: bool = False) -> None:
        self.stage = stage
        self.store = stage.books
        drawn = draw_scenario(random.Random(0), random.Random(0))  # noqa: S311  (any scenario will do)
        self.scenario = scenario = replace(
            drawn,
            contacts=1,
            life_s=(30 * DAY_S,) * codes,
            days=1,
            records=False,
            send_by_s=None,
            hold_out=0.0,
            quiet="",
            events=None,
            steps=60 if reuses else 50,
        )
        lay_out(self.store, scenario)
        self.ledger = PostgresLedger(self.store)
        self.run_id = open_run(self.store, scenario.spec, run_key="scene").run_id
        if not reuses:
            self.ledger.assign_codes(self.run_id, [CONTACT], scenario.spec.codes)

    def begin(self) -> Lease:
        return self.ledger.begin_messages(self.run_id, [CONTACT], lease_s=60, resend_within_s=DAY_S)

    def record(self, lease: Lease, outcome: Outcome) -> None:
        self.ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=CONTACT, outcome=outcome)])

    def begin_after_a_lapse(self) -> Lease:
        self.store.execute("update promo.assignment set lease_until = promo.clock() - interval '1 s'")
        return self.begin()

    def state(self) -> str:
        return self.ledger.states(self.run_id, [CONTACT])[CONTACT]


def an_ok_is_never_outvoted(stage: Stage) -> bool:
    scene = Scene(stage)
    slow = scene.begin()
    quick = scene.begin_after_a_lapse()
    scene.record(slow, Outcome.OK)
    scene.record(quick, Outcome.REFUSED)
    return scene.state() == "accepted"


def a_late_answer_leaves_the_lease_to_its_holder(stage: Stage) -> bool:
    scene = Scene(stage)
    slow = scene.begin()
    scene.begin_after_a_lapse()
    scene.record(slow, Outcome.REFUSED)
    return scene.state() == "sending"


def an_unknown_to_be_sent_again_keeps_its_code_when_it_is_too_late(stage: Stage) -> bool:
    scene = Scene(stage)
    scene.record(scene.begin(), Outcome.UNKNOWN)
    resend_unknown(scene.store, scene.run_id, [CONTACT])
    tamper(scene.store, "update promo.run set send_by = promo.clock()")
    scene.begin()
    return scene.state() == "unknown" and bool(scene.ledger.held_codes(scene.run_id, [CONTACT]))


def a_late_ok_ends_an_unknown_to_be_sent_again(stage: Stage) -> bool:
    """Found by seed 1000253."""
    scene = Scene(stage)
    slow = scene.begin()
    scene.record(scene.begin_after_a_lapse(), Outcome.UNKNOWN)
    resend_unknown(scene.store, scene.run_id, [CONTACT])
    scene.record(slow, Outcome.OK)
    return scene.state() == "accepted" and not scene.begin().recipients


def two_answers_at_once_are_folded_together(stage: Stage) -> bool:
    """Write a late ok and the holder's unknown outcome in two transactions, neither of which sees the other."""
    scene = Scene(stage)
    slow = scene.begin()
    quick = scene.begin_after_a_lapse()
    other = stage.take()
    assert other is not None
    rival = PostgresLedger(other)
    folded, may_commit = Event(), Event()
    statements = iter(range(1, 10))

    def record_an_unknown() -> None:
        with other.transaction():
            rival.record_message_outcomes(quick, [DeliveryResult(contact_id=CONTACT, outcome=Outcome.UNKNOWN)])
            folded.set()
            may_commit.wait(timeout=30)

    with ThreadPoolExecutor(1) as pool:

        def before_a_statement() -> None:
            if next(statements) == 3:
                pool.submit(record_an_unknown)
                while not folded.is_set() and not other.is_blocked():
                    pass

        scene.store.between = before_a_statement
        scene.record(slow, Outcome.OK)
        scene.store.between = None
        may_commit.set()
    stage.give_back(other)
    return scene.state() == "accepted"


def two_claims_at_once_get_two_codes(stage: Stage) -> bool:
    """Claim for another run while a claim stands written and not committed."""
    scene = Scene(stage, codes=3)
    second, third = (open_run(scene.store, scene.scenario.spec, run_key=key).run_id for key in ("second", "third"))
    other = stage.take()
    assert other is not None
    with ThreadPoolExecutor(1) as pool:
        with scene.store.transaction():
            (first_claim,) = scene.ledger.assign_codes(second, [CONTACT], scene.scenario.spec.codes)
            claimed = pool.submit(PostgresLedger(other).assign_codes, third, [CONTACT], scene.scenario.spec.codes)
            while not claimed.done() and not other.is_blocked():
                pass
        (second_claim,) = claimed.result()
    stage.give_back(other)
    return first_claim != second_claim


def two_runs_that_reuse_codes_give_a_contact_one(stage: Stage) -> bool:
    """Claim for one run while another's first claim stands written and not committed."""
    scene = Scene(stage, codes=3, reuses=True)
    second = open_run(scene.store, scene.scenario.spec, run_key="second").run_id
    other = stage.take()
    assert other is not None
    with ThreadPoolExecutor(1) as pool:
        with scene.store.transaction():
            first_claim = scene.ledger.assign_codes(scene.run_id, [CONTACT], scene.scenario.spec.codes)
            claimed = pool.submit(PostgresLedger(other).assign_codes, second, [CONTACT], scene.scenario.spec.codes)
            while not claimed.done() and not other.is_blocked():
                pass
        second_claim = claimed.result()
    stage.give_back(other)
    return first_claim == second_claim


def one_of_two_at_once_leases_a_contact(stage: Stage) -> bool:
    """Begin while another's intent stands written and not committed."""
    scene = Scene(stage)
    other = stage.take()
    assert other is not None
    begin = partial(PostgresLedger(other).begin_messages, scene.run_id, [CONTACT], lease_s=60, resend_within_s=DAY_S)
    with ThreadPoolExecutor(1) as pool:
        with scene.store.transaction():
            first = scene.begin()
            begun = pool.submit(begin)
            while not begun.done() and not other.is_blocked():
                pass
        second = begun.result()
    stage.give_back(other)
    return len(first.recipients) + len(second.recipients) == 1


def a_probe_that_calls_for_nobody_is_free_for_the_next(stage: Stage) -> bool:
    store = Scene(stage).store
    breaker = PostgresBreaker(store, "a receiver that fails")
    breaker.report([DeliveryResult(contact_id=CONTACT, outcome=Outcome.UNKNOWN)] * FAILURES_IN_A_ROW)
    store.now = lambda: EPOCH_S + COOL_S + 1
    probe = breaker.admit()
    assert probe.limit == PROBE_SIZE
    breaker.report([], probe)
    next_probe = breaker.admit()
    store.now = lambda: EPOCH_S
    return next_probe.limit == PROBE_SIZE


@pytest.mark.parametrize(
    ("bug", "holds"),
    [
        (planted_bugs.LAST_ANSWER, an_ok_is_never_outvoted),
        (planted_bugs.NO_FENCE, a_late_answer_leaves_the_lease_to_its_holder),
        (planted_bugs.EXPIRED_UNKNOWN, an_unknown_to_be_sent_again_keeps_its_code_when_it_is_too_late),
        (planted_bugs.NO_CLAIM_LOCK, two_claims_at_once_get_two_codes),
        (planted_bugs.CONTACTS_NOT_LOCKED, two_runs_that_reuse_codes_give_a_contact_one),
        (planted_bugs.LATE_OK, a_late_ok_ends_an_unknown_to_be_sent_again),
        (planted_bugs.LEASED_TWICE, one_of_two_at_once_leases_a_contact),
        (planted_bugs.PROBE_LOST, a_probe_that_calls_for_nobody_is_free_for_the_next),
        (planted_bugs.NO_LOCK, two_answers_at_once_are_folded_together),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_a_scenario_tells_the_product_from(played_on: Stage, bug: PlantedBug, holds: Callable[[Stage], bool]) -> None:
    assert holds(played_on)
    with planted(bug, played_on):
        assert not holds(played_on)


def test_a_lost_connection_is_not_the_audiences_fault(dsn: str) -> None:
    """Found by a schedule that dropped the connection there: the task was told not to be tried again."""
    ends = Audience(name="ends", sql="select pg_terminate_backend(pg_backend_pid())::int as contact_id")
    with pytest.raises(DatabaseUnavailableError), connect(dsn) as connection:
        open_run(connection, replace(SPEC, audience=ends), run_key="scene")
