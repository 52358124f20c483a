"""A person pauses, cancels or loses runs in a real Airflow: what waits, what goes back, and who finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import CODES, add_codes, add_contacts, free_codes
from promo_campaigns.ledger.interventions import cancel_run, pause_run, resume_run, start_sending, stop_sending
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.runs import lock_free_codes
from promo_campaigns.postgres.connection import connect
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver
    from system.airflow_cluster import AirflowCluster
    from system.shared_airflow import SharedAirflow

DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG, task_group
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator

CODES = {"type": "Welcome", "discount": 10, "days": 7}
WAY = {"message": "gated", "transport": "webhook"}
with DAG("sale", schedule=None, default_args={"retries": 5, "retry_delay": timedelta(seconds=1)}):
    start = StartOperator(task_id="start", audience="all_contacts", batch_size=4, repeat=True, **WAY, **CODES)

    @task_group
    def batch(batch):
        contact = GetContactOperator(task_id="get_contact", batch=batch)
        code = GetPromoCodeOperator(task_id="get_promo_code", contacts=contact.output, **CODES)
        SendMessageOperator(task_id="message", assignments=code.output, max_active_tis_per_dagrun=1, **WAY)

    batch.expand(batch=start.output) >> EndOperator(task_id="end", run_id=start.run)
"""
MESSAGE = 'channel: mobilepush\ntitle: "Hi"\nbody: "Your code: $promocode"\nwebhook: gate\n'
GATE = 'connection: promo_gate\npath: /send\nbody: \'{"to": $contact_id, "text": "$body"}\'\n'
CONTACTS, STOCK = 12, 100
WAITS = "batch.get_promo_code"


@pytest.fixture(scope="module")
def cluster(airflow: SharedAirflow) -> Iterator[AirflowCluster]:
    """Return a real Airflow with a campaign of three batches, which are sent one after another."""
    include = {"messages/gated.yaml": MESSAGE, "data_sources/gate.yaml": GATE}
    with airflow.lent({"sale.py": DAG_FILE}, include) as running:
        with connect(running.promo_dsn) as store:
            add_contacts(store, CONTACTS)
            add_codes(store, STOCK, days=365)
        running.unpause("sale")
        yield running


@contextmanager
def while_it_sends(cluster: AirflowCluster, receiver: Receiver, run_id: str) -> Iterator[str]:
    """Trigger a run, and yield its key while the first batch waits for the answers of the receiver."""
    arrived, release = threading.Event(), threading.Event()

    def answer(_: Received) -> Answer:
        arrived.set()
        return Answer(hold=release)

    receiver.received.clear()
    receiver.answer = answer
    try:
        cluster.api.trigger("sale", run_id, {})
        assert arrived.wait(400)
        yield f"sale/run/{run_id}"
    finally:
        receiver.answer = lambda _: Answer()
        release.set()


def task_states(cluster: AirflowCluster, run_id: str, task_id: str) -> Counter[str]:
    found = cluster.call("GET", f"/api/v2/dags/sale/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
    return Counter(str(one["state"]) for one in found if one["task_id"] == task_id)


def tally(store: Connection, run_key: str) -> dict[str, int]:
    rows = store.execute(
        "select a.state::text || coalesce(' ' || a.reason, '') as state, count(*) as n from promo.assignment a"
        " join promo.run r using (run_id) where r.run_key = %s group by 1",
        [run_key],
    ).fetchall()
    return {row["state"]: row["n"] for row in rows}


def test_a_run_that_is_paused_while_it_sends_holds_goes_on_and_ends_whole(
    cluster: AirflowCluster, receiver: Receiver, store: Connection
) -> None:
    with while_it_sends(cluster, receiver, "held") as key:
        pause_run(store, key, by="anna", reason="the shop is down")
    # The next batch waits in the triggerer, and is the only one that may be under way.
    cluster.wait("the rest waits", lambda: task_states(cluster, "held", "batch.message")["deferred"] == 1)
    sent = len(receiver.received)
    assert tally(store, key)["accepted"] == sent < CONTACTS, "calls under way came to their end, and no other was made"
    assert cluster.api.state("sale", "held") == "running"
    resume_run(store, key)
    assert cluster.run_to_end("sale", "held") == "success"
    assert tally(store, key) == {"accepted": CONTACTS}
    assert len({one.json["to"] for one in receiver.received}) == len(receiver.received) == CONTACTS
    assert len({one.json["text"] for one in receiver.received}) == CONTACTS
    assert check_invariants(store) == []


def test_a_run_that_is_cancelled_while_it_sends_gives_back_what_nobody_saw_and_its_tasks_are_skipped(
    cluster: AirflowCluster, receiver: Receiver, store: Connection
) -> None:
    codes = free_codes(store)
    with while_it_sends(cluster, receiver, "ended") as key:
        cancel_run(store, key, by="anna", reason="wrong text")
    assert cluster.run_to_end("sale", "ended") == "success"
    sent = len(receiver.received)
    assert tally(store, key) == {"accepted": sent, "skipped cancelled": CONTACTS - sent}
    assert 0 < sent < CONTACTS
    assert task_states(cluster, "ended", "batch.message") == {"success": 1, "skipped": 2}
    assert task_states(cluster, "ended", "end") == {"success": 1}
    assert free_codes(store) == codes - sent
    closed = store.execute("select closed_at is not null as it from promo.run where run_key = %s", [key]).fetchone()
    assert closed == {"it": True}
    assert check_invariants(store) == []


def stuck(cluster: AirflowCluster) -> dict[str, Any]:
    """Return what the command says: of each stuck run, what Airflow says of its DAG run."""
    command = [sys.executable, "-m", "promo_campaigns.cli", "runs", "list", "--stuck", "--json"]
    environment = {**os.environ, **cluster.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    assert done.stderr == ""
    return {line["run_key"]: line["dag_run"] for line in json.loads(done.stdout)}


def test_a_run_whose_dag_run_was_marked_failed_or_deleted_is_found_and_gives_its_codes_back(
    cluster: AirflowCluster, store: Connection
) -> None:
    free = lock_free_codes(store, CODES)
    stop_sending(store)
    runs = ("failed", "deleted", "well")
    for run_id in runs:
        cluster.api.trigger("sale", run_id, {})
    cluster.wait("all wait", lambda: all(task_states(cluster, run_id, WAITS)["deferred"] == 3 for run_id in runs))
    for run_id in ("failed", "deleted"):
        cluster.call("PATCH", f"/api/v2/dags/sale/dagRuns/{run_id}", {"state": "failed"})
    cluster.call("DELETE", "/api/v2/dags/sale/dagRuns/deleted")
    start_sending(store)
    assert cluster.run_to_end("sale", "well") == "success"
    assert lock_free_codes(store, CODES) == free - 3 * CONTACTS, "they reserve codes though nobody works on them"
    assert stuck(cluster) == {"sale/run/failed": "failed", "sale/run/deleted": "gone"}
    for key in ("sale/run/failed", "sale/run/deleted"):
        assert not cancel_run(store, key).under_way
    assert lock_free_codes(store, CODES) == free - CONTACTS
    assert stuck(cluster) == {}
    assert check_invariants(store) == []
