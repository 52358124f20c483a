"""Workflows from YAML in a real Airflow: its DAG processor reads them, its scheduler starts them."""

from __future__ import annotations

import urllib.error
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.events import Event, Identity
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from system.airflow_cluster import AirflowCluster
    from system.shared_airflow import SharedAirflow

ROOT = Path(__file__).parents[3]
CONTACTS = 5
YAML = """\
audience: all_contacts
promo_code: {type: Welcome, discount: 10, days: 7}
message: promo_push
start_date: 2026-03-01
"""
WORKFLOWS = {
    "daily": YAML + "schedule: 0 9 * * *\n",
    "guarded": YAML + "schedule: 0 9 * * *\nsend_by: 2h\n",
    "by_hand": YAML,
    "on_codes": YAML + "schedule: {asset: promo_codes/Welcome}\n",
    "on_event": YAML.replace("all_contacts", "{event: OrderPaid, reentry: once}").replace(
        "start_date: 2026-03-01\n", ""
    ),
    "broken": YAML.replace("discount: 10", "discount: 100"),
}


@pytest.fixture(scope="module")
def cluster(airflow: SharedAirflow) -> Iterator[AirflowCluster]:
    """Return a real Airflow that reads dags/workflows.py and six workflow files, one of them broken."""
    factory = {"workflows.py": (ROOT / "dags" / "workflows.py").read_text(encoding="utf-8")}
    with airflow.lent(factory, {f"workflows/{name}.yaml": text for name, text in WORKFLOWS.items()}) as running:
        with connect(running.promo_dsn) as store:
            add_contacts(store, CONTACTS)
            add_codes(store, 40 * CONTACTS, days=365)
        yield running


def runs(store: Connection, workflow: str) -> dict[str, dict[str, Any]]:
    """Return the ledger's runs of a workflow by what follows its name in their keys."""
    rows = store.execute(
        "select r.run_key, r.discount, count(*) filter (where a.state = 'recorded') as recorded,"
        " count(*) filter (where a.state = 'expired') as expired"
        " from promo.run r join promo.assignment a using (run_id) where r.workflow = %s group by r.run_id",
        [workflow],
    ).fetchall()
    return {row["run_key"].removeprefix(f"{workflow}/"): row for row in rows}


def messages(store: Connection) -> int:
    return len(read_inbox(store, limit=10_000))


def test_the_scheduler_runs_the_slot_that_is_due(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("daily")
    cluster.wait("the latest slot is sent", lambda: [it["recorded"] for it in runs(store, "daily").values()] == [5])
    ((key, run),) = runs(store, "daily").items()
    assert key.endswith("T09:00:00Z")
    assert run["recorded"] == CONTACTS


def test_a_broken_file_is_one_import_error_and_the_others_run(cluster: AirflowCluster) -> None:
    errors: list[str] = []

    def told() -> bool:
        errors[:] = [f"{file}: {text}" for file, text in cluster.api.import_errors()]
        return bool(errors)

    cluster.wait("the import error", told)
    (error,) = errors
    cluster.wait("the others", lambda: all(cluster.api.knows(name) for name in WORKFLOWS if name != "broken"))
    assert error.startswith("../include/workflows/broken.yaml: ")
    assert error.endswith(
        "workflows/broken.yaml:2: 'discount' cannot be 100. In percent, exact: 0 to 99\n"
        "    promo_code: {type: Welcome, discount: 100, days: 7}"
    )
    assert not cluster.api.knows("broken")


def test_a_backfill_sends_the_dates_that_were_not_sent(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("daily")
    cluster.backfill("daily", date(2026, 3, 2), date(2026, 3, 2))
    before = messages(store)
    cluster.backfill("daily", date(2026, 3, 1), date(2026, 3, 3), "completed")
    days = {key: run["recorded"] for key, run in runs(store, "daily").items() if key.startswith("2026-03-")}
    assert days == {f"2026-03-0{day}T09:00:00Z": CONTACTS for day in (1, 2, 3)}
    assert messages(store) == before + 2 * CONTACTS
    assert check_invariants(store) == []


def test_send_by_keeps_a_backfill_from_sending_old_dates(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("guarded")
    cluster.backfill("guarded", date(2026, 3, 1), date(2026, 3, 1))
    run = runs(store, "guarded")["2026-03-01T09:00:00Z"]
    assert (run["recorded"], run["expired"]) == (0, CONTACTS)
    codes = store.execute(
        "select count(*) as n from promo.assignment a join promo.run r using (run_id)"
        " where r.run_key = 'guarded/2026-03-01T09:00:00Z' and a.promo_code_id is not null"
    ).fetchone()
    assert codes == {"n": 0}


def test_two_clicks_with_one_edition_are_one_send(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("by_hand")
    before = messages(store)
    for click in ("first", "second"):
        cluster.api.trigger("by_hand", click, {"edition": "spring", "audience": "with_push_token"})
    assert [cluster.run_to_end("by_hand", click) for click in ("first", "second")] == ["success", "success"]
    assert {key: run["recorded"] for key, run in runs(store, "by_hand").items()} == {"edition/spring": CONTACTS}
    assert messages(store) == before + CONTACTS


def test_the_form_offers_what_exists_and_takes_nothing_else(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("by_hand")
    form = cluster.call("GET", "/api/v2/dags/by_hand/details")["params"]
    assert form["message"]["schema"]["enum"] == ["promo_push"]
    assert form["audience"]["schema"]["enum"] == ["all_contacts", "not_redeemed", "with_push_token"]
    assert form["type"]["schema"]["examples"] == ["Welcome"]
    body = {"dag_run_id": "wrong", "logical_date": None, "conf": {"message": "nope"}}
    with pytest.raises(urllib.error.HTTPError) as refused:
        cluster.call("POST", "/api/v2/dags/by_hand/dagRuns", body)
    with refused.value as answer:
        assert answer.code == 400
    cluster.api.trigger("by_hand", "other", {"discount": 11, "days": 0})
    assert cluster.run_to_end("by_hand", "other") == "failed"
    assert "run/other" not in runs(store, "by_hand")


def test_codes_that_are_loaded_start_the_workflow_that_waits_for_them(
    cluster: AirflowCluster, store: Connection
) -> None:
    cluster.unpause("on_codes")
    assets = cluster.call("GET", "/api/v2/assets?name_pattern=promo_codes/Welcome")["assets"]
    cluster.call("POST", "/api/v2/assets/events", {"asset_id": assets[0]["id"], "extra": {}})
    cluster.wait("the run", lambda: [it["recorded"] for it in runs(store, "on_codes").values()] == [CONTACTS])


def test_an_event_is_answered_by_the_workflow_that_names_it(cluster: AirflowCluster, store: Connection) -> None:
    cluster.unpause("on_event")
    cluster.wait("it listens", lambda: store.execute("select from promo.event_listener").rowcount == 1)
    who = store.execute("select min(contact_id) as contact_id from promo.contact").fetchone()
    assert who is not None
    for key in ("A-1", "A-2"):
        identity = Identity(contact_id=who["contact_id"])
        add_event(store, Event(type="OrderPaid", key=key, identity=identity, params={}, token=uuid4()))
    cluster.wait("the answer", lambda: sum(run["recorded"] for run in runs(store, "on_event").values()) == 1)
    refused = store.execute("select count(*) as n from promo.event_queue where refused is not null").fetchone()
    assert refused == {"n": 1}
