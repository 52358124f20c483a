"""The campaign of bench_campaign on CeleryExecutor, beside LocalExecutor; then once more while a worker dies.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_celery.py --contacts 100000 --runs 5

First Airflow runs with LocalExecutor as in bin/demo, then with CeleryExecutor, Redis and two workers, each of them
processes that this benchmark starts. Batches size themselves. In either store everybody must be recorded in each run
and every promise be kept, and the receiver must have heard of each contact exactly once a run. Then one of the workers
is killed with all its tasks when half of a run's contacts were sent to: nobody may get a second message or another
code, and nobody be lost. The receiver may hear of a profile twice, with the same code.

What a killed worker was at stays ``running`` in Airflow until ``[scheduler] task_instance_heartbeat_timeout`` is over:
300 s by default, 15 s here. Then the contacts it was calling for are waited for until its lease in the ledger is over,
at most 120 s. Both are in the figure ``after_kill``.

Redis comes from the system: Debian's package ``redis-server``, or whatever brings the command of that name.

Exit status 1 when an aim is missed: at least 0.8 of LocalExecutor's contacts a second, 1 MB for an XCom.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.bench_campaign import PATIENCE_S, check, one_run, running
from benchmarks.figures import Figure, keep
from integration.scenario import add_codes, add_contacts
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.local_airflow.services import forking_command
from promo_campaigns.local_airflow.supervisor import Service
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.processes import command_line, session_members
from receiver import running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.local_airflow.supervisor import _Started
    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver
    from system.airflow_cluster import AirflowCluster

WORKER, WORKERS, SLOTS = "celery-worker", 2, 3
"""Together they have as many slots as the LocalExecutor of bin/demo."""
LEAST_OF_LOCAL = 0.8
MOST_XCOM_BYTES = 1_000_000
HEARTBEAT_TIMEOUT_S = 15
START_S = 120.0
NO_REDIS = """The command redis-server is not on the PATH. Install it, and run the benchmark again: \
apt-get install redis-server (Debian, Ubuntu), dnf install redis (Fedora), brew install redis (macOS)."""
ABOUT_RECOVERY = f"""Airflow notices a killed worker after [scheduler] task_instance_heartbeat_timeout, which is 300 s \
by default and {HEARTBEAT_TIMEOUT_S} s in this run. A lower value shortens after_kill.
"""
_TASK = re.compile(r"airflow worker -- [0-9a-f]{8}-")


@contextmanager
def running_redis() -> Iterator[str]:
    """Run a Redis that keeps nothing on disk, and return its address."""
    command = shutil.which("redis-server")
    if command is None:
        raise SystemExit(NO_REDIS)
    port = free_port(16379)
    with tempfile.TemporaryDirectory(prefix="promo-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        server = subprocess.Popen([command, *options], stdout=subprocess.DEVNULL)
        try:
            _wait_for_redis(server, port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


def _wait_for_redis(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "redis-server ended at once"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(7) == b"+PONG\r\n":
                    return
        except OSError:
            time.sleep(0.05)
    msg = f"redis-server does not answer on port {port}"
    raise TimeoutError(msg)


def celery_settings(broker: str, parallelism: int) -> dict[str, str]:
    """Return the environment that makes an Airflow one of CeleryExecutor."""
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT_S),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    }


def start_workers(cluster: AirflowCluster) -> None:
    """Start the workers, and wait until they take tasks."""
    for number in range(WORKERS):
        name = f"{WORKER}-{number}"
        options = ["--concurrency", str(SLOTS), "--celery-hostname", name, "--skip-serve-logs"]
        service = Service(name, forking_command("celery", "worker", *options), rank=0, patience=5)
        cluster.supervisor.start(service, cluster.environment)
    cluster.wait("the workers are ready", lambda: all(map(is_ready, cluster.started(WORKER))), START_S)


def is_ready(worker: _Started) -> bool:
    """Whether a worker says that it takes tasks."""
    return bool(re.search(r"celery@\S+ ready\.", worker.log.read_text(errors="replace")))


def heard(receiver: Receiver) -> list[tuple[str, str]]:
    """Return the contacts that the receiver was told of and the code of each, and let it forget them."""
    requests, receiver.received = receiver.received, []
    return [
        (str(profile["externalCustomerId"]), str(profile["fields"][0]["value"]))
        for request in requests
        for profile in request.json
    ]


def sent_to(store: Connection) -> int:
    """Count whose message was accepted, of the latest run."""
    row = store.execute(
        "select count(*) as n from promo.assignment where state in ('accepted', 'recorded')"
        " and run_id = (select max(run_id) from promo.run)"
    ).fetchone()
    return int(row["n"]) if row else 0


def largest_xcom(cluster: AirflowCluster) -> int:
    """Return how many bytes the largest XCom takes as JSON."""
    dsn = cluster.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2://", "postgresql://")
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select max(octet_length(value::text)) from xcom").fetchone()
    assert row is not None
    return int(row[0])


def at_work(cluster: AirflowCluster) -> list[_Started]:
    """Return the workers that run a task."""
    return [
        worker
        for worker in cluster.started(WORKER)
        if any(_TASK.match(command_line(number)) for number in session_members(worker.process.pid))
    ]


@dataclass
class Killing:
    """Kills a worker that is at work, once half of the contacts were sent to."""

    cluster: AirflowCluster
    store: Connection
    contacts: int
    at: float = 0.0

    def __call__(self) -> None:
        self.cluster.wait("half were sent to", lambda: sent_to(self.store) * 2 >= self.contacts, PATIENCE_S)
        self.cluster.wait("a worker is at work", lambda: bool(at_work(self.cluster)))
        self.cluster.kill(at_work(self.cluster)[0])
        self.at = time.monotonic()


@dataclass(kw_only=True)
class Measured:
    """What an executor's runs came to."""

    runs: list[dict[str, Any]]
    xcom_bytes: int
    after_kill_s: float = 0.0
    taken_up: int = 0
    profiles_again: int = 0

    @property
    def run_s(self) -> float:
        """The median of the runs."""
        return float(median(one["seconds"] for one in self.runs))


def some_runs(cluster: AirflowCluster, receiver: Receiver, store: Connection, options: argparse.Namespace) -> Measured:
    """Send so many campaigns over the same contacts, and hold the last word of each part against the others."""
    runs = []
    for number in range(options.runs):
        runs.append(one_run(cluster, f"edition-{number}"))
        sys.stdout.write(f"{cluster.environment['AIRFLOW__CORE__EXECUTOR']}: {runs[-1]}\n")
        sys.stdout.flush()
    assert all(one["state"] == "success" for one in runs)
    check(store, options.contacts * options.runs)
    told = heard(receiver)
    assert len(told) == len(set(told)) == options.contacts * options.runs
    assert_one_message_each(store, options.contacts * options.runs)
    return Measured(runs=runs, xcom_bytes=largest_xcom(cluster))


def assert_one_message_each(store: Connection, messages: int) -> None:
    """Make sure that the inbox got so many messages, each of another code."""
    row = store.execute(
        "select count(*) as n, count(distinct (contact_id, body)) as each from promo.inbox_message"
    ).fetchone()
    assert row == {"n": messages, "each": messages}


def run_while_a_worker_dies(
    cluster: AirflowCluster, receiver: Receiver, store: Connection, contacts: int, before: int
) -> Measured:
    """Send a campaign of which a worker is killed; nobody is lost, and nobody is sent anything twice.

    :param before: to how many contacts the runs before were sent
    """
    kill = Killing(cluster, store, contacts)
    one = one_run(cluster, "edition-killed", kill)
    after_kill_s = time.monotonic() - kill.at
    assert one["state"] == "success"
    check(store, before + contacts)
    assert_one_message_each(store, before + contacts)
    told = heard(receiver)
    assert len(set(told)) == len({contact for contact, _ in told}) == contacts
    return Measured(
        runs=[one],
        xcom_bytes=largest_xcom(cluster),
        after_kill_s=after_kill_s,
        taken_up=one["tries"] - one["tasks"],
        profiles_again=len(told) - contacts,
    )


def prepare(store: Connection, contacts: int, runs: int) -> None:
    """Add the contacts, and codes for so many runs."""
    add_contacts(store, contacts)
    for number in range(runs):
        add_codes(store, contacts, days=365, prefix=f"RUN{number}")
    store.execute("vacuum analyze")


def on_local(options: argparse.Namespace) -> Measured:
    """Measure LocalExecutor."""
    with (
        running_receiver() as receiver,
        running("bulk", options.batch_size, receiver.port) as cluster,
        connect(cluster.promo_dsn) as store,
    ):
        prepare(store, options.contacts, options.runs)
        return some_runs(cluster, receiver, store, options)


def on_celery(options: argparse.Namespace) -> tuple[Measured, Measured]:
    """Measure CeleryExecutor: first at its best, then with a worker killed."""
    with (
        running_redis() as broker,
        running_receiver() as receiver,
        running("bulk", options.batch_size, receiver.port, celery_settings(broker, options.parallelism)) as cluster,
        connect(cluster.promo_dsn) as store,
    ):
        start_workers(cluster)
        prepare(store, options.contacts, options.runs + 1)
        best = some_runs(cluster, receiver, store, options)
        return best, run_while_a_worker_dies(
            cluster, receiver, store, options.contacts, options.contacts * options.runs
        )


def figures_of(local: Measured, celery: Measured, killed: Measured, contacts: int) -> list[Figure]:
    """Return the figures of both executors, and of the run that lost a worker."""
    return [
        Figure(name="local", value=round(contacts / local.run_s), unit="contacts/s"),
        Figure(
            name="run",
            value=round(contacts / celery.run_s),
            unit="contacts/s",
            peer="LocalExecutor",
            ratio=local.run_s / celery.run_s,
            least_ratio=LEAST_OF_LOCAL,
        ),
        Figure(name="local_tasks", value=local.runs[0]["tasks"], unit="tasks a run"),
        Figure(name="tasks", value=celery.runs[0]["tasks"], unit="tasks a run"),
        Figure(
            name="xcom",
            value=max(local.xcom_bytes, celery.xcom_bytes, killed.xcom_bytes),
            unit="bytes, the largest XCom",
            most=MOST_XCOM_BYTES,
        ),
        Figure(name="killed_run", value=killed.run_s, unit="s, a worker killed half-way"),
        Figure(name="after_kill", value=round(killed.after_kill_s, 1), unit="s from the kill to the end"),
        Figure(name="taken_up", value=killed.taken_up, unit="tries more than tasks"),
        Figure(name="profiles_again", value=killed.profiles_again, unit="profiles written twice, with the same code"),
    ]


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--parallelism", type=int, default=WORKERS * SLOTS, help="[core] parallelism under Celery")
    options = parser.parse_args()
    local = on_local(options)
    celery, killed = on_celery(options)
    sys.stdout.write(ABOUT_RECOVERY)
    return keep("celery", figures_of(local, celery, killed, options.contacts), options)


if __name__ == "__main__":
    sys.exit(main())
