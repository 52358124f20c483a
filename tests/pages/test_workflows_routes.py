"""Workflows: what they are, what is wrong with them, and the message of one for a chosen contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.scenario import SPEC, add_codes, add_contacts, open_welcome
from integration.test_preview import everything
from pages.airflow_dag import store_dag
from pages.include_folder import write_include
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.ui.workflow_entries import NEEDS_FILE

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("include")
def test_each_workflow_is_shown_as_the_blocks_it_is(site: Site, store: Connection) -> None:
    add_codes(store, 7)
    texted, welcome = site.viewer.get("workflows")
    assert (welcome["dag_id"], welcome["name"], welcome["schedule"]) == ("welcome", "Welcome by push", "0 9 * * 1")
    assert [(block["kind"], block["detail"]) for block in welcome["blocks"]] == [
        ("start", "everybody"),
        ("contact", "by mobilepush"),
        ("code", "Welcome, 10 %, 7 days"),
        ("message", "push, mobilepush by inbox"),
        ("data_source", "profile"),
        ("end", ""),
    ]
    assert welcome["is_inbox"] is True
    assert welcome["forecast"] == {"wanted": None, "free": 7, "enough_for": None}
    assert (texted["last"], texted["faults"]) == (None, [])


@pytest.mark.usefixtures("include")
def test_a_forecast_goes_by_the_last_run(site: Site, store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 10)
    run = open_welcome(store)
    store.execute("update promo.run_count set assigned = 3, pending = 0 where run_id = %s", [run.run_id])
    store.execute("delete from promo.code_demand")
    welcome = site.viewer.get("workflows/welcome")
    assert welcome["last"]["run_key"] == run.run_key
    assert welcome["forecast"] == {"wanted": 3, "free": 10, "enough_for": 3}


def test_a_file_that_is_wrong_is_told_by_its_line(site: Site, include: Path) -> None:
    wrong = "audience: everybody\nmessage: psh\npromo_code: {type: A, discount: 1, days: 1}\n"
    write_include(include, {"workflows/welcome.yaml": wrong})
    _, welcome = site.viewer.get("workflows")
    [fault] = welcome["faults"]
    assert (fault["file"], fault["line"]) == ("workflows/welcome.yaml", 2)
    assert "psh" in fault["text"]
    assert welcome["blocks"] == []
    assert site.viewer.get("workflows/welcome")["faults"] == [fault]


def test_what_only_the_store_can_tell_is_told_of_one_workflow(site: Site, include: Path) -> None:
    write_include(include, {"audiences/everybody.sql": "select\nnobody from promo.contact"})
    told = site.viewer.get("workflows/welcome")
    [fault] = told["faults"]
    assert (fault["file"], fault["line"]) == ("audiences/everybody.sql", 2)
    assert told["receivers"] == ["transport inbox", "connection promo_profile_api"]


@pytest.mark.usefixtures("include")
def test_the_message_is_the_one_that_would_be_sent(site: Site, store: Connection) -> None:
    (nobody,) = add_contacts(store, 1, channel=None)
    (who,) = add_contacts(store, 1)
    before = everything(store)
    told = site.viewer.post("workflows/welcome/message")
    assert everything(store) == before
    assert (told["contact_id"], told["code"]) == (who, PLACEHOLDER)
    assert (told["title"], told["body"].strip()) == ("Hi Name 1", f"Code: {PLACEHOLDER}")
    assert told["would_be"] == {"state": "send", "reason": ""}
    assert told["segments"] is None
    [call] = told["requests"]
    assert (call["name"], call["purpose"], call["method"]) == ("profile", "profile", "POST")
    assert call["url"] == "https://profiles.example/api/v1/contact"
    assert call["headers"]["Authorization"] == "***"
    assert call["body"] == f'{{"contact": "{mask_value(f"token-{who}")}", "code": "{PLACEHOLDER}"}}'
    assert "a secret key" not in str(told)
    skipped = site.viewer.post("workflows/welcome/message", contact_id=nobody)
    assert skipped["would_be"] == {"state": "skipped", "reason": "no channel"}
    assert skipped["title"] == "Hi Name 1"


@pytest.mark.usefixtures("include")
def test_a_text_message_is_counted_in_segments_and_languages(site: Site, store: Connection) -> None:
    add_contacts(store, 1, channel="sms")
    store.execute("update promo.contact_channel set value = '49151123456'")
    plain = site.viewer.post("workflows/texted/message")
    assert plain["segments"]["encoding"] == "GSM-7"
    assert [one["chosen"] for one in plain["variants"]] == [True, False]
    other = site.viewer.post("workflows/texted/message", language="uk-UA")
    assert other["body"] == f"Код: {PLACEHOLDER}"
    assert (other["segments"]["encoding"], other["segments"]["count"]) == ("UCS-2", 1)
    assert [(one["language"], one["chosen"]) for one in other["variants"]] == [(None, False), ("uk", True)]
    assert "49151123456" not in str(other)


@pytest.mark.usefixtures("include")
def test_who_is_not_there_is_told_plainly(site: Site) -> None:
    answer = site.viewer.ask("POST", "workflows/welcome/message", json={"contact_id": 99})
    assert (answer.status_code, answer.json()) == (404, {"detail": "there is no contact 99"})
    empty = site.viewer.ask("POST", "workflows/welcome/message", json={})
    assert (empty.status_code, empty.json()["detail"]) == (404, "the audience is empty: name a contact")
    assert site.viewer.ask("GET", "workflows/other").status_code == 404


def test_an_api_server_without_the_include_folder_says_so(
    site: Site, include: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(include / "gone"))
    answer = site.viewer.ask("GET", "workflows")
    assert answer.status_code == 503
    assert "include folder" in answer.json()["detail"]


@pytest.mark.usefixtures("empty_airflow_database", "include")
def test_a_workflow_in_python_is_shown_as_far_as_its_dag_tells(site: Site, store: Connection) -> None:
    for name in ("promo_code_to_profile", "promo_code_on_event", "watch_campaigns"):
        store_dag(dag_of(name))
    add_codes(store, 7)
    told = {one["dag_id"]: one for one in site.viewer.get("workflows")}
    assert set(told) == {"welcome", "texted", "promo_code_to_profile", "promo_code_on_event"}
    assert (told["welcome"]["written"], told["promo_code_on_event"]["schedule"]) == ("yaml", "event: OrderPaid")
    by_hand = told["promo_code_to_profile"]
    assert (by_hand["written"], by_hand["schedule"], by_hand["audience"]) == ("python", None, "all_contacts")
    assert (by_hand["transport"], by_hand["is_inbox"], by_hand["message"]) == ("inbox", True, "promo_push")
    assert [(block["kind"], block["detail"]) for block in by_hand["blocks"]] == [
        ("start", "all_contacts"),
        ("contact", ""),
        ("code", "Welcome, 10 %, 7 days"),
        ("message", "promo_push"),
        ("data_source", "promo_to_profile"),
        ("end", ""),
    ]
    assert by_hand["forecast"] == {"wanted": None, "free": 7, "enough_for": None}
    one = site.viewer.get("workflows/promo_code_to_profile")
    assert (one["blocks"], one["faults"], one["can"]["act"]) == (by_hand["blocks"], [], False)
    assert [note["text"] for note in one["notes"]] == [NEEDS_FILE]
    assert site.viewer.ask("GET", "workflows/watch_campaigns").status_code == 404


@pytest.mark.usefixtures("empty_airflow_database", "include")
def test_a_dag_of_an_authors_own_blocks_is_a_workflow_once_it_had_a_run(site: Site, store: Connection) -> None:
    from airflow.sdk import DAG, BaseOperator

    with DAG("own", schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        BaseOperator(task_id="warm_up")
    store_dag(dag)
    assert "own" not in {one["dag_id"] for one in site.viewer.get("workflows")}
    run = open_welcome(store, "own/edition/one", replace(SPEC, workflow="own"))
    own = site.viewer.get("workflows/own")
    assert (own["last"]["run_id"], own["schedule"], own["forecast"]) == (run.run_id, "0 0 * * *", None)
    assert [block["detail"] for block in own["blocks"]] == ["BaseOperator"]
    assert len(own["next_runs"]) == 5


def dag_of(name: str) -> DAG:
    """Return the DAG of one of the ready files."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags" / f"{name}.py"))
    assert bag.import_errors == {}
    return bag.dags[name]
