"""Events through a real Airflow: a burst, wake-ups that are doubled or lost, and a task that is killed among them."""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.ledger.event_queue import acquire
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.events import Event, Identity
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.processes import command_line, session_members
from receiver import Answer
from system.airflow_cluster import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver
    from system.airflow_cluster import AirflowCluster
    from system.shared_airflow import SharedAirflow

STREAM = "promo_code_on_event"
BLOCKS = "blocks_on_event"
BLOCKS_FILE = """
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, task_group
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.events import StartOnEventsOperator, waiting_events
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator

CODES = {"type": "Welcome", "discount": 10, "days": 7}
with DAG(
    "blocks_on_event",
    schedule=[waiting_events("CartLeft", workflow="blocks_on_event")],
    start_date=datetime(2026, 3, 1, tzinfo=timezone.utc),
    default_args={"retries": 5, "retry_delay": timedelta(seconds=1)},
):
    start = StartOnEventsOperator(task_id="start", event="CartLeft", reentry="once", message="promo_push", **CODES)

    @task_group
    def batch(batch):
        contact = GetContactOperator(task_id="get_contact", batch=batch)
        code = GetPromoCodeOperator(task_id="get_promo_code", contacts=contact.output, **CODES)
        message = SendMessageOperator(task_id="message", assignments=code.output, message="promo_push")
        HttpDataSourceOperator(task_id="source", assignments=message.output, data_source="promo_to_profile")

    batch.expand(batch=start.output) >> EndOperator(task_id="end", run_id=start.run)
"""
CONTACTS = 40


@pytest.fixture(scope="module")
def cluster(airflow: SharedAirflow) -> Iterator[AirflowCluster]:
    """Return a real Airflow with both workflows, forty contacts and codes for many events."""
    stream = (CHECKOUT / "dags" / f"{STREAM}.py").read_text(encoding="utf-8")
    with airflow.lent({f"{STREAM}.py": stream, f"{BLOCKS}.py": BLOCKS_FILE}) as running:
        with connect(running.promo_dsn) as store:
            add_contacts(store, CONTACTS)
            add_codes(store, 50 * CONTACTS, days=365)
            for dag_id in (STREAM, BLOCKS):
                running.unpause(dag_id)
            listeners = "select from promo.event_listener"
            running.wait("both workflows listen", lambda: len(store.execute(listeners).fetchall()) == 2)
        yield running


def people(store: Connection) -> list[int]:
    return [row["contact_id"] for row in store.execute("select contact_id from promo.contact order by 1").fetchall()]


def arrive(store: Connection, contact_ids: Iterable[int], type_name: str = "OrderPaid") -> None:
    for contact_id in contact_ids:
        identity = Identity(contact_id=contact_id)
        add_event(store, Event(type=type_name, key=str(contact_id), identity=identity, params={}, token=uuid4()))


def number(store: Connection, query: str) -> int:
    row = store.execute(query).fetchone()
    assert row is not None
    return int(row["n"])


def answered(store: Connection, type_name: str = "OrderPaid") -> int:
    """Count the events of a type whose message was accepted and whose profile was written, in runs that are closed."""
    row = store.execute(
        "select count(*) as n from promo.event e join promo.event_queue t using (event_id)"
        " join promo.run r using (run_id)"
        " join promo.assignment a on a.run_id = r.run_id and a.contact_id = t.contact_id"
        " where e.type = %s and a.state = 'recorded' and r.closed_at is not null",
        [type_name],
    ).fetchone()
    assert row is not None
    return int(row["n"])


def messages(store: Connection) -> int:
    return number(store, "select count(*) as n from promo.inbox_message")


def dag_runs(cluster: AirflowCluster, dag_id: str) -> int:
    return int(cluster.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=1")["total_entries"])


def wake_up(cluster: AirflowCluster, dag_id: str) -> None:
    """Make an asset event as the watcher does."""
    assets = cluster.call("GET", f"/api/v2/assets?name_pattern=promo_events/{dag_id}")["assets"]
    cluster.call("POST", "/api/v2/assets/events", {"asset_id": assets[0]["id"], "extra": {}})


def test_a_burst_is_answered_event_by_event_in_few_runs_of_the_dag(cluster: AirflowCluster, store: Connection) -> None:
    """Five events of each of forty contacts at once: two hundred messages with two hundred codes."""
    before, runs = messages(store), dag_runs(cluster, STREAM)
    done = answered(store)
    for _ in range(5):
        arrive(store, people(store))
    cluster.wait("the burst", lambda: answered(store) == done + 5 * CONTACTS)
    assert messages(store) == before + 5 * CONTACTS
    assert dag_runs(cluster, STREAM) <= runs + 2
    assert check_invariants(store) == []


def test_wake_ups_that_are_doubled_change_nothing(cluster: AirflowCluster, store: Connection) -> None:
    before, done = messages(store), answered(store)
    arrive(store, people(store)[:10])
    for _ in range(5):
        wake_up(cluster, STREAM)
    cluster.wait("the events", lambda: answered(store) == done + 10)
    wake_up(cluster, STREAM)
    assert cluster.wait_for_rest(STREAM) == {"success"}
    assert messages(store) == before + 10


def test_a_wake_up_that_is_lost_is_made_up_for(cluster: AirflowCluster, store: Connection) -> None:
    """Somebody is said to have come and has not: the events are taken once that has been believed long enough."""
    cluster.wait_for_rest(STREAM)
    done = answered(store)
    acquire(store, STREAM, "nobody", quiet_s=8)
    runs = dag_runs(cluster, STREAM)
    arrive(store, people(store)[:3])
    cluster.wait("the events", lambda: answered(store) == done + 3)
    assert dag_runs(cluster, STREAM) == runs + 1


def test_a_task_that_is_killed_answers_the_same_events_again_and_doubles_nothing(
    cluster: AirflowCluster, store: Connection, receiver: Receiver
) -> None:
    cluster.wait_for_rest(STREAM)
    before, done = messages(store), answered(store)
    arrived, release = threading.Event(), threading.Event()

    def hold(_: Received) -> Answer:
        arrived.set()
        return Answer(hold=release)

    receiver.answer = hold
    try:
        arrive(store, people(store)[:5])
        assert arrived.wait(120)
        kill_task_process(cluster)
    finally:
        receiver.answer = lambda _: Answer()
        release.set()
    arrive(store, people(store)[5:9])
    # In place of waiting for the two minutes of the killed worker's lease.
    store.execute(
        "update promo.assignment set lease_until = promo.clock() + interval '2 s' where lease_until > promo.clock()"
    )
    cluster.wait("the events", lambda: answered(store) == done + 9)
    assert cluster.wait_for_rest(STREAM) == {"success"}
    assert messages(store) == before + 9
    assert check_invariants(store) == []


def kill_task_process(cluster: AirflowCluster) -> None:
    """SIGKILL the process that runs the task; what supervises it lives on and reports the death."""
    scheduler = next(each for each in cluster.supervisor._started if each.service.name == "scheduler")  # noqa: SLF001  (a test may look behind the door it kills)
    members = session_members(scheduler.process.pid)
    running = [one for one in members if re.match(r"airflow worker -- [0-9a-f]{8}-", command_line(one))]
    assert len(running) == 1
    os.kill(running[0], signal.SIGKILL)


def test_the_blocks_answer_events_as_well_and_a_contact_enters_once(cluster: AirflowCluster, store: Connection) -> None:
    """The same queue in the form of six blocks."""
    for _ in range(2):
        arrive(store, people(store), "CartLeft")
    cluster.wait("the events", lambda: answered(store, "CartLeft") == CONTACTS)
    assert cluster.wait_for_rest(BLOCKS) == {"success"}
    refused = number(store, "select count(*) as n from promo.event_queue where refused = 'once'")
    assert refused == CONTACTS
    assert check_invariants(store) == []


def test_what_a_receiver_refuses_for_good_holds_nobody_up_and_is_told(
    cluster: AirflowCluster, store: Connection, receiver: Receiver
) -> None:
    """The last of these tests: it leaves a failed run behind, for a person to look at."""
    cluster.wait_for_rest(STREAM)
    done = answered(store)
    poisoned, *others = people(store)
    receiver.answer = lambda request: Answer(status=422 if f'token-{poisoned}"'.encode() in request.body else 200)
    accepted = "select count(*) as n from promo.assignment where state = 'accepted'"
    arrive(store, [poisoned])
    cluster.wait("the refusal", lambda: number(store, accepted) == 1)
    arrive(store, others[:3])
    cluster.wait("the others", lambda: answered(store) == done + 3)
    assert "failed" in cluster.wait_for_rest(STREAM)
    receiver.answer = lambda _: Answer()
    failed = cluster.call("GET", f"/api/v2/dags/{STREAM}/dagRuns?state=failed")["dag_runs"]
    assert len(failed) == 1
    cluster.api.clear(STREAM, failed[0]["dag_run_id"])
    cluster.wait("the refused", lambda: answered(store) == done + 4)
    assert check_invariants(store) == []
