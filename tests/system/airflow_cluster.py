"""A real Airflow of the test's own: Postgres, its four components, and the checkout's plugins with DAGs of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote

from promo_campaigns.local_airflow.airflow_api import AirflowApi
from promo_campaigns.local_airflow.credentials import USER, keep_credentials
from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.local_airflow.services import Addresses, airflow_command, airflow_services, environment
from promo_campaigns.local_airflow.supervisor import Supervisor
from promo_campaigns.postgres.embedded.processes import session_members
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres
from promo_campaigns.postgres.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from promo_campaigns.local_airflow.supervisor import _Started

CHECKOUT = Path(__file__).parents[2]
START_S = 600.0
RUN_S = 180.0
POLL_S = 0.5
"""To be asked takes Airflow's API server a hundredth of a second, and it has tasks to serve."""
SCHEDULER = "scheduler"
OVER = frozenset({"success", "failed"})


@dataclass
class AirflowCluster:
    """An Airflow that runs, and the store its DAGs work on."""

    url: str
    password: str
    promo_dsn: str
    supervisor: Supervisor
    environment: dict[str, str]
    include: Path

    def __post_init__(self) -> None:
        self.api = AirflowApi(self.url, USER, self.password)

    def wait(self, what: str, ready: Callable[[], bool], seconds: float = RUN_S) -> None:
        """Poll until it is so."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.supervisor.check()
            assert time.monotonic() < deadline, what
            time.sleep(POLL_S)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401  (JSON)
        """Call the REST API."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def run_to_end(self, dag_id: str, run_id: str) -> str:
        """Wait for a run and return how it ended."""
        self.wait(f"{dag_id} {run_id}", lambda: self.api.state(dag_id, run_id) in OVER)
        return self.api.state(dag_id, run_id)

    def wait_for_rest(self, dag_id: str) -> set[str]:
        """Wait until no run of a DAG is under way, and return how its runs ended."""
        states: set[str] = set()

        def rests() -> bool:
            found = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
            states.clear()
            states.update(run["state"] for run in found)
            return states <= OVER

        self.wait(f"{dag_id} rests", rests)
        return states

    def backfill(self, dag_id: str, first: date, last: date, behaviour: str = "none") -> list[dict[str, Any]]:
        """Backfill the slots of these days, and return their runs once they have ended well.

        :param behaviour: what Airflow does with the runs that are there: none, failed or completed
        """
        end = last + timedelta(days=1)
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{end}T00:00:00Z",
            "max_active_runs": 3,
            "reprocess_behavior": behaviour,
            "dag_run_conf": {},
        }
        made = self.call("POST", "/api/v2/backfills", body)
        days = f"logical_date_gte={first}T00:00:00Z&logical_date_lte={end}T00:00:00Z"
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?{days}")["dag_runs"]
        for run in found:
            assert self.run_to_end(dag_id, quote(run["dag_run_id"])) == "success"
        self._conclude_backfill(made["id"])
        return found

    def _conclude_backfill(self, number: int) -> None:
        """End a backfill whose runs are over, which Airflow itself notices within half a minute only."""
        try:
            self.call("PUT", f"/api/v2/backfills/{number}/cancel")
        except HTTPError as error:
            with error:
                if error.code != HTTPStatus.CONFLICT:  # it was noticed meanwhile
                    raise

    def unpause(self, dag_id: str) -> None:
        """Wait until a DAG is read, and let it run."""
        self.wait(f"{dag_id} is read", lambda: self.api.knows(dag_id))
        self.api.unpause(dag_id)

    def waits_for_answer(self, dag_id: str, run_id: str, task_id: str) -> bool:
        """Whether a person may answer: a task waits, and the only scheduler has heard of it.

        Airflow 3.3 loses an answer that comes before that, and asks again as long as the task has retries.
        """
        task = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")
        if task["state"] != "awaiting_input":
            return False
        (scheduler,) = self.schedulers
        lines = scheduler.log.read_text(encoding="utf-8").splitlines()
        whose = (f"dag_id={dag_id} ", f"run_id={run_id} ", f"task_id={task_id} ", "AWAITING_INPUT")
        pauses = [number for number, line in enumerate(lines) if all(part in line for part in whose)]
        finished = f"Finished: dag_id={dag_id}, task_id={task_id}, run_id={run_id},"
        return bool(pauses) and any(finished in line for line in lines[pauses[-1] :])

    @property
    def schedulers(self) -> list[_Started]:
        """The schedulers that run, and where each of them logs."""
        return self.started(SCHEDULER)

    def started(self, name: str) -> list[_Started]:
        """Return the services that run and whose name begins so."""
        return [each for each in self.supervisor._started if each.service.name.startswith(name)]  # noqa: SLF001  (a test may look behind the door)

    def kill(self, service: _Started) -> None:
        """SIGKILL a service and all that it has started, as if the power of its machine had failed."""
        while members := session_members(service.process.pid):
            for number in members:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            service.process.poll()
        service.process.wait()
        self.supervisor.forget(service)

    @cached_property
    def token(self) -> str:
        """What the API knows the caller by, for a day."""
        account = json.dumps({"username": USER, "password": self.password}).encode()
        request = urllib.request.Request(f"{self.url}/auth/token", data=account)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.loads(answer.read())["access_token"])


@dataclass(frozen=True)
class Databases:
    """The addresses of an Airflow's two databases, both with their schema."""

    airflow: str = field(repr=False)
    promo: str = field(repr=False)


def migrate_airflow(folder: Path, dsn: str) -> None:
    """Give a database Airflow's schema.

    :param folder: an empty folder for what Airflow leaves behind
    """
    layout = Layout(folder)
    layout.make()
    _migrate_airflow(layout, Databases(dsn, dsn))


@contextmanager
def airflow_cluster(  # noqa: PLR0913  (what differs from one Airflow to another)
    folder: Path,
    dags: dict[str, str],
    variables: dict[str, str],
    include: dict[str, str] | None = None,
    *,
    schedulers: int = 1,
    databases: Databases | None = None,
) -> Iterator[AirflowCluster]:
    """Run an Airflow until the block ends.

    :param folder: an empty folder for all its state
    :param dags: text of DAG files by name
    :param variables: environment of every component, beside what they need
    :param include: text of files below ``include`` by name, beside the checkout's
    :param schedulers: how many work on its one database
    :param databases: what it works on; by default those of a server of its own
    """
    for part in ("include", "plugins"):
        shutil.copytree(CHECKOUT / part, folder / part)  # with what is compiled, or each component compiles it again
    (folder / "dags").mkdir()
    for name, text in dags.items():
        (folder / "dags" / name).write_text(text, encoding="utf-8")
    for name, text in (include or {}).items():
        (folder / "include" / name).write_text(text, encoding="utf-8")
    layout = Layout(folder)
    layout.make()
    credentials = keep_credentials(layout)
    supervisor = Supervisor(layout)
    with nullcontext(databases) if databases else _own_databases(layout) as used:
        addresses = _addresses(used)
        setting = environment(layout, credentials, addresses) | variables
        try:
            for service in airflow_services():
                for number in range(schedulers if service.name == SCHEDULER else 1):
                    supervisor.start(replace(service, name=f"{service.name}{number or ''}"), setting)
            cluster = AirflowCluster(
                addresses.ui, credentials.password, addresses.promo_dsn, supervisor, setting, folder / "include"
            )
            cluster.wait("Airflow answers", cluster.api.answers, START_S)
            assert cluster.api.sign_in()
            yield cluster
        finally:
            supervisor.stop(lambda: True)


def _addresses(databases: Databases) -> Addresses:
    # Its server binds the port a minute later: another Airflow of this machine must not look from the same on.
    port = free_port(18080 + 50 * (os.getpid() % 200))
    return Addresses(ui_port=port, profile_api_port=0, airflow_dsn=databases.airflow, promo_dsn=databases.promo)


@contextmanager
def _own_databases(layout: Layout) -> Iterator[Databases]:
    """Run a durable server, as a newcomer's is, with both databases."""
    postgres = EmbeddedPostgres(layout.postgres, tied=True)
    postgres.start()
    try:
        databases = Databases(postgres.dsn("airflow"), postgres.dsn("promo"))
        _migrate_airflow(layout, databases)
        migrate(databases.promo)
        yield databases
    finally:
        postgres.remove()


def _migrate_airflow(layout: Layout, databases: Databases) -> None:
    setting = environment(layout, keep_credentials(layout), _addresses(databases))
    Supervisor(layout).begin("airflow-db-migrate", airflow_command("db", "migrate"), setting).wait(START_S)
