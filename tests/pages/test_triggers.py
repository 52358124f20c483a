"""Starting a workflow by hand, and a test send, from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration.scenario import add_codes, add_contacts, open_welcome
from integration.test_preview import everything
from pages.airflow_dag import store_dag
from pages.include_folder import write_include
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.postgres.audit import list_audit

if TYPE_CHECKING:
    from pathlib import Path

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

TRIGGER = "workflows/welcome/trigger"


@pytest.fixture
def dag(empty_airflow_database: None, site: Site, include: Path) -> str:  # noqa: ARG001  (Airflow's database is there once the site is)
    """Put the DAG of the workflow into Airflow's database, paused, as its DAG processor does."""
    from promo_campaigns.workflows import load_workflows

    (made,) = [one for one in load_workflows(str(include)) if one.workflow_id == "welcome"]
    store_dag(made.dag)
    return "welcome"


def is_paused(dag_id: str) -> bool:
    """Tell whether Airflow holds a DAG's schedule."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        return bool(session.query(DagModel.is_paused).filter(DagModel.dag_id == dag_id).one()[0])


@pytest.mark.usefixtures("include")
def test_the_effect_of_a_run_is_told_in_numbers(site: Site, store: Connection) -> None:
    add_contacts(store, 5)
    add_codes(store, 3)
    told = site.user.get(f"{TRIGGER}/effect")
    assert told["numbers"]["audience"] == 5
    assert told["numbers"]["free"] == 3
    assert told["refusals"] == []
    assert "2 codes or more are missing" in told["sentence"]
    assert "Nobody is really sent anything" in told["sentence"]
    other = site.user.get(f"{TRIGGER}/effect", audience="nobody")
    assert other["numbers"]["audience"] == 0
    assert site.user.get(f"{TRIGGER}/effect", discount=15)["numbers"]["free"] == 0


@pytest.mark.usefixtures("include")
def test_what_start_would_refuse_is_told_before(site: Site, store: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    open_welcome(store, "welcome/edition/spring")
    [changed] = site.user.get(f"{TRIGGER}/effect", edition="spring")["refusals"]
    assert "was opened with another" in changed
    monkeypatch.delenv("AIRFLOW_CONN_PROMO_PROFILE_API")
    [missing] = site.user.get(f"{TRIGGER}/effect", edition="summer")["refusals"]
    assert "there is no connection 'promo_profile_api'" in missing


def test_a_slow_audience_is_not_waited_for(site: Site, include: Path) -> None:
    slow = "select contact_id from promo.contact cross join pg_sleep(60)\nunion all select 1 from pg_sleep(60)"
    write_include(include, {"audiences/everybody.sql": slow})
    told = site.user.get(f"{TRIGGER}/effect")
    assert told["numbers"]["audience"] is None
    assert "an unknown number of contacts" in told["sentence"]


def test_a_run_is_made_as_the_user_who_asks(site: Site, store: Connection, dag: str) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    told = site.user.post(TRIGGER, conf={"edition": "spring"})
    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.dag_id == dag, DagRun.run_id == told["dag_run_id"]).one()
        assert (run.triggering_user_name, run.conf) == ("user@example", {"edition": "spring"})
    assert is_paused(dag)
    [entry] = list_audit(store)
    assert (entry["action"], entry["subject"], entry["rows"]) == ("trigger", "workflow welcome", 1)
    assert entry["actor"].startswith("user@example as ")
    wrong = site.user.ask("POST", TRIGGER, json={"conf": {"discount": "much"}})
    assert wrong.status_code == 409
    misspelt = site.user.ask("POST", TRIGGER, json={"conf": {"editon": "x"}})
    assert (misspelt.status_code, misspelt.json()["detail"].startswith("welcome asks for no editon")) == (400, True)
    site.user.post(TRIGGER, conf={"edition": "summer"}, unpause=True)
    assert not is_paused(dag)
    shown = site.user.get("workflows/welcome")
    assert len(shown["next_runs"]) == 5
    assert {field["name"] for field in shown["form"]} >= {"audience", "message", "edition", "mode", "discount"}
    assert [one["short"] for one in shown["coming"]] == [0] * 5


@pytest.mark.usefixtures("include")
def test_a_dag_that_airflow_does_not_know_is_not_triggered(site: Site) -> None:
    answer = site.user.ask("POST", "workflows/texted/trigger", json={"conf": {}})
    assert answer.status_code == 409
    assert "no DAG texted" in answer.json()["detail"]


@pytest.mark.usefixtures("include")
def test_a_test_send_is_shown_first_and_sent_when_asked(site: Site, store: Connection) -> None:
    (who,) = add_contacts(store, 1)
    (nobody,) = add_contacts(store, 1, channel=None)
    before = everything(store)
    shown = site.user.post("workflows/welcome/test-send", contact_ids=[who, nobody], send=False)
    assert everything(store) == before
    assert [(one["contact_id"], one["title"]) for one in shown["messages"]] == [(who, "Hi Name 1")]
    assert PLACEHOLDER in shown["messages"][0]["body"]
    assert shown["left_out"] == [{"contact_id": nobody, "reason": "no channel"}]
    assert shown["outcomes"] is None
    sent = site.user.post("workflows/welcome/test-send", contact_ids=[who, nobody], send=True)
    assert [(one["contact_id"], one["outcome"]) for one in sent["outcomes"]] == [(who, "ok"), (nobody, "skipped")]
    assert [one["contact_id"] for one in read_inbox(store)] == [who]
    [entry] = list_audit(store)
    assert (entry["action"], entry["subject"], entry["rows"]) == ("test send", "workflow welcome", 1)


@pytest.mark.usefixtures("include")
@pytest.mark.parametrize("path", [TRIGGER, "workflows/welcome/test-send"])
def test_who_may_not_act_does_neither(site: Site, path: str) -> None:
    body = {"contact_ids": [1]} if path.endswith("send") else {}
    assert site.viewer.ask("POST", path, json=body).status_code == 403
