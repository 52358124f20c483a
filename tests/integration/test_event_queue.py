"""Events that wait, and the runs that take them: nothing is taken twice, nothing is lost, and every rule holds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, SPEC, add_codes, add_contacts, states
from promo_campaigns.contacts.event_store import add_event, list_events, list_listeners, purge_events
from promo_campaigns.ledger.event_queue import acquire, is_consumer, listen, open_event_run, renew, stop_listening, wake
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, read_batches
from promo_campaigns.model.errors import ConfigurationError, PoolShortageError
from promo_campaigns.model.events import Event, EventTerms, Identity, Reentry
from promo_campaigns.model.template_context import message_context
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

TERMS = EventTerms(workflow="welcome", type="OrderPaid")
EVENT_SPEC = replace(SPEC, audience=TERMS.audience)


def arrive(connection: Connection, contact_ids: Iterable[int], type_name: str = "OrderPaid", **params: object) -> None:
    for contact_id in contact_ids:
        identity = Identity(contact_id=contact_id)
        event = Event(type=type_name, key=str(contact_id), identity=identity, params=params, token=uuid4())
        add_event(connection, event)


def drain(connection: Connection, key: str, terms: EventTerms = TERMS) -> Run | None:
    return open_event_run(connection, replace(EVENT_SPEC, workflow=terms.workflow), terms, run_key=key)


def audience(connection: Connection, run: Run | None) -> list[int]:
    assert run is not None
    whose = [run.run_id]
    rows = connection.execute("select contact_id from promo.assignment where run_id = %s order by 1", whose).fetchall()
    return [row["contact_id"] for row in rows]


def refusals(connection: Connection) -> list[str]:
    rows = connection.execute("select refused from promo.event_queue where refused is not null order by event_id")
    return [row["refused"] for row in rows.fetchall()]


def give_up(connection: Connection, run: Run) -> None:
    """Bring a run to its end without sending anything."""
    connection.execute(
        "update promo.assignment set state = 'skipped', reason = 'no channel' where run_id = %s and state = 'pending'",
        [run.run_id],
    )
    close_run(connection, run.run_id)


def test_a_run_takes_what_waits_and_opening_it_again_finds_the_same(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 3)
    arrive(store, contacts[:2])
    run = drain(store, "welcome/run/one")
    assert audience(store, run) == contacts[:2]
    arrive(store, contacts[2:])
    assert audience(store, drain(store, "welcome/run/one")) == contacts[:2]
    assert audience(store, drain(store, "welcome/run/two")) == contacts[2:]
    assert drain(store, "welcome/run/three") is None
    assert check_invariants(store) == []


def test_what_happened_before_the_workflow_listened_is_not_answered(store: Connection) -> None:
    add_codes(store, 20)
    contacts = add_contacts(store, 2)
    arrive(store, contacts[:1])
    listen(store, workflow="welcome", type_name="OrderPaid")
    arrive(store, contacts[1:])
    arrive(store, contacts, type_name="CartLeft")
    assert audience(store, drain(store, "welcome/run/one")) == contacts[1:]


def test_several_workflows_answer_one_event(store: Connection) -> None:
    thanks = replace(TERMS, workflow="thanks")
    for name in ("welcome", "thanks"):
        listen(store, workflow=name, type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 3)
    arrive(store, contacts)
    for terms in (TERMS, thanks):
        assert audience(store, drain(store, f"{terms.workflow}/run/one", terms)) == contacts
        assert drain(store, f"{terms.workflow}/run/two", terms) is None


def test_a_second_event_of_a_contact_waits_for_the_next_run(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    (contact,) = add_contacts(store, 1)
    arrive(store, [contact], order=1)
    arrive(store, [contact], order=2)
    seen = []
    for key in ("one", "two"):
        run = drain(store, f"welcome/run/{key}")
        assert run is not None
        ledger = PostgresLedger(store)
        ledger.assign_codes(run.run_id, [contact], CODES)
        lease = ledger.begin_messages(run.run_id, [contact], lease_s=60, resend_within_s=0)
        seen += [message_context(recipient)["order"] for recipient in lease.recipients]
    assert seen == [1, 2]
    assert drain(store, "welcome/run/three") is None


def test_a_parameter_beats_a_field_of_the_contact_but_not_its_code(store: Connection) -> None:
    """A sender of events cannot choose the code that a message shows."""
    listen(store, workflow="welcome", type_name="OrderPaid")
    codes = add_codes(store, 1)
    (contact,) = add_contacts(store, 1)
    arrive(store, [contact], first_name="Ann", last_name=None, promocode="FORGED", items=[{"sku": 7}])
    run = drain(store, "welcome/run/one")
    assert run is not None
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, [contact], CODES)
    (recipient,) = ledger.begin_messages(run.run_id, [contact], lease_s=60, resend_within_s=0).recipients
    values = message_context(recipient)
    assert values["first_name"] == "Ann"
    assert values["items"] == [{"sku": 7}]
    assert values["promocode"] == codes[0]
    assert "last_name" not in values
    assert "FORGED" not in repr(recipient)


def test_no_more_events_are_taken_than_there_are_codes_and_the_others_wait(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    contacts = add_contacts(store, 4)
    arrive(store, contacts)
    with pytest.raises(PoolShortageError, match="wait: load more codes"):
        drain(store, "welcome/run/one")
    add_codes(store, 3)
    assert audience(store, drain(store, "welcome/run/one")) == contacts[:3]
    with pytest.raises(PoolShortageError):
        drain(store, "welcome/run/two")
    add_codes(store, 3, prefix="MORE")
    assert audience(store, drain(store, "welcome/run/two")) == contacts[3:]


def test_a_run_takes_as_many_as_it_was_told_in_the_order_of_arrival(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 5)
    arrive(store, reversed(contacts))
    two = replace(TERMS, most=2)
    taken = [audience(store, drain(store, f"welcome/run/{n}", two)) for n in range(3)]
    assert taken == [contacts[3:], contacts[1:3], contacts[:1]]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (replace(TERMS, reentry=Reentry.ONCE), "once"),
        (replace(TERMS, reentry=Reentry.PERIOD, period_s=3600), "once per period"),
        (replace(TERMS, alone=True), "in progress"),
    ],
)
def test_an_event_that_may_not_enter_is_refused_with_the_reason(
    store: Connection, terms: EventTerms, reason: str
) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 2)
    arrive(store, [contacts[0], contacts[0]])
    assert audience(store, drain(store, "welcome/run/one", terms)) == contacts[:1]
    assert refusals(store) == [reason]
    arrive(store, contacts)
    assert audience(store, drain(store, "welcome/run/two", terms)) == contacts[1:]
    assert refusals(store) == [reason, reason]
    assert [event["workflows"][0]["refused"] for event in list_events(store)].count(reason) == 2


def test_a_contact_may_enter_again_once_its_run_is_closed(store: Connection) -> None:
    alone = replace(TERMS, alone=True)
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 1)
    arrive(store, contacts)
    run = drain(store, "welcome/run/one", alone)
    assert run is not None
    give_up(store, run)
    arrive(store, contacts)
    assert audience(store, drain(store, "welcome/run/two", alone)) == contacts


def test_what_is_too_old_or_about_nobody_is_refused_and_the_message_of_what_is_taken_may_not_be_late(
    store: Connection,
) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 20)
    contacts = add_contacts(store, 2)
    arrive(store, contacts)
    add_event(store, Event(type="OrderPaid", key="k", identity=Identity(), params={}, token=uuid4()))
    store.execute(
        "update promo.event_queue set received_at = received_at - interval '2 hours' where contact_id = %s",
        contacts[:1],
    )
    run = drain(store, "welcome/run/one", replace(TERMS, max_age_s=3600))
    assert audience(store, run) == contacts[1:]
    assert refusals(store) == ["too old", "no contact"]
    assert run is not None
    late = store.execute(
        "select send_by - received_at as after from promo.run join promo.event_queue using (run_id)"
    ).fetchone()
    assert late is not None
    assert late["after"].total_seconds() == 3600


def test_refusals_stay_when_nothing_is_left_to_take(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    arrive(store, add_contacts(store, 3))
    store.execute("update promo.event_queue set received_at = received_at - interval '2 days'")
    assert drain(store, "welcome/run/one") is None
    assert refusals(store) == ["too old"] * 3


def test_drainers_that_race_share_the_events_and_no_contact_enters_twice(store: Connection, dsn: str) -> None:
    """Eight drainers at one moment over three events of each contact, with the rule once."""
    once = replace(TERMS, reentry=Reentry.ONCE, most=7)
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 100)
    contacts = add_contacts(store, 20)
    for _ in range(3):
        arrive(store, contacts)
    together = threading.Barrier(8)

    def race(drainer: int) -> None:
        with connect(dsn) as connection:
            together.wait(30)
            for turn in range(30):
                if drain(connection, f"welcome/run/{drainer}-{turn}", once) is None:
                    return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(race, range(8)))
    entered = store.execute("select contact_id from promo.assignment order by contact_id").fetchall()
    assert [row["contact_id"] for row in entered] == contacts
    assert refusals(store) == ["once"] * 40
    assert check_invariants(store) == []


def test_two_drainers_with_one_key_open_one_run(store: Connection, dsn: str) -> None:
    """A task that runs twice at once takes the events once."""
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 100)
    contacts = add_contacts(store, 10)
    arrive(store, contacts)
    together = threading.Barrier(4)

    def race(_: int) -> list[int]:
        with connect(dsn) as connection:
            together.wait(30)
            return audience(connection, drain(connection, "welcome/run/one"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(race, range(4))) == [contacts] * 4


def test_a_drainer_that_dies_before_its_commit_leaves_everything_waiting(store: Connection, dsn: str) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 10)
    contacts = add_contacts(store, 3)
    arrive(store, contacts)
    with connect(dsn) as doomed:
        pid = doomed.info.backend_pid
        with pytest.raises(psycopg.OperationalError, match="terminating connection"), doomed.transaction():  # noqa: PT012  (what the killed transaction had done)
            drain(doomed, "welcome/run/one")
            store.execute("select pg_terminate_backend(%s)", [pid])
            doomed.execute("select 1")
    assert [one["waiting"] for one in list_listeners(store)] == [3]
    run = drain(store, "welcome/run/one")
    assert audience(store, run) == contacts
    assert run is not None
    assert states(store, run) == {"pending": 3}


def test_one_wake_up_is_given_while_nobody_has_come(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    assert not wake(store, "welcome", quiet_s=60)
    arrive(store, add_contacts(store, 2))
    assert [wake(store, "welcome", quiet_s=60) for _ in range(3)] == [True, False, False]
    acquire(store, "welcome", "one", quiet_s=60)
    assert not wake(store, "welcome", quiet_s=60)
    assert renew(store, "welcome", "one", quiet_s=0)
    assert wake(store, "welcome", quiet_s=0), "what a drainer left behind"
    assert wake(store, "welcome", quiet_s=60), "a wake-up that was lost"


def test_a_drainer_learns_that_another_has_come(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    arrive(store, add_contacts(store, 1))
    acquire(store, "welcome", "one", quiet_s=60)
    assert is_consumer(store, "welcome", "one")
    acquire(store, "welcome", "two", quiet_s=60)
    assert not is_consumer(store, "welcome", "one")
    assert not renew(store, "welcome", "one", quiet_s=0)
    assert not wake(store, "welcome", quiet_s=60), "the first may not say that nobody is there"


def test_a_workflow_that_stops_listening_answers_nothing_more(store: Connection) -> None:
    listen(store, workflow="welcome", type_name="OrderPaid")
    contacts = add_contacts(store, 2)
    arrive(store, contacts)
    assert stop_listening(store, "welcome") == 2
    arrive(store, contacts)
    assert list_listeners(store) == []
    assert refusals(store) == ["not listening"] * 2
    with pytest.raises(ConfigurationError, match="does not listen"):
        stop_listening(store, "welcome")


def test_purging_erases_what_events_hold_and_keeps_what_rules_ask_for(store: Connection) -> None:
    once = replace(TERMS, reentry=Reentry.ONCE)
    listen(store, workflow="welcome", type_name="OrderPaid")
    add_codes(store, 10)
    contacts = add_contacts(store, 3)
    arrive(store, contacts[:1], note="canary")
    closed = drain(store, "welcome/run/one", once)
    arrive(store, contacts[1:2], note="canary")
    drain(store, "welcome/run/two", once)
    arrive(store, contacts[2:], note="canary")
    arrive(store, contacts, type_name="Nobody", note="canary")
    assert closed is not None
    give_up(store, closed)
    store.execute("update promo.event set received_at = received_at - interval '40 days'")
    store.execute("update promo.event_queue set received_at = received_at - interval '40 days'")
    assert purge_events(store, days=30) == {"refused": 1, "erased": 5, "deleted": 4}
    kept = store.execute("select contact_id, params from promo.event order by event_id").fetchall()
    assert [(row["contact_id"], row["params"]) for row in kept] == [
        (contacts[0], None),
        (contacts[1], {"note": "canary"}),
    ]
    arrive(store, contacts[:1])
    assert drain(store, "welcome/run/three", once) is None
    with pytest.raises(ConfigurationError):
        purge_events(store, days=0)


ARRIVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    gaps=ARRIVALS,
    drains=st.lists(st.integers(0, 12), max_size=4),
    most=st.integers(1, 5),
    reentry=st.sampled_from(Reentry),
)
def test_who_enters_depends_on_what_arrived_and_not_on_when_it_was_drained(
    store: Connection, gaps: list[tuple[int, int]], drains: list[int], most: int, reentry: Reentry
) -> None:
    """Against the rule said plainly: one event after another, entering unless an entry of the contact forbids it."""
    name = f"workflow {uuid4()}"
    terms = replace(TERMS, workflow=name, type=name, reentry=reentry, period_s=30, max_age_s=1e10, most=most)
    listen(store, workflow=name, type_name=name)
    add_codes(store, 100, prefix=name)
    contacts = add_contacts(store, 3)
    moments: list[tuple[int, int]] = []
    entries: list[tuple[int, int]] = []
    now = 0

    def drained() -> bool:
        run = drain(store, f"{name}/{uuid4()}", terms)
        if run is not None:
            close_if_open(store, run)
        return run is not None

    for number, (who, gap) in enumerate(gaps):
        now += gap
        moments.append((contacts[who], now))
        arrive(store, [contacts[who]], type_name=name)
        set_moment(store, name, now)
        if number in drains:
            drained()
    while drained():
        pass
    for contact_id, moment in moments:
        earlier = [then for whose, then in entries if whose == contact_id]
        forbidden = bool(earlier) if reentry is Reentry.ONCE else any(moment - then < 30 for then in earlier)
        if reentry is Reentry.EACH_TIME or not forbidden:
            entries.append((contact_id, moment))
    assert taken(store, name) == sorted(entries)


def close_if_open(store: Connection, run: Run) -> None:
    assert read_batches(store, run, 1000)
    give_up(store, run)


def set_moment(store: Connection, workflow: str, seconds: int) -> None:
    """Let the last event have arrived so many seconds after a moment long ago."""
    store.execute(
        "update promo.event_queue set received_at = to_timestamp(%s)"
        " where workflow = %s and event_id = (select max(event_id) from promo.event_queue where workflow = %s)",
        [seconds, workflow, workflow],
    )


def taken(store: Connection, workflow: str) -> list[tuple[int, int]]:
    rows: list[dict[str, Any]] = store.execute(
        "select contact_id, extract(epoch from received_at)::int as moment"
        " from promo.event_queue where workflow = %s and run_id is not null order by 1, 2",
        [workflow],
    ).fetchall()
    return [(row["contact_id"], row["moment"]) for row in rows]
