"""A person approves or rejects a run in a real Airflow, through its API, while no worker waits."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import add_codes, add_contacts, free_codes
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.postgres.connection import connect
from system.airflow_cluster import OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster
    from system.shared_airflow import SharedAirflow

ROOT = Path(__file__).parents[3]
CONTACTS = 5
CODES = 100
YAML = """\
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: hello
approval: true
"""
MESSAGE = 'channel: mobilepush\ntitle: "Hi"\nbody: "Your code: $promocode"\n'
WORKFLOWS = {
    "asking": YAML,
    "somebody": YAML.replace("true", "{approvers: [somebody, else]}"),
    "in_time": YAML.replace("true", "{timeout: 1m}"),
}


@pytest.fixture(scope="module")
def cluster(airflow: SharedAirflow) -> Iterator[AirflowCluster]:
    """Return a real Airflow with workflows that ask."""
    factory = {"workflows.py": (ROOT / "dags" / "workflows.py").read_text(encoding="utf-8")}
    files = {f"workflows/{name}.yaml": text for name, text in WORKFLOWS.items()} | {"messages/hello.yaml": MESSAGE}
    with airflow.lent(factory, files) as running:
        with connect(running.promo_dsn) as store:
            add_contacts(store, CONTACTS)
            add_codes(store, CODES, days=365)
        for name in WORKFLOWS:
            running.unpause(name)
        running.api.trigger("in_time", "silent", {"edition": "silent"})  # its minute passes while others are answered
        yield running


def task(cluster: AirflowCluster, dag_id: str, run_id: str, task_id: str = "approve") -> dict[str, Any]:
    """Return the state of a task of a run."""
    found: dict[str, Any] = cluster.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")
    return found


def form(cluster: AirflowCluster, dag_id: str, run_id: str) -> dict[str, Any]:
    """Wait until a person is asked, and return what is asked."""
    cluster.wait("somebody is asked", lambda: cluster.waits_for_answer(dag_id, run_id, "approve"))
    asked: dict[str, Any] = cluster.call("GET", question(dag_id, run_id))
    return asked


def question(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"


def answer(cluster: AirflowCluster, dag_id: str, run_id: str, option: str) -> None:
    cluster.call("PATCH", question(dag_id, run_id), {"chosen_options": [option], "params_input": {}})


def end_of(cluster: AirflowCluster, dag_id: str, run_id: str, option: str) -> str:
    """Answer whenever it is asked until the run is over, and return how it ended."""

    def is_over() -> bool:
        if cluster.api.state(dag_id, run_id) in OVER:
            return True
        if cluster.waits_for_answer(dag_id, run_id, "approve"):
            try:
                answer(cluster, dag_id, run_id, option)
            except urllib.error.HTTPError as error:  # it was answered a moment ago
                error.close()
        return False

    cluster.wait(f"{dag_id} {run_id}", is_over)
    return cluster.api.state(dag_id, run_id)


def tally(store: Connection, run_key: str) -> dict[str, int]:
    """Count the run's assignments by state, with the reason where there is one."""
    rows = store.execute(
        "select a.state::text || coalesce(' ' || a.reason, '') as state, count(*) as n from promo.assignment a"
        " join promo.run r using (run_id) where r.run_key = %s group by 1",
        [run_key],
    ).fetchall()
    return {row["state"]: row["n"] for row in rows}


def test_nothing_is_sent_before_a_person_approves_and_then_what_was_shown(
    cluster: AirflowCluster, store: Connection
) -> None:
    """While the person thinks, the message and the audience change: what was shown is what is sent, to whom it was."""
    cluster.api.trigger("asking", "yes", {"edition": "yes"})
    asked = form(cluster, "asking", "yes")
    assert asked["subject"] == f"Send hello to {CONTACTS} contacts?"
    assert f"| to be sent | {CONTACTS} |" in asked["body"]
    assert (asked["options"], asked["defaults"]) == (["Approve", "Reject"], ["Reject"])
    assert "token-" not in asked["body"]
    assert (tally(store, "asking/edition/yes"), free_codes(store)) == ({"pending": CONTACTS}, CODES)
    message = cluster.include / "messages" / "hello.yaml"
    message.write_text(MESSAGE.replace("Your code", "Another text"), encoding="utf-8")
    (late,) = add_contacts(store, 1)
    try:
        assert end_of(cluster, "asking", "yes", "Approve") == "success"
    finally:
        message.write_text(MESSAGE, encoding="utf-8")
        store.execute("delete from promo.contact_channel where contact_id = %s", [late])
    assert tally(store, "asking/edition/yes") == {"accepted": CONTACTS}
    sent = read_inbox(store, limit=100)
    assert len(sent) == CONTACTS
    assert all(one["body"].startswith("Your code: ") for one in sent)
    said = store.execute("select approval, approved_by from promo.run where run_key = 'asking/edition/yes'").fetchone()
    assert said == {"approval": "given", "approved_by": "admin"}


def test_after_a_rejection_nothing_is_sent_no_code_is_taken_and_the_run_is_closed(
    cluster: AirflowCluster, store: Connection
) -> None:
    codes, sent = free_codes(store), len(read_inbox(store, limit=100))
    cluster.api.trigger("asking", "no", {"edition": "no"})
    form(cluster, "asking", "no")
    assert end_of(cluster, "asking", "no", "Reject") == "success"
    ends = {name: task(cluster, "asking", "no", name)["state"] for name in ("approve", "batch.message", "end")}
    assert ends == {"approve": "success", "batch.message": "skipped", "end": "success"}
    assert set(tally(store, "asking/edition/no")) == {"skipped not approved"}
    assert (free_codes(store), len(read_inbox(store, limit=100))) == (codes, sent)
    closed = store.execute("select closed_at is not null as it from promo.run where run_key = 'asking/edition/no'")
    assert closed.fetchone() == {"it": True}
    report = cluster.call("GET", "/api/v2/dags/asking/dagRuns/no/taskInstances/end/xcomEntries/return_value")
    assert "not approved" in str(report["value"])
    assert check_invariants(store) == []


def test_a_rejected_run_that_is_cleared_asks_again(cluster: AirflowCluster, store: Connection) -> None:
    cluster.api.trigger("asking", "twice", {"edition": "twice"})
    form(cluster, "asking", "twice")
    assert end_of(cluster, "asking", "twice", "Reject") == "success"
    cluster.api.clear("asking", "twice")
    form(cluster, "asking", "twice")
    assert end_of(cluster, "asking", "twice", "Approve") == "success"
    assert tally(store, "asking/edition/twice")["accepted"] == CONTACTS
    assert check_invariants(store) == []


def test_only_those_named_may_approve_and_marking_the_task_is_no_approval(
    cluster: AirflowCluster, store: Connection
) -> None:
    cluster.api.trigger("somebody", "named", {"edition": "named"})
    asked = form(cluster, "somebody", "named")
    assert [user["id"] for user in asked["assigned_users"]] == ["somebody", "else"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        answer(cluster, "somebody", "named", "Approve")
    with refused.value as told:
        assert told.code == 403
    place = "/api/v2/dags/somebody/dagRuns/named/taskInstances/approve"
    cluster.call("PATCH", place, {"new_state": "success"})
    assert cluster.run_to_end("somebody", "named") == "failed"
    assert task(cluster, "somebody", "named", "batch.get_promo_code/0")["state"] == "failed"
    assert set(tally(store, "somebody/edition/named")) <= {"pending", "skipped no channel"}


def test_silence_is_a_rejection(cluster: AirflowCluster, store: Connection) -> None:
    assert cluster.run_to_end("in_time", "silent") == "success"
    assert cluster.call("GET", question("in_time", "silent"))["subject"] == f"Send hello to {CONTACTS} contacts?"
    assert set(tally(store, "in_time/edition/silent")) == {"skipped not approved"}
    said = store.execute("select approval, approved_by from promo.run where workflow = 'in_time'").fetchone()
    assert said == {"approval": "refused", "approved_by": None}


def test_a_dry_run_asks_nobody(cluster: AirflowCluster) -> None:
    cluster.api.trigger("asking", "dry", {"dry_run": True})
    assert cluster.run_to_end("asking", "dry") == "success"
    assert task(cluster, "asking", "dry")["state"] == "skipped"
