"""A contact who holds a code is given it again, and nobody else ever gets it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from airflow.sdk import DAG
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, states, tamper
from integration.test_before_the_send import CONTEXT
from promo_campaigns.cli import main
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.ledger.answered_ledger import AnsweredLedger
from promo_campaigns.ledger.event_queue import listen, open_event_run
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.lookups.export import COLUMNS, export_codes
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.runs import open_run, read_run_by_key
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.ledger.unknown_sends import record_unknown
from promo_campaigns.model.errors import ConfigurationError, PoolShortageError
from promo_campaigns.model.events import Event, EventTerms, Identity
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.masking import mask
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Audience, CodeRequest, RunSpec
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.postgres.connection import connect
from promo_campaigns.preview.dry_run import write_preview

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

AGAIN = replace(SPEC, data_sources=(), reuse=Reuse.SAME)
ANEW = replace(AGAIN, reuse=Reuse.NEW)


def only(contacts: Sequence[int], spec: RunSpec = ANEW) -> RunSpec:
    """Return the definition with these contacts for its audience."""
    return replace(spec, audience=Audience(name="", contact_ids=tuple(contacts)))


def opened(store: Connection, name: str, spec: RunSpec = AGAIN) -> Run:
    return open_welcome(store, f"welcome/edition/{name}", spec)


def assign(store: Connection, run: Run, contacts: Sequence[int]) -> dict[int, str]:
    return dict(PostgresLedger(store).assign_codes(run.run_id, contacts, run.spec.codes))


def send(store: Connection, run: Run, contacts: Sequence[int], outcome: Outcome) -> None:
    """Send to the contacts that hold a code, with one outcome for all."""
    ledger = PostgresLedger(store)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=to.contact_id, outcome=outcome) for to in lease.recipients]
    )


def given_to(store: Connection, name: str, contacts: Sequence[int], outcome: Outcome, spec: RunSpec = AGAIN) -> Any:  # noqa: ANN401  (two values)
    """Open a run and take it through Message."""
    run = opened(store, name, spec)
    codes = assign(store, run, contacts)
    send(store, run, contacts, outcome)
    return run, codes


def open_both(store: Connection, contacts: int) -> tuple[Run, Run]:
    """Open two runs over the same contacts; each alone must find its codes, so that twice as many are loaded."""
    add_codes(store, 2 * contacts)
    return opened(store, "one"), opened(store, "two")


def intact(store: Connection) -> bool:
    return check_invariants(store) == []


def test_who_holds_a_code_is_given_it_again_and_costs_none(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    add_codes(store, 5)
    _, first = given_to(store, "one", contacts[:3], Outcome.OK, ANEW)
    run, second = given_to(store, "two", contacts, Outcome.OK)
    assert {who: second[who] for who in first} == first
    assert len(set(second.values())) == 4
    assert free_codes(store) == 1
    report = read_report(store, run.run_id)
    assert (report.tally.given, report.tally.reused) == (4, 3)
    assert "| of these, one they held already | 3 |" in report.as_markdown()
    assert intact(store)


def test_a_run_for_new_codes_gives_a_second_code_to_its_holders(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 4)
    _, first = given_to(store, "one", contacts, Outcome.OK)
    _, second = given_to(store, "two", contacts, Outcome.OK, ANEW)
    assert not set(first.values()) & set(second.values())
    _, third = given_to(store, "three", contacts, Outcome.OK)
    assert third == second, "of several the one that was given last"
    assert intact(store)


@pytest.mark.parametrize(
    "change",
    [
        "update promo.promo_code set expires_at = promo.clock() + interval '6 days'",
        "update promo.promo_code set retired = true",
        "update promo.promo_code set type = 'Birthday'",
        "update promo.promo_code set discount = 20",
    ],
)
def test_a_code_that_does_not_serve_any_more_is_not_given_again(store: Connection, change: str) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    given_to(store, "one", contacts, Outcome.OK)
    tamper(store, change)
    fresh = add_codes(store, 2, prefix="FRESH")
    _, second = given_to(store, "two", contacts, Outcome.OK)
    assert sorted(second.values()) == fresh
    assert {one.invariant for one in check_invariants(store)} <= {"code_of_its_pools"}


def test_a_code_of_another_workflow_counts_as_one_of_another_pool_does_not(store: Connection) -> None:
    """The pool is what a code is chosen by, here as in the original."""
    contacts = add_contacts(store, 1)
    codes = add_codes(store, 3)
    assign(store, opened(store, "one", replace(ANEW, workflow="birthday")), contacts)
    assert list(assign(store, opened(store, "two"), contacts).values()) == [codes[0]]
    store.execute("update promo.promo_code set type = 'Other' where code = %s", [codes[1]])
    other = replace(AGAIN, codes=CodeRequest(type="Other", discount=10, days=7))
    assert list(assign(store, opened(store, "three", other), contacts).values()) == [codes[1]]


def test_a_refusal_gives_nothing_back_that_another_run_has_sent(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    add_codes(store, 3)
    given_to(store, "one", contacts, Outcome.OK)
    run, _ = given_to(store, "two", contacts, Outcome.REFUSED)
    assert states(store, run) == {"rejected": 3}
    assert free_codes(store) == 0
    assert intact(store)


def test_a_refusal_in_the_first_run_leaves_the_code_to_the_second_and_the_last_one_frees_it(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    first, second = open_both(store, 2)
    assert assign(store, first, contacts) == assign(store, second, contacts)
    send(store, first, contacts, Outcome.REFUSED)
    assert free_codes(store) == 2
    assert intact(store)
    send(store, second, contacts[:1], Outcome.OK)
    send(store, second, contacts[1:], Outcome.REFUSED)
    assert free_codes(store) == 3
    assert intact(store)


def test_an_unknown_send_recorded_as_refused_gives_nothing_back_that_another_run_holds(
    store: Connection,
) -> None:
    contacts = add_contacts(store, 1)
    add_codes(store, 1)
    first, _ = given_to(store, "one", contacts, Outcome.UNKNOWN)
    given_to(store, "two", contacts, Outcome.OK)
    record_unknown(store, first.run_id, contacts, Outcome.REFUSED)
    assert states(store, first) == {"rejected": 1}
    assert free_codes(store) == 0
    assert intact(store)


def test_what_is_too_late_in_one_run_stays_the_contacts_in_the_other(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    first, second = open_both(store, 2)
    assign(store, first, contacts)
    assign(store, second, contacts)
    tamper(store, "update promo.run set send_by = promo.clock() where run_id = %s", [first.run_id])
    send(store, first, contacts, Outcome.OK)
    assert states(store, first) == {"expired": 2}
    assert free_codes(store) == 2
    send(store, second, contacts, Outcome.OK)
    assert states(store, second) == {"accepted": 2}
    assert intact(store)


def test_a_reused_code_that_falls_short_before_it_is_sent_is_exchanged(store: Connection) -> None:
    contacts = add_contacts(store, 1)
    add_codes(store, 1)
    _, first = given_to(store, "one", contacts, Outcome.OK)
    run = opened(store, "two")
    assert assign(store, run, contacts) == first
    tamper(store, "update promo.promo_code set expires_at = promo.clock() + interval '5 days'")
    (fresh,) = add_codes(store, 1, prefix="FRESH")
    send(store, run, contacts, Outcome.OK)
    assert PostgresLedger(store).held_codes(run.run_id, contacts) == [(contacts[0], fresh)]
    assert read_report(store, run.run_id).tally.reused == 0
    assert intact(store)


def test_a_code_that_a_data_source_has_seen_goes_for_good_once_nobody_holds_it(store: Connection) -> None:
    source = replace(SPEC.data_sources[0], before=True)
    asking = replace(AGAIN, data_sources=(source,))
    contacts = add_contacts(store, 1)
    add_codes(store, 2)
    first, second = opened(store, "one", asking), opened(store, "two")
    assert assign(store, first, contacts) == assign(store, second, contacts)
    ledger = AnsweredLedger(store, asking)
    lease = ledger.begin_answers(first.run_id, contacts, lease_s=60, source=0, shows_code=True)
    ledger.record_answer_outcomes(lease, [DeliveryResult(contact_id=contacts[0], outcome=Outcome.UNKNOWN)])
    lease = ledger.begin_answers(first.run_id, contacts, lease_s=60, source=0, shows_code=True)
    ledger.record_answer_outcomes(lease, [DeliveryResult(contact_id=contacts[0], outcome=Outcome.REFUSED)])
    assert intact(store)
    send(store, second, contacts, Outcome.REFUSED)
    query = "select issued_at, held_by, retired, seen_at is not null as seen from promo.promo_code where line = 1"
    assert store.execute(query).fetchone() == {"issued_at": None, "held_by": None, "retired": True, "seen": True}
    assert intact(store)


def test_the_database_lets_nobody_else_hold_a_code_nor_free_one_that_is_held(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 3)
    run, _ = given_to(store, "one", contacts, Outcome.OK)
    take = "update promo.assignment set promo_code_id = (select min(promo_code_id) from promo.assignment)"
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="assignment_code_is_the_contacts"):
        store.execute(f"{take} where run_id = %s and contact_id = %s", [run.run_id, contacts[1]])
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="assignment_code_is_the_contacts"):
        store.execute("update promo.promo_code set issued_at = null, held_by = null where issued_at is not null")
    with pytest.raises(psycopg.errors.CheckViolation, match="promo_code_free"):
        store.execute("update promo.promo_code set issued_at = null")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="assignment_code_is_the_contacts"):
        store.execute("update promo.promo_code set held_by = held_by + 1 where issued_at is not null")


def test_two_runs_at_once_give_each_contact_one_code(dsn: str, store: Connection) -> None:
    """Eight workers claim for two runs, slices in opposite orders; each contact holds one code in both."""
    contacts = add_contacts(store, 200)
    runs = open_both(store, 200)
    slices = [contacts[n : n + 25] for n in range(0, 200, 25)]

    def claim(worker: int) -> dict[int, str]:
        held: dict[int, str] = {}
        with connect(dsn) as connection:
            for part in slices if worker % 4 < 2 else reversed(slices):
                held |= assign(connection, runs[worker % 2], part)
        return held

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(claim, range(8)))
    assert all(held == claims[0] for held in claims)
    assert free_codes(store) == 200
    assert intact(store)


def test_two_runs_that_give_the_same_codes_back_at_once_free_them(dsn: str, store: Connection) -> None:
    contacts = add_contacts(store, 120)
    runs = open_both(store, 120)
    for run in runs:
        assign(store, run, contacts)

    def refuse(run: Run) -> None:
        with connect(dsn) as connection:
            for first in range(0, 120, 10):
                send(connection, run, contacts[first : first + 10], Outcome.REFUSED)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(refuse, runs))
    assert free_codes(store) == 240
    assert intact(store)


def test_a_code_that_goes_back_while_it_is_to_be_given_again_is_not(dsn: str, store: Connection) -> None:
    """The claim has found the code when the first run's refusal is committed."""
    contacts = add_contacts(store, 1)
    first, second = open_both(store, 1)
    assign(store, first, contacts)
    (fresh,) = add_codes(store, 1, prefix="FRESH", days=20)
    with connect(dsn) as other, ThreadPoolExecutor(1) as pool:
        with other.transaction():
            send(other, first, contacts, Outcome.REFUSED)
            claimed = pool.submit(assign, store, second, contacts)
            waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            while not claimed.done() and other.execute(waiting).fetchone() is None:
                pass
        assert claimed.result() == {contacts[0]: fresh}
    assert intact(store)


def test_the_forecast_asks_for_no_code_for_contacts_that_hold_one(store: Connection) -> None:
    contacts = add_contacts(store, 5)
    add_codes(store, 5)
    given_to(store, "one", contacts[:3], Outcome.OK, only(contacts[:3]))
    run = opened(store, "two")
    assert weigh(store, CODES).ahead == 2
    assert read_report(store, run.run_id).as_dict()["forecast"] == {
        "demand": 2,
        "ahead": 0,
        "stock": 2,
        "expiring": 0,
        "shortfall": 0,
    }
    with pytest.raises(PoolShortageError, match="load at least 5 more"):
        opened(store, "three", ANEW)


def test_a_partial_run_leaves_out_only_who_has_none(store: Connection) -> None:
    contacts = add_contacts(store, 5)
    add_codes(store, 3)
    given_to(store, "one", contacts[3:], Outcome.OK, only(contacts[3:]))
    run = open_run(store, AGAIN, run_key="two", stock_policy=StockPolicy.PARTIAL)
    assert list(assign(store, run, contacts)) == [contacts[0], *contacts[3:]]
    assert states(store, run) == {"assigned": 3, "skipped": 2}


def test_a_preview_shows_the_codes_that_would_be_given_again(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    codes = add_codes(store, 4)
    given_to(store, "one", contacts[2:3], Outcome.OK, only(contacts[2:3]))
    rows: list[Any] = []
    report = write_preview(store, CompiledCampaign(AGAIN), [rows.extend])
    assert [row.code for row in rows] == [mask(codes[n]) for n in (1, 2, 0, 3)]
    assert report.forecast is not None
    assert (report.forecast.demand, report.forecast.stock) == (3, 3)
    rows.clear()
    write_preview(store, CompiledCampaign(ANEW), [rows.extend])
    assert [row.code for row in rows] == [*(mask(code) for code in codes[1:]), ""]


def test_an_export_tells_codes_that_were_given_again(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    given_to(store, "one", contacts, Outcome.OK)
    run, codes = given_to(store, "two", contacts, Outcome.OK)
    rows: list[Any] = []
    export_codes(store, [run.run_id - 1, run.run_id], rows.extend, subject="test", reveal=True)
    names = [column.name for column in COLUMNS]
    told = [dict(zip(names, row, strict=True)) for row in rows]
    assert [(row["code"], row["reused_at"] is not None) for row in told] == [
        (codes[who], again) for again in (False, True) for who in contacts
    ]


def test_events_of_contacts_who_hold_a_code_need_none(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    add_codes(store, 1)
    given_to(store, "one", contacts[:1], Outcome.OK, only(contacts[:1]))
    listen(store, workflow="paid", type_name="Paid")
    for who in contacts:
        add_event(
            store,
            Event(
                type="Paid",
                key=None,
                params={},
                token=uuid4(),
                identity=Identity(contact_id=who),
            ),
        )
    terms = EventTerms(workflow="paid", type="Paid")
    spec = replace(AGAIN, workflow="paid", audience=terms.audience)
    run = open_event_run(store, spec, terms, run_key="paid/1")
    assert run is not None
    assert states(store, run) == {"pending": 1}, "the next two need codes"
    assert assign(store, run, contacts[:1])
    with pytest.raises(PoolShortageError, match="no free code"):
        open_event_run(store, spec, terms, run_key="paid/2")
    add_codes(store, 1, prefix="MORE")
    second = open_event_run(store, spec, terms, run_key="paid/2")
    assert second is not None
    assert states(store, second) == {"pending": 1}


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return an include folder with a message and an audience."""
    for folder in ("messages", "audiences"):
        (tmp_path / folder).mkdir()
    (tmp_path / "messages" / "push.yaml").write_text("channel: mobilepush\nbody: $promocode\n")
    (tmp_path / "audiences" / "all.sql").write_text("select contact_id from promo.contact")
    return tmp_path


def test_start_opens_a_run_that_reuses_codes(
    store: Connection, dsn: str, include: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    _, first = given_to(store, "one", contacts, Outcome.OK)
    start: dict[str, Any] = {"message": "push", "audience": "all", "type": "Welcome", "discount": 10, "days": 7}
    with DAG("welcome", schedule=None):
        same = StartOperator(task_id="same", include_folder=str(include), reuse=Reuse.SAME.value, **start)
        wrong = StartOperator(task_id="wrong", include_folder=str(include), reuse="same", **start)
    assert len(same.execute(CONTEXT)) == 1
    assert assign(store, read_run_by_key(store, "welcome/run/manual_1"), contacts) == first
    with pytest.raises(
        ConfigurationError, match="reuse must be new each run, same until it expires, until redeemed, not 'same'"
    ):
        wrong.execute(CONTEXT)


def test_the_command_previews_a_run_that_reuses_codes(
    store: Connection, dsn: str, include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    given_to(store, "one", contacts, Outcome.OK)
    pool = ["--audience", "all", "--type", "Welcome", "--discount", "10", "--days", "7", "--include", str(include)]
    for reuse, demand, status in (([], 2, ExitStatus.NO), (["--reuse"], 0, ExitStatus.OK)):
        assert main(["preview", "--message", "push", *pool, *reuse, "--dsn", dsn, "--json"]) == status
        assert json.loads(capsys.readouterr().out)["forecast"]["demand"] == demand


DEEDS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["assign", "ok", "refused", "later", "unknown", "short", "late"])),
    min_size=4,
    max_size=30,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(reuses=st.lists(st.booleans(), min_size=4, max_size=4), deeds=DEEDS)
def test_whatever_runs_do_a_code_is_one_contacts_and_free_once_nobody_holds_it(
    store: Connection, reuses: list[bool], deeds: list[tuple[int, str]]
) -> None:
    """Four runs over three contacts, some of which reuse codes, claim, send, and give back in any order."""
    with store.transaction(force_rollback=True):
        contacts = add_contacts(store, 3)
        add_codes(store, 20)
        runs = [opened(store, f"run {n}", AGAIN if again else ANEW) for n, again in enumerate(reuses)]
        for number, (place, deed) in enumerate(deeds):
            run = runs[place]
            if deed == "assign":
                assign(store, run, contacts)
            elif deed == "short":
                tamper(
                    store,
                    "update promo.promo_code set expires_at = promo.clock() + interval '5 days' where promo_code_id in"
                    " (select promo_code_id from promo.assignment where run_id = %s and contact_id = %s)",
                    [run.run_id, contacts[0]],
                )
                add_codes(store, 4, prefix=f"MORE{number}")
            elif deed == "late":
                tamper(store, "update promo.run set send_by = promo.clock() where run_id = %s", [run.run_id])
            else:
                send(store, run, contacts[: 1 + place], Outcome(deed))
            assert check_invariants(store) == []
        held = store.execute(
            "select promo_code_id, contact_id, run_id from promo.assignment where promo_code_id is not null"
        ).fetchall()
        holders = Counter(row["promo_code_id"] for row in held)
        assert len({(row["promo_code_id"], row["contact_id"]) for row in held}) == len(holders)
        issued = store.execute(
            "select promo_code_id, again from promo.promo_code where issued_at is not null"
        ).fetchall()
        assert {row["promo_code_id"]: row["again"] + 1 for row in issued} == holders
