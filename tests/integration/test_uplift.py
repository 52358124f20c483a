"""Uplift out of a real store: who is in which arm, and what counts as a conversion of theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from airflow.sdk import DAG

from integration.scenario import SPEC, add_codes, add_contacts, open_welcome
from integration.test_before_the_send import TaskInstance, give_codes, held_out
from promo_campaigns.cli import main
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ConfigurationError, DefinitionError, LedgerError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.operators.upkeep.uplift import MeasureUpliftOperator
from promo_campaigns.uplift.conversions import read_conversions
from promo_campaigns.uplift.measure import Question, measure_uplift, read_uplift
from promo_campaigns.uplift.report import Conversions

if TYPE_CHECKING:
    from collections.abc import Collection

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.uplift.report import UpliftReport

ROOT = Path(__file__).parents[2]
KEY = "welcome/edition/one"
HALF = replace(SPEC, data_sources=(), hold_out=50.0)
PAID = Conversions(name="Paid")
WEEK = timedelta(days=7)
ORDERS = "select contact_id, paid_at as at, total as value from orders where note not like '%test%';"


def send(store: Connection, run: Run, *, refused: Collection[int] = ()) -> dict[int, str]:
    """Take a run through Message."""
    codes = give_codes(store, run)
    ledger = PostgresLedger(store)
    lease = ledger.begin_messages(run.run_id, list(codes), lease_s=60, resend_within_s=0)
    outcomes = {who: Outcome.REFUSED if who in refused else Outcome.OK for who in codes}
    ledger.record_message_outcomes(
        lease, [DeliveryResult(contact_id=who, outcome=outcome) for who, outcome in outcomes.items()]
    )
    return codes


def pay(store: Connection, whom: Collection[int], *, after: str = "1 hour", kind: str = "Paid") -> None:
    """Let events come so long after the first run was opened."""
    store.execute(
        "insert into promo.event (type, contact_id, token, received_at)"
        " select %s, who, gen_random_uuid(), (select min(opened_at) from promo.run) + %s::interval from unnest(%s) who",
        [kind, after, list(whom)],
    )


def order(store: Connection, *orders: tuple[int, float]) -> None:
    """Keep orders beside the product's own tables, as a shop may."""
    store.execute("create table orders (contact_id bigint, paid_at timestamptz, total numeric, note text default '')")
    for who, total in orders:
        store.execute("insert into orders (contact_id, paid_at, total) values (%s, now(), %s)", [who, total])
    store.execute("insert into orders select contact_id, now(), 1000, 'a test' from promo.contact")


def measured(store: Connection, run: Run, conversions: Conversions = PAID) -> UpliftReport:
    return read_uplift(store, [run.run_id], conversions, WEEK, subject="it")


def counts(report: UpliftReport) -> dict[str, tuple[int, int]]:
    return {name: (arm.contacts, arm.converted) for name, arm in report.arms.items()}


@pytest.fixture
def kept(store: Connection) -> set[int]:
    """Return who of forty contacts is held out."""
    contacts = add_contacts(store, 40)
    add_codes(store, 120)
    return held_out(store, "welcome", max(contacts), 50) & set(contacts)


def test_everybody_is_in_the_arm_that_was_decided_for_them(store: Connection, kept: set[int]) -> None:
    nobody = add_contacts(store, 3, channel=None)
    run = open_welcome(store, spec=HALF)
    refused = sorted(set(range(1, 41)) - kept)[:4]
    send(store, run, refused=refused)
    reached = set(range(1, 41)) - kept - set(refused)
    pay(store, [*sorted(reached)[:6], *sorted(kept)[:2], refused[0], nobody[0]])
    report = measured(store, run)
    assert counts(report) == {
        "treated": (len(reached), 6),
        "intended": (len(reached) + 4, 7),
        "held_out": (len(kept), 2),
    }
    assert (report.waiting, report.mixed, report.runs) == (0, 0, 1)


def test_conversions_count_once_a_contact_within_the_window_and_of_the_type(store: Connection, kept: set[int]) -> None:
    run = open_welcome(store, spec=HALF)
    first, second, third, fourth, *_ = send(store, run)
    pay(store, [first, first, first])
    pay(store, [second], after="-1 second")
    pay(store, [third], after="7 days")
    pay(store, [fourth], kind="Seen")
    assert counts(measured(store, run))["treated"] == (40 - len(kept), 1)
    pay(store, [third], after="6 days 23:59:59")
    assert counts(measured(store, run))["treated"] == (40 - len(kept), 2)


def test_a_contact_of_several_runs_counts_once_from_the_first_of_them_on(store: Connection, kept: set[int]) -> None:
    runs = [open_welcome(store, f"welcome/edition/{n}", HALF) for n in range(2)]
    for run in runs:
        codes = send(store, run)
    store.execute("update promo.run set opened_at = opened_at - interval '3 days' where run_id = %s", [runs[0].run_id])
    pay(store, list(codes)[:5], after="7 days 1 hour")
    pay(store, list(codes)[:3], after="2 days")
    report = read_uplift(store, [run.run_id for run in runs], PAID, WEEK, subject="it")
    assert counts(report) == {
        "treated": (40 - len(kept), 3),
        "intended": (40 - len(kept), 3),
        "held_out": (len(kept), 0),
    }


def test_who_was_held_out_of_some_runs_only_is_left_out_and_counted(store: Connection, kept: set[int]) -> None:
    first = open_welcome(store, spec=HALF)
    second = open_welcome(store, "welcome/edition/two", replace(HALF, hold_out=0.0))
    send(store, first)
    send(store, second)
    report = read_uplift(store, [first.run_id, second.run_id], PAID, WEEK, subject="it")
    assert report.mixed == len(kept)
    assert counts(report)["treated"] == (40 - len(kept), 0)
    assert counts(report)["held_out"] == (0, 0)


@pytest.mark.usefixtures("kept")
def test_who_has_no_outcome_yet_is_left_out_and_counted(store: Connection) -> None:
    run = open_welcome(store, spec=HALF)
    assert measured(store, run).waiting == 40
    assert counts(measured(store, run))["intended"] == (0, 0)
    assert measured(store, run).open_until is not None
    store.execute("update promo.run set opened_at = opened_at - interval '8 days'")
    assert measured(store, run).open_until is None


def test_the_authors_select_is_read_with_its_values(store: Connection, kept: set[int]) -> None:
    run = open_welcome(store, spec=HALF)
    first, second, *others = send(store, run)
    order(store, (first, 30), (first, 12.5), (second, 7.5), (min(kept), 20))
    report = measured(store, run, Conversions(name="orders", sql=ORDERS))
    assert counts(report)["treated"] == (len(others) + 2, 2)
    assert (report.arms["treated"].value, report.arms["held_out"].value) == (50.0, 20.0)
    worth = report.arms["treated"].worth_above(report.arms["held_out"])
    assert worth is not None
    assert worth.estimate == pytest.approx(50 / (len(others) + 2) - 20 / len(kept))
    bare = "select contact_id, paid_at as at from orders where total < 1000"
    report = measured(store, run, Conversions(name="orders", sql=bare))
    assert (counts(report)["treated"], report.arms["treated"].value) == ((len(others) + 2, 2), None)


def test_the_sample_takes_orders_from_events(store: Connection, kept: set[int]) -> None:
    run = open_welcome(store, spec=HALF)
    first, *_ = send(store, run)
    pay(store, [first, min(kept)], kind="OrderPaid")
    store.execute("update promo.event set params = jsonb_build_object('total', 20 + contact_id)")
    report = measured(store, run, read_conversions(ROOT / "include", "order_paid"))
    assert report.arms["treated"].value == 20 + first
    assert report.arms["held_out"].value == 20 + min(kept)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select contact_id from promo.contact", r"conversions/o\.sql: the conversions have no column at"),
        ("select now() as at", "no column contact_id"),
        ("select contact_id, now() as at from nowhere", "the SELECT failed: relation"),
        ("select 'x' as contact_id, now() as at", "the SELECT failed: invalid input syntax"),
        ("delete from promo.inbox_message returning contact_id, received_at as at", "the SELECT failed: syntax error"),
    ],
)
def test_a_select_that_will_not_do_is_its_authors_fault(store: Connection, sql: str, said: str) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_welcome(store, spec=HALF)
    with pytest.raises(DefinitionError, match=said):
        measured(store, run, Conversions(name="o", sql=sql))


def test_a_select_cannot_write(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_welcome(store, spec=HALF)
    store.execute(
        "create function spend() returns bigint language sql as "
        "$$ update promo.run set workflow = 'spent' returning run_id $$"
    )
    with pytest.raises(DefinitionError, match="read-only transaction"):
        measured(store, run, Conversions(name="o", sql="select spend() as contact_id, now() as at"))


def test_a_lost_connection_is_not_the_authors_fault(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_welcome(store, spec=HALF)
    ends = "select pg_terminate_backend(pg_backend_pid())::int as contact_id, now() as at"
    with pytest.raises(psycopg.OperationalError):
        measured(store, run, Conversions(name="o", sql=ends))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(event="Paid", within="7d"), "name either one run by its key, or a workflow"),
        (
            Question(run_key=KEY, workflow="welcome", event="Paid", within="7d"),
            "name either one run by its key, or a workflow",
        ),
        (Question(run_key=KEY, within="7d"), "name either a file of include/conversions, or an event type"),
        (
            Question(run_key=KEY, event="Paid", conversions="orders", within="7d"),
            "name either a file of include/conversions, or an event type",
        ),
        (Question(run_key=KEY, event="Paid", within="soon"), "within must be a duration"),
    ],
)
def test_a_question_that_makes_no_sense_is_told(
    store: Connection, tmp_path: Path, question: Question, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        measure_uplift(store, tmp_path, question)


def test_runs_that_are_not_there_are_told(store: Connection, tmp_path: Path) -> None:
    for question in (Question(run_key=KEY), Question(workflow="welcome")):
        with pytest.raises(LedgerError, match=r"there is no run|has no run"):
            measure_uplift(store, tmp_path, replace(question, event="Paid", within="7d"))


@pytest.fixture
def include(store: Connection, kept: set[int], tmp_path: Path) -> Path:
    """Return an include folder that says what an order is, with an order of a contact in either arm."""
    first, *_ = send(store, open_welcome(store, spec=HALF))
    order(store, (first, 30), (min(kept), 20))
    (tmp_path / "conversions").mkdir()
    (tmp_path / "conversions" / "orders.sql").write_text(ORDERS)
    return tmp_path


def test_the_command_and_the_block_say_the_same(
    dsn: str, include: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--conversions", "orders", "--within", "7d", "--include", str(include), "--dsn", dsn]
    assert main(["runs", "uplift", KEY, *where, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["treated"]["converted"], told["held_out"]["converted"]) == (1, 1)
    assert main(["runs", "uplift", "--workflow", "welcome", *where]) == 0
    assert "**workflow welcome**: conversions orders within 7 days" in capsys.readouterr().out
    assert main(["runs", "uplift", KEY, "--event", "Paid", "--within", "7d", "--dsn", dsn]) == 0
    assert "events Paid" in capsys.readouterr().out
    assert main(["runs", "uplift", KEY, "--conversions", "order", *where[2:]]) == 2
    assert "Present in that folder: orders" in capsys.readouterr().err

    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    with DAG("welcome", schedule=None):
        block = MeasureUpliftOperator(
            task_id="uplift", run_key=KEY, conversions="orders", within="7d", include_folder=str(include)
        )
    context: Any = {"ti": TaskInstance()}
    assert block.execute(context) == told
