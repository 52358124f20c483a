"""Airflow itself at its worst: killed, cleared, backfilled and deleted runs; nothing is doubled and nobody is lost."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.error
from contextlib import ExitStack, contextmanager
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.processes import command_line, session_members
from receiver import Answer, running_receiver
from system.airflow_cluster import airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.local_airflow.supervisor import _Started
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver
    from system.airflow_cluster import AirflowCluster, Databases

DAG_FILE = """
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, task_group
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator

CODES = {"type": "Welcome", "discount": 10, "days": 7}
with DAG(
    "daily",
    schedule="0 9 * * *",
    start_date=datetime(2026, 3, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=4,
    default_args={"retries": 5, "retry_delay": timedelta(seconds=1)},
):
    start = StartOperator(task_id="start", message="promo_push", audience="all_contacts", repeat=True, **CODES)

    @task_group
    def batch(batch):
        contact = GetContactOperator(task_id="get_contact", batch=batch)
        code = GetPromoCodeOperator(task_id="get_promo_code", contacts=contact.output, **CODES)
        message = SendMessageOperator(task_id="message", assignments=code.output, message="promo_push")
        HttpDataSourceOperator(task_id="source", assignments=message.output, data_source="promo_to_profile")

    batch.expand(batch=start.output) >> EndOperator(task_id="end", run_id=start.run)
"""
CONTACTS = 20


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Return the receiver of profile writes, the ground truth."""
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, receiver: Receiver, databases: Databases
) -> Iterator[AirflowCluster]:
    """Return a real Airflow of two schedulers with the daily workflow, twenty contacts and codes for many days."""
    folder: Path = tmp_path_factory.mktemp("airflow-faults")
    variables = {
        "AIRFLOW_CONN_PROMO_PROFILE_API": receiver.connection,
        # A scheduler's death is noticed by the other within seconds in place of minutes.
        "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
        # Two of them look for work twice as often as one.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # Airflow 3.3: two schedulers that take up an asset of an alias at one moment insert it both; the second dies.
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "3600",
        # A dead scheduler's children keep its sockets, and with them the locks of the transaction that it died in.
        "PGOPTIONS": "-c idle_in_transaction_session_timeout=30s",
    }
    with airflow_cluster(folder, {"daily.py": DAG_FILE}, variables, schedulers=2, databases=databases) as running:
        with connect(running.promo_dsn) as store:
            add_contacts(store, CONTACTS)
            add_codes(store, 20 * CONTACTS, days=365)
        running.unpause("daily")
        running.wait("the run that unpausing starts", lambda: last_slot_is_done(running))
        yield running


def last_slot_is_done(cluster: AirflowCluster) -> bool:
    """Whether the latest missed slot, which Airflow runs at once when a DAG is unpaused, is over."""
    found = cluster.call("GET", "/api/v2/dags/daily/dagRuns")["dag_runs"]
    return [run["state"] for run in found] == ["success"]


@pytest.fixture
def store(cluster: AirflowCluster) -> Iterator[Connection]:
    """Return the store of the Airflow under test."""
    with connect(cluster.promo_dsn) as connection:
        yield connection


@contextmanager
def slow(receiver: Receiver) -> Iterator[threading.Event]:
    """Let the receiver keep its answers back until the event is set; yields the event of the first request."""
    arrived, release = threading.Event(), threading.Event()

    def answer(_: Received) -> Answer:
        arrived.set()
        return Answer(hold=release)

    receiver.answer = answer
    try:
        yield arrived
    finally:
        receiver.answer = lambda _: Answer()
        release.set()


def trigger(cluster: AirflowCluster, run_id: str) -> None:
    cluster.api.trigger("daily", run_id, {})


def everyone_has_one(store: Connection, run_key: str) -> None:
    """Hold the ledger and the inbox against the promise, for one run."""
    rows = store.execute(
        "select a.state::text as state, count(*) as n, count(distinct a.promo_code_id) as codes"
        " from promo.assignment a join promo.run r using (run_id) where r.run_key = %s group by 1",
        [run_key],
    ).fetchall()
    assert rows == [{"state": "recorded", "n": CONTACTS, "codes": CONTACTS}]
    assert check_invariants(store) == []


def messages(store: Connection) -> int:
    return len(read_inbox(store, limit=10_000))


def runs(store: Connection) -> int:
    row = store.execute("select count(*) as n from promo.run").fetchone()
    assert row is not None
    return int(row["n"])


def free_leases(store: Connection) -> None:
    """Let the killed worker's lease be nearly over, in place of waiting its two minutes."""
    store.execute(
        "update promo.assignment set lease_until = promo.clock() + interval '2 s' where lease_until > promo.clock()"
    )


def workers(cluster: AirflowCluster) -> list[tuple[_Started, int]]:
    """Return the processes that run a task, each with the scheduler that started it."""
    return [
        (scheduler, number)
        for scheduler in cluster.schedulers
        for number in session_members(scheduler.process.pid)
        if re.match(r"airflow worker -- [0-9a-f]{8}-", command_line(number))
    ]


def scheduler_at_work(cluster: AirflowCluster) -> tuple[_Started, int]:
    """Return the scheduler that runs the one task under way, and the number of the task's process."""
    cluster.wait("the process of the task before has gone", lambda: len(workers(cluster)) == 1)
    (running,) = workers(cluster)
    return running


@contextmanager
def killed(cluster: AirflowCluster, scheduler: _Started) -> Iterator[None]:
    """SIGKILL a scheduler; what it has started lives on until the block ends."""
    os.kill(scheduler.process.pid, signal.SIGKILL)
    scheduler.process.wait()
    cluster.supervisor.forget(scheduler)
    try:
        yield
    finally:
        for left in session_members(scheduler.process.pid):
            os.kill(left, signal.SIGKILL)


def tries(cluster: AirflowCluster, run_id: str, task_id: str) -> int:
    """Return how often Airflow has begun the first of a mapped task's instances."""
    found = cluster.call("GET", f"/api/v2/dags/daily/dagRuns/{run_id}/taskInstances/{task_id}/0")
    return int(found["try_number"])


def clears(cluster: AirflowCluster, run_id: str) -> bool:
    """Clear a run, as a person does; where its scheduler writes the same rows, Airflow refuses and clears nothing."""
    try:
        cluster.call("POST", f"/api/v2/dags/daily/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": False})
    except urllib.error.HTTPError as error:
        with error:
            if error.code != HTTPStatus.CONFLICT:
                raise
        return False
    return True


def test_cleared_while_it_runs_it_doubles_nothing(
    cluster: AirflowCluster, receiver: Receiver, store: Connection
) -> None:
    before = messages(store)
    with slow(receiver) as arrived:
        trigger(cluster, "cleared")
        assert arrived.wait(120)
        cluster.wait("Airflow clears the run", lambda: clears(cluster, "cleared"))
    free_leases(store)
    assert cluster.run_to_end("daily", "cleared") == "success"
    everyone_has_one(store, "daily/run/cleared")
    assert messages(store) == before + CONTACTS


def test_a_deleted_run_that_is_made_again_is_the_same_send(cluster: AirflowCluster, store: Connection) -> None:
    trigger(cluster, "deleted")
    assert cluster.run_to_end("daily", "deleted") == "success"
    before = (messages(store), runs(store))
    cluster.call("DELETE", "/api/v2/dags/daily/dagRuns/deleted")
    trigger(cluster, "deleted")
    assert cluster.run_to_end("daily", "deleted") == "success"
    everyone_has_one(store, "daily/run/deleted")
    assert (messages(store), runs(store)) == before


def test_a_task_that_is_killed_is_taken_up_again(
    cluster: AirflowCluster, receiver: Receiver, store: Connection
) -> None:
    before = messages(store)
    with slow(receiver) as arrived:
        trigger(cluster, "killed")
        assert arrived.wait(120)
        os.kill(scheduler_at_work(cluster)[1], signal.SIGKILL)  # what supervises it lives on and reports the death
    free_leases(store)
    assert cluster.run_to_end("daily", "killed") == "success"
    everyone_has_one(store, "daily/run/killed")
    assert messages(store) == before + CONTACTS


def test_a_backfill_over_dates_that_were_sent_sends_nothing(cluster: AirflowCluster, store: Connection) -> None:
    days = date(2026, 3, 28), date(2026, 3, 29)
    first = cluster.backfill("daily", *days)
    assert len(first) == 2
    before = (messages(store), runs(store))
    for behaviour in ("none", "failed", "completed"):
        again = cluster.backfill("daily", *days, behaviour)
        assert {run["logical_date"] for run in again} == {run["logical_date"] for run in first}
        assert (messages(store), runs(store)) == before, behaviour
    for day in days:
        everyone_has_one(store, f"daily/{day}T09:00:00Z")


def test_of_two_schedulers_one_takes_up_what_the_other_ran_when_it_was_killed(
    cluster: AirflowCluster, receiver: Receiver, store: Connection
) -> None:
    before = messages(store)
    with ExitStack() as until_the_end:
        with slow(receiver) as arrived:
            trigger(cluster, "orphaned")
            assert arrived.wait(120)
            until_the_end.enter_context(killed(cluster, scheduler_at_work(cluster)[0]))
            cluster.wait("the other takes the task up", lambda: tries(cluster, "orphaned", "batch.source") > 1)
        free_leases(store)
        assert cluster.run_to_end("daily", "orphaned") == "success"
    everyone_has_one(store, "daily/run/orphaned")
    assert messages(store) == before + CONTACTS
