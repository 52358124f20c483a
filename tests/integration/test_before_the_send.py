"""What is decided before the send: too few codes, and who is held out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.cli import main
from promo_campaigns.code_files.row_rules import BrokenRuleError, check_code
from promo_campaigns.contacts.audiences import audience_query
from promo_campaigns.hooks.preview_files import files_for
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.runs import open_run, read_batches
from promo_campaigns.model.audience.lists import AudienceList
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows import PromoWorkflow

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"


class TaskInstance:
    """Takes what Start pushes."""

    def xcom_push(self, **_: object) -> None:
        """Drop it."""


class DagRun:
    """A manual run."""

    run_type, logical_date, run_id = "manual", None, "manual_1"
    run_after = datetime.now(tz=timezone.utc)


CONTEXT: Any = {"ti": TaskInstance(), "dag_run": DagRun()}


@pytest.fixture
def include(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder, and lead Airflow's connection to the store."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    (tmp_path / "messages").mkdir()
    (tmp_path / "audiences").mkdir()
    (tmp_path / "messages" / "push.yaml").write_text('channel: mobilepush\ntitle: "Hi"\nbody: "Code: $promocode"\n')
    (tmp_path / "audiences" / "all.sql").write_text("select contact_id from promo.contact")
    return tmp_path


def give_codes(store: Connection, run: Run) -> dict[int, str]:
    ledger = PostgresLedger(store)
    held: dict[int, str] = {}
    for batch in read_batches(store, run, 10):
        held |= dict(ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), CODES))
    return held


def skipped(store: Connection, run: Run) -> dict[int, str]:
    rows = store.execute(
        "select contact_id, reason from promo.assignment where run_id = %s and state = 'skipped'", [run.run_id]
    ).fetchall()
    return {row["contact_id"]: row["reason"] for row in rows}


def held_out(store: Connection, workflow: str, contacts: int, percent: float) -> set[int]:
    query = "select n from generate_series(1, %s::bigint) n where promo.held_out(%s, n, %s::numeric)"
    rows = store.execute(query, [contacts, workflow, percent]).fetchall()
    return {row["n"] for row in rows}


def test_with_too_few_codes_a_partial_run_serves_the_first_and_reports_what_is_missing(store: Connection) -> None:
    contacts = add_contacts(store, 8)
    add_contacts(store, 2, channel=None)
    add_codes(store, 5)
    add_codes(store, 2, prefix="SOON", days=3)
    run = open_run(store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    assert list(give_codes(store, run)) == contacts[:5]
    assert [who for who, reason in skipped(store, run).items() if reason == "no code"] == contacts[5:]
    report = read_report(store, run.run_id)
    assert report.as_dict()["forecast"] == {"demand": 8, "ahead": 0, "stock": 5, "expiring": 2, "shortfall": 3}
    assert report.tally.skipped == {"no channel": 2, "no code": 3}


def test_who_went_without_a_code_is_served_when_the_run_is_run_again(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    add_codes(store, 3)
    run = open_run(store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    give_codes(store, run)
    store.execute("update promo.assignment set state = 'unknown' where state = 'assigned'")
    store.execute("update promo.run set closed_at = promo.clock()")
    add_codes(store, 1, prefix="MORE")
    again = open_run(store, SPEC, run_key=KEY, mode=Mode.MISSING)
    assert give_codes(store, again)[contacts[3]].startswith("MORE")


def test_a_partial_run_leaves_the_codes_that_the_runs_before_it_have_still_to_claim(store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 4)
    first = open_welcome(store)
    second = open_run(store, SPEC, run_key="welcome/edition/two", stock_policy=StockPolicy.PARTIAL)
    assert states(store, second) == {"pending": 1, "skipped": 2}
    assert len(give_codes(store, second)) == 1
    assert len(give_codes(store, first)) == 3


def test_a_code_that_is_gone_when_it_is_claimed_makes_no_partial_run_fail(store: Connection) -> None:
    contacts = add_contacts(store, 3)
    codes = add_codes(store, 3)
    run = open_run(store, SPEC, run_key=KEY, stock_policy=StockPolicy.PARTIAL)
    store.execute("update promo.promo_code set retired = true where code = %s", [codes[0]])
    assert list(give_codes(store, run)) == contacts[:2]
    assert skipped(store, run) == {contacts[2]: "no code"}


def test_a_run_that_waits_for_codes_opens_nothing_before_there_are_enough(store: Connection, include: Path) -> None:
    add_contacts(store, 3)
    add_codes(store, 2)
    with DAG("welcome", schedule=None):
        start = StartOperator(
            task_id="start",
            message="push",
            audience="all",
            stock="wait",
            include_folder=str(include),
            type="Welcome",
            discount=10,
            days=7,
        )
    with pytest.raises(TaskDeferred) as deferred:
        start.execute(CONTEXT)
    assert deferred.value.method_name == "resume"
    assert store.execute("select count(*) as n from promo.run").fetchone() == {"n": 0}
    with pytest.raises(TaskDeferred):
        start.resume(CONTEXT)
    add_codes(store, 1, prefix="MORE")
    assert len(start.resume(CONTEXT)) == 1


def test_the_held_out_are_skipped_and_need_no_code(store: Connection) -> None:
    contacts = add_contacts(store, 60)
    (nobody,) = add_contacts(store, 1, channel=None)
    spec = replace(SPEC, hold_out=30.0)
    kept = {who for who in contacts if who in held_out(store, "welcome", max(contacts), 30)}
    assert kept
    add_codes(store, len(contacts) - len(kept))
    run = open_welcome(store, spec=spec)
    assert set(give_codes(store, run)) == set(contacts) - kept
    assert skipped(store, run) == dict.fromkeys(kept, "hold-out") | {nobody: "no channel"}
    assert free_codes(store) == 0


def test_a_run_again_holds_out_the_same_contacts(store: Connection) -> None:
    add_contacts(store, 40)
    add_codes(store, 100)
    spec = replace(SPEC, hold_out=50.0)
    first, second = (open_welcome(store, f"welcome/edition/{n}", spec) for n in range(2))
    give_codes(store, first)
    give_codes(store, second)
    assert skipped(store, first)
    assert skipped(store, first) == skipped(store, second)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    workflow=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    percent=st.integers(0, 9900),
)
def test_the_share_held_out_is_the_percentage_and_grows_by_adding(
    store: Connection, workflow: str, percent: int
) -> None:
    """Within six standard deviations of a binomial: one false alarm in 10^9."""
    contacts, share = 5_000, percent / 10_000
    kept = held_out(store, workflow, contacts, percent / 100)
    assert abs(len(kept) - contacts * share) <= 6 * (contacts * share * (1 - share)) ** 0.5
    assert kept <= held_out(store, workflow, contacts, min(99, percent / 100 + 5))


def test_workflows_hold_out_contacts_of_their_own(store: Connection) -> None:
    one, two = (held_out(store, name, 2_000, 50) for name in ("welcome", "birthday"))
    assert 800 < len(one ^ two) < 1_200


def test_the_placeholder_can_never_be_in_the_pool(store: Connection) -> None:
    for code in (PLACEHOLDER, PLACEHOLDER.lower(), f"{PLACEHOLDER}-1"):
        with pytest.raises(BrokenRuleError, match="stands for a code in tests"):
            check_code(code)
        with pytest.raises(psycopg.errors.CheckViolation, match="promo_code_no_placeholder"):
            add_codes(store, 1, prefix=code)


@pytest.mark.parametrize("by", ["contactId", "externalId", "mobilepush"])
def test_a_list_is_an_audience_of_a_preview_as_of_a_run(store: Connection, by: str) -> None:
    first, second, _ = add_contacts(store, 3)
    store.execute("update promo.contact set external_id = 'ext-' || contact_id")
    values = {"contactId": "{}", "externalId": "ext-{}", "mobilepush": "token-{}"}
    listed = AudienceList(by=by, values=tuple(values[by].format(who) for who in (second, first)), sha256="")
    audience = Audience(name="vip", list_sha256="0", listed=listed)
    with audience_query(audience, "select contact_id from (/* audience */) a order by 1") as (query, whose):
        assert [row["contact_id"] for row in store.execute(query, whose)] == [first, second]


def test_the_command_writes_a_preview_and_a_difference(
    store: Connection, include: Path, dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(store, 3)
    add_codes(store, 2)
    (include / "messages" / "next.yaml").write_text('channel: mobilepush\ntitle: "Hi"\nbody: "It is $promocode"\n')
    pool = ["--audience", "all", "--type", "Welcome", "--discount", "10", "--days", "7"]
    where = ["--include", str(include), "--dsn", dsn, "--json"]
    assert main(["preview", "--message", "push", *pool, *where, "--out", str(tmp_path / "p.csv")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["states"], told["reasons"]) == ({"send": 2, "skipped": 1}, {"no code": 1})
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 4
    assert main(["preview", "--diff", "push", "next", *pool, *where]) == 0
    assert json.loads(capsys.readouterr().out)["parts"] == {"title": 0, "body": 3}
    assert main(["preview", *pool, *where]) == 2
    assert "name a workflow, or all its parts: --message missing" in capsys.readouterr().err
    assert main(["preview", "--message", "push", "--diff", "push", "next", *pool, *where]) == 2
    assert "--diff OLD NEW, which names the messages itself" in capsys.readouterr().err


WORKFLOW = """\
audience: all
promo_code: {type: Welcome, discount: 10, days: 7}
message: push
time_zone: Europe/Kyiv
quiet_hours: 21:00-09:00
frequency_cap: 3/7d
hold_out: 20
"""


def test_the_command_previews_a_workflow_as_it_is_written_and_as_the_form_would_change_it(
    store: Connection, include: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(store, 40)
    add_codes(store, 40)
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW)
    (include / "messages" / "next.yaml").write_text('channel: mobilepush\ntitle: "Hi"\nbody: "It is $promocode"\n')
    where = ["--include", str(include), "--dsn", dsn, "--json"]
    assert main(["preview", "sale", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["workflow"], told["message"], told["contacts"]) == ("sale", "push", 40)
    kept = len(held_out(store, "sale", 40, 20))
    assert told["reasons"] == {"hold-out": kept}
    assert main(["preview", "sale", "--discount", "11", "--message", "next", *where]) == 1, "there is no such code"
    told = json.loads(capsys.readouterr().out)
    assert (told["message"], told["forecast"]["stock"]) == ("next", 0)
    assert main(["preview", "sale", "--diff", "push", "next", *where]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 40 - kept
    assert main(["preview", "sal", *where]) == 2
    assert "workflows/sal.yaml" in capsys.readouterr().err


def test_what_the_command_previews_of_a_workflow_is_what_start_freezes(
    store: Connection, include: Path, capsys: pytest.CaptureFixture[str], dsn: str
) -> None:
    """By the digest of the definition: audience, codes, message, data sources, transport, limits and hold-out."""
    add_contacts(store, 3)
    add_codes(store, 3)
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW)
    assert main(["preview", "sale", "--include", str(include), "--dsn", dsn, "--json"]) == 0
    digest = json.loads(capsys.readouterr().out)["sha256"]
    workflow = PromoWorkflow(
        workflow_id="sale",
        audience="all",
        promo_code={"type": "Welcome", "discount": 10, "days": 7},
        message="push",
        time_zone="Europe/Kyiv",
        quiet_hours="21:00-09:00",
        frequency_cap="3/7d",
        hold_out=20,
        include=str(include),
    )
    start: Any = workflow.dag.get_task("start")
    start.render_template_fields({**CONTEXT, "params": workflow.dag.params.dump()})
    start.execute(CONTEXT)
    frozen = store.execute("select encode(spec_sha256, 'hex') as digest from promo.run").fetchone()
    assert frozen == {"digest": digest}


def test_the_command_weighs_the_transport_where_it_knows_its_connection(
    store: Connection, include: Path, dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW + "transport: smtp\ntransport_conn_id: mail\n")
    where = ["--include", str(include), "--dsn", dsn, "--json"]
    assert main(["preview", "sale", *where]) == 2
    assert "messages/push.yaml:1: the transport 'smtp' cannot do the channel" in capsys.readouterr().err
    message = include / "messages" / "push.yaml"
    message.write_text(message.read_text().replace("mobilepush", "email"))
    assert main(["preview", "sale", *where]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert notes == ["the transport smtp is not weighed: its connection mail is not known here"]
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "smtp://127.0.0.1?from=&security=none")
    assert main(["preview", "sale", *where]) == 2
    assert "connection mail needs the extra from" in capsys.readouterr().err


def test_a_workflow_for_events_is_previewed_over_an_audience_that_is_named(
    store: Connection, include: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_contacts(store, 2)
    (include / "workflows").mkdir()
    text = WORKFLOW.replace("audience: all", "audience: {event: OrderPaid}")
    (include / "workflows" / "paid.yaml").write_text(text)
    where = ["--include", str(include), "--dsn", dsn, "--json"]
    assert main(["preview", "paid", *where]) == 2
    assert "the audience of paid is the contact of an event" in capsys.readouterr().err
    assert main(["preview", "paid", "--audience", "all", *where]) == 0
    assert json.loads(capsys.readouterr().out)["contacts"] == 2


def test_previews_go_to_any_storage() -> None:
    storage = attach("memory", fs=MemoryFileSystem()).fs
    try:
        with files_for("memory://previews", ["a.csv"]) as (files, targets):
            files[0].write_text("rows")
        assert [storage.cat(target.removeprefix("memory:/")) for target in targets] == [b"rows"]
    finally:
        storage.rm("/previews", recursive=True)
