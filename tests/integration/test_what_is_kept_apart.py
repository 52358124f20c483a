"""What the store keeps apart, so that no statement looks through what was sent before: the same as if it did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.contacts.event_store import COUNTED_WAITING, add_event, list_events, list_listeners, purge_events
from promo_campaigns.ledger.event_queue import listen, open_event_run, stop_listening
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.lookups.export import export_codes
from promo_campaigns.ledger.unknown_sends import list_unknown, record_unknown, resend_unknown
from promo_campaigns.model.events import Event, EventTerms, Identity
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pytest

    from promo_campaigns.postgres.connection import Connection

MESSAGE_ONLY = replace(SPEC, data_sources=())
TYPES = ("Paid", "Left", "Unheard")


def unknown_by_state(store: Connection) -> list[tuple[int, int]]:
    rows = store.execute(
        "select run_id, contact_id from promo.assignment where state = 'unknown' order by 1, 2"
    ).fetchall()
    return [(row["run_id"], row["contact_id"]) for row in rows]


def unknown_kept(store: Connection) -> list[tuple[int, int]]:
    rows = store.execute("select run_id, contact_id from promo.unknown_send order by 1, 2").fetchall()
    return [(row["run_id"], row["contact_id"]) for row in rows]


def arrive(store: Connection, contact_id: int, type_name: str) -> int:
    identity = Identity(contact_id=contact_id)
    return add_event(store, Event(type=type_name, key="k", identity=identity, params={"a": 1}, token=uuid4()))


def test_sends_of_unknown_outcome_are_kept_as_their_states_change(store: Connection) -> None:
    contacts = add_contacts(store, 6)
    add_codes(store, 12)
    ledger = PostgresLedger(store)
    runs = [open_welcome(store, f"welcome/edition/{name}", MESSAGE_ONLY) for name in ("one", "two")]
    for run in runs:
        ledger.assign_codes(run.run_id, contacts, CODES)
        lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
        results = [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.UNKNOWN) for to in lease.recipients]
        ledger.record_message_outcomes(lease, results)
    first, second = (run.run_id for run in runs)
    assert len(unknown_kept(store)) == 12
    record_unknown(store, first, contacts[:2], Outcome.OK)
    record_unknown(store, first, contacts[2:3], Outcome.REFUSED)
    resend_unknown(store, second, contacts[:4])
    assert (
        unknown_kept(store)
        == unknown_by_state(store)
        == [
            *((first, contact) for contact in contacts[3:]),
            *((second, contact) for contact in contacts[4:]),
        ]
    )
    assert [row["contact_id"] for row in list_unknown(store)] == [*contacts[3:], *contacts[4:]]
    assert [row["contact_id"] for row in list_unknown(store, second)] == contacts[4:]
    assert [row["contact_id"] for row in list_unknown(store, first, contacts[:4])] == contacts[3:4]
    assert {row["attempts"] for row in list_unknown(store)} == {1}


EVENTS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(TYPES)), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    arrivals=st.lists(EVENTS, max_size=3),
    type_name=st.sampled_from((None, *TYPES)),
    waiting=st.booleans(),
    limit=st.integers(0, 6),
)
def test_the_newest_events_are_the_first_of_all_that_fit(
    store: Connection,
    arrivals: list[list[tuple[int, str]]],
    type_name: str | None,
    waiting: bool,  # noqa: FBT001  (drawn)
    limit: int,
) -> None:
    """Whatever has listened and stopped, whichever type a workflow turned to, and whatever was taken in between."""
    store.execute("truncate promo.event, promo.event_queue, promo.event_listener")
    contacts = add_contacts(store, 3)
    add_codes(store, 30, prefix=uuid4().hex)
    for number, events in enumerate(arrivals):
        listen(store, workflow="welcome", type_name=TYPES[number % 2])
        listen(store, workflow=f"w{number}", type_name="Paid")
        for contact, kind in events:
            arrive(store, contacts[contact], kind)
        if number == 1:
            terms = EventTerms(workflow="welcome", type="Left")
            open_event_run(
                store, replace(SPEC, workflow="welcome", audience=terms.audience), terms, run_key=uuid4().hex
            )
            stop_listening(store, "w0")
    every = list_events(store, limit=1_000)
    fitting = [
        event
        for event in every
        if (type_name is None or event["type"] == type_name)
        and (not waiting or any(not one["run_key"] and not one["refused"] for one in event["workflows"]))
    ]
    assert [event["event_id"] for event in every] == sorted((event["event_id"] for event in every), reverse=True)
    assert list_events(store, type_name=type_name, waiting=waiting, limit=limit) == fitting[:limit]


def test_of_very_many_waiting_events_it_is_said_that_they_are_more(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listen(store, workflow="welcome", type_name="Paid")
    event_id = arrive(store, add_contacts(store, 1)[0], "Paid")
    (one,) = list_listeners(store)
    store.execute("alter table promo.event_queue drop constraint event_queue_event_id_fkey")
    store.execute(
        "insert into promo.event_queue (event_id, workflow, received_at)"
        " select %s + n, 'welcome', promo.clock() from generate_series(1, %s) n",
        [event_id, COUNTED_WAITING + 5],
    )
    (many,) = list_listeners(store)
    assert (one["waiting"], many["waiting"], many["oldest"]) == (1, COUNTED_WAITING + 1, one["oldest"])
    assert main(["events", "listeners", "--dsn", dsn]) == 0
    assert f"more than {COUNTED_WAITING:,}" in capsys.readouterr().out


def test_an_event_of_somebody_erased_goes_once_it_is_old_unless_a_run_took_it(store: Connection) -> None:
    terms = EventTerms(workflow="welcome", type="Paid")
    listen(store, workflow="welcome", type_name="Paid")
    add_codes(store, 5)
    contact = add_contacts(store, 1)[0]
    taken = arrive(store, contact, "Paid")
    open_event_run(store, replace(SPEC, audience=terms.audience), terms, run_key="welcome/run/one")
    arrive(store, contact, "Unheard")
    erase_contact(store, contact)
    assert purge_events(store, days=30) == {"refused": 0, "erased": 0, "deleted": 0}
    store.execute("update promo.event set received_at = received_at - interval '40 days'")
    assert purge_events(store, days=30) == {"refused": 0, "erased": 0, "deleted": 1}
    assert [row["event_id"] for row in list_events(store)] == [taken]


def test_many_runs_are_exported_in_order_and_each_once(store: Connection) -> None:
    contact = add_contacts(store, 1)[0]
    add_codes(store, 1_101)
    store.execute(
        "insert into promo.run"
        " (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records)"
        " select 'w/' || n, 'w', '{}', sha256('x'), 'm', 'mobilepush', 'Welcome', 10, 7, false"
        " from generate_series(1, 1101) n"
    )
    store.execute("update promo.promo_code set issued_at = now(), held_by = %s", [contact])
    store.execute(
        "insert into promo.assignment (run_id, contact_id, promo_code_id, state)"
        " select r.run_id, %s, p.promo_code_id, 'assigned' from promo.run r"
        " join (select promo_code_id, row_number() over (order by promo_code_id) as n from promo.promo_code) p"
        " on r.run_key = 'w/' || p.n",
        [contact],
    )
    run_ids = [row["run_id"] for row in store.execute("select run_id from promo.run order by run_id desc").fetchall()]
    rows: list[Sequence[Any]] = []

    def write(part: Sequence[Sequence[Any]]) -> None:
        rows.extend(part)

    assert export_codes(store, run_ids, write, subject="workflow w", reveal=True) == 1_101
    assert [row[0] for row in rows] == [f"w/{n}" for n in range(1, 1_102)]
    assert len({row[4] for row in rows}) == 1_101


def test_a_claim_is_an_entry_in_no_index_where_its_page_has_room(store: Connection) -> None:
    contacts = add_contacts(store, 400)
    add_codes(store, 400)
    run = open_welcome(store, spec=MESSAGE_ONLY)
    with store.transaction():
        PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
        row = store.execute(
            "select n_tup_upd as updated, n_tup_hot_upd as in_place from pg_stat_xact_user_tables"
            " where relname = 'assignment'"
        ).fetchone()
    assert row is not None
    assert row["updated"] == 400
    assert row["in_place"] > row["updated"] / 2
