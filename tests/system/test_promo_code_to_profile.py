"""The workflow to copy, run by Airflow on a real store and a real receiver."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import add_codes, add_contacts, free_codes
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Return a fresh store to which, with the receiver, Airflow's connections lead."""
    profile_api = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": receiver.port,
        "login": "any",
        "password": "secret-key-of-the-receiver",
        "extra": {"allow_insecure": True, "allow_private": True},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(profile_api))
    with connect(dsn) as connection:
        yield connection


@pytest.fixture
def run_workflow(airflow_database: None) -> Callable[..., Any]:  # noqa: ARG001  (made before the DAG runs)
    """Return a function that runs the DAG to its end and returns the DAG run."""
    sys.path.insert(0, str(ROOT / "dags"))
    from promo_code_to_profile import end

    def run(**conf: object) -> Any:  # noqa: ANN401  (Airflow's DagRun)
        # The DAG's own object remembers the values it was run with last.
        return end.dag.test(run_conf={"dry_run": False, **conf}, use_executor=False)

    return run


def rows(store: Connection, query: str) -> list[dict[str, Any]]:
    return store.execute(query).fetchall()


def test_every_contact_gets_one_code_one_message_and_the_code_on_its_profile(
    store: Connection, receiver: Receiver, run_workflow: Callable[..., Any]
) -> None:
    contacts = add_contacts(store, 40)
    add_contacts(store, 10, channel=None)
    add_codes(store, 60)
    dag_run = run_workflow(edition="spring")
    assert dag_run.state == "success"

    held = rows(
        store,
        "select a.contact_id, p.code from promo.assignment a join promo.promo_code p using (promo_code_id)"
        " where a.state = 'recorded' order by 1",
    )
    codes = {row["contact_id"]: row["code"] for row in held}
    assert sorted(codes) == contacts
    assert len(set(codes.values())) == 40
    inbox = {row["contact_id"]: row["body"] for row in read_inbox(store, limit=100)}
    assert sorted(inbox) == contacts
    assert all(f"Your promo code: {codes[who]}\n10% off until " in body for who, body in inbox.items())
    posted = {
        body["channels"][0]["value"]: body["fields"]
        for body in (json.loads(request.body) for request in receiver.received)
    }
    assert posted == {f"token-{who}": [{"id": 12345, "value": code}] for who, code in codes.items()}
    skipped = rows(store, "select reason, count(*) as n from promo.assignment where state = 'skipped' group by 1")
    assert skipped == [{"reason": "no channel", "n": 10}]
    assert free_codes(store) == 20


def test_the_report_is_in_xcom_and_in_the_event_of_the_runs_asset(
    store: Connection, run_workflow: Callable[..., Any]
) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    add_contacts(store, 30)
    add_contacts(store, 10, channel=None)
    add_codes(store, 50)
    dag_run = run_workflow(edition="reported")
    [end] = [task for task in dag_run.get_task_instances() if task.task_id == "end"]
    report = end.xcom_pull(task_ids="end")
    assert (report["audience"], report["given"], report["recorded"], report["pool_left"]) == (40, 30, 30, 20)
    assert (report["skipped"], report["unknown"], report["waiting"]) == ({"no channel": 10}, 0, 0)
    assert "| of these, on their profile | 30 |" in end.xcom_pull(task_ids="end", key="report")
    with create_session() as session:
        told = {event.name: event.extra for event in session.query(AssetEvent).all()}
    assert told["promo_runs"] == told["promo_runs/promo_code_to_profile"] == report
    assert told["promo_profiles/promo_to_profile"] == {"run_key": report["run_key"], "recorded": 30}


def test_running_the_same_edition_again_changes_nothing(
    store: Connection, receiver: Receiver, run_workflow: Callable[..., Any]
) -> None:
    add_contacts(store, 20)
    add_codes(store, 60)
    run_workflow(edition="spring")
    ledger = "select * from promo.assignment order by 1, 2"
    before = (rows(store, ledger), rows(store, "select * from promo.attempt order by 1"), len(receiver.received))
    assert run_workflow(edition="spring").state == "success"
    after = (rows(store, ledger), rows(store, "select * from promo.attempt order by 1"), len(receiver.received))
    assert before == after


def test_too_few_codes_stop_the_run_before_the_first_message(
    store: Connection, receiver: Receiver, run_workflow: Callable[..., Any]
) -> None:
    add_contacts(store, 20)
    add_codes(store, 19)
    dag_run = run_workflow(edition="spring")
    assert dag_run.state != "success"
    assert rows(store, "select * from promo.run") == []
    assert read_inbox(store) == []
    assert receiver.received == []


def test_a_dry_run_writes_a_preview_and_sends_nothing(
    store: Connection,
    receiver: Receiver,
    run_workflow: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__PREVIEW_FOLDER", str(tmp_path / "previews"))
    add_contacts(store, 20)
    add_codes(store, 20)
    dag_run = run_workflow(edition="spring", dry_run=True)
    assert dag_run.state == "success"
    states = {instance.task_id: instance.state for instance in dag_run.get_task_instances()}
    assert (states["start"], states["end"], states["batch.message"]) == ("success", "skipped", "skipped")
    written = sorted(file.name for file in (tmp_path / "previews").iterdir())
    assert [name.partition("-")[0] for name in written] == ["promo_code_to_profile_edition_spring"] * 2
    with (tmp_path / "previews" / written[0]).open(encoding="utf-8", newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["send"] * 20
    assert rows(store, "select * from promo.run") == []
    assert (read_inbox(store), receiver.received, free_codes(store)) == ([], [], 20)


def test_a_dry_run_that_start_will_refuse_fails_and_leaves_its_preview(
    store: Connection, run_workflow: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__PREVIEW_FOLDER", str(tmp_path))
    add_contacts(store, 20)
    add_codes(store, 19)
    dag_run = run_workflow(edition="spring", dry_run=True)
    states = {instance.task_id: instance.state for instance in dag_run.get_task_instances()}
    assert (dag_run.state, states["start"]) == ("failed", "failed")
    with next(tmp_path.glob("*.csv")).open(encoding="utf-8", newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["send"] * 19 + ["skipped"]
    assert rows(store, "select * from promo.run") == []


def test_an_empty_audience_ends_well(store: Connection, run_workflow: Callable[..., Any]) -> None:
    assert run_workflow(edition="nobody").state == "success"
    assert rows(store, "select closed_at is not null as closed from promo.run") == [{"closed": True}]


def test_no_code_token_or_key_is_kept_with_rendered_fields_or_logs(
    store: Connection, run_workflow: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    add_contacts(store, 3)
    codes = add_codes(store, 3, prefix="CANARY")
    assert run_workflow(edition="canary").state == "success"
    with create_session() as session:
        fields = [str(row.rendered_fields) for row in session.query(RenderedTaskInstanceFields).all()]
    shown = "".join([*fields, *capfd.readouterr()])
    assert "3 contacts of run 1 and their codes" in shown
    for secret in (*codes, "token-", "secret-key-of-the-receiver"):
        assert secret not in shown
