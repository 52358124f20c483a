"""The steps of the demo: a code file arrives, and each contact gets a code, a message and a profile entry."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import time
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli import main as promo
from promo_campaigns.demo.ledger_view import LedgerView, failed_checks
from promo_campaigns.model.errors import DemoError
from promo_campaigns.model.run_key import run_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.demo.screen import Screen
    from promo_campaigns.local_airflow.airflow_api import AirflowApi
    from promo_campaigns.local_airflow.layout import Layout
    from promo_campaigns.local_airflow.supervisor import Supervisor

LOAD_DAG = "load_promo_codes"
SEND_DAG = "promo_code_to_profile"
EDITION = "demo"
RUN_KEY = run_key(workflow=SEND_DAG, run_type="manual", logical_date=None, edition=EDITION, run_id="")
FIELD_NAME = "Promo code"
FIELD_ID = 12345

_START_SECONDS = 300.0
_RUN_SECONDS = 600.0
_POLL_SECONDS = 0.25


class Walkthrough:
    """Runs the sample workflow on the started services.

    :param dsn: DSN of the store
    :param airflow: client of the Airflow that runs the DAGs
    """

    def __init__(self, layout: Layout, screen: Screen, supervisor: Supervisor, dsn: str, airflow: AirflowApi) -> None:
        self._layout = layout
        self._screen = screen
        self._supervisor = supervisor
        self._dsn = dsn
        self._airflow = airflow
        self.ledger = LedgerView(dsn, RUN_KEY, FIELD_ID)
        self._told: set[str] = set()
        self._run_id = f"demo-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"

    def prepare_store(self) -> None:
        """Bring the store's schema up to date and load the sample contacts."""
        contacts = self._layout.samples / "contacts.csv"
        self._promo("db", "migrate")
        self._promo("contacts", "field", FIELD_NAME, "--type", "textfield", "--id", str(FIELD_ID))
        self._promo("contacts", "load", str(contacts))

    def reaches_airflow(self) -> bool:
        """Wait until an Airflow answers; return False if it is not ours, since another demo may have taken the port."""
        self._wait("Airflow starts", self._airflow.answers, _START_SECONDS)
        return self._airflow.sign_in()

    def wait_for_dags(self) -> None:
        """Wait until Airflow has parsed both DAGs; runs that an interrupted demo left are marked as failed."""
        for dag_id in (LOAD_DAG, SEND_DAG):
            self._wait(f"Airflow reads {dag_id}", partial(self._finds, dag_id), _START_SECONDS)
            self._airflow.abandon_runs(dag_id)
            self._airflow.unpause(dag_id)

    def load_codes(self) -> None:
        """Drop the sample code file into the inbox, and wait until its DAG, which is on, has loaded it."""
        sample = self._layout.samples / "promo_codes.csv"
        rejected = set(self._rejected())
        unfinished = self._layout.code_files / f".{sample.name}.partial"
        shutil.copyfile(sample, unfinished)
        dropped = self._layout.code_files / sample.name
        unfinished.replace(dropped)  # by renaming, so that no reader sees half a file
        self._screen.progress(f"{LOAD_DAG}: waiting for the code file to be loaded")
        self._wait(LOAD_DAG, lambda: not dropped.exists(), _RUN_SECONDS)
        if new := sorted(set(self._rejected()) - rejected):
            message = f"the sample code file was rejected; its report is {new[0]}"
            raise DemoError(message)

    def _rejected(self) -> list[str]:
        return [str(file) for file in (self._layout.code_files / "rejected").glob("*.report.json")]

    def send(self) -> None:
        """Run the sample workflow.

        If an earlier demo was killed, its leases are waited for first: until they end, its contacts cannot be sent to.
        """
        self._wait("the leases of an earlier demo", self._nothing_is_in_flight, _RUN_SECONDS)
        self._run(SEND_DAG, {"edition": EDITION}, self.ledger.progress)

    def send_again(self) -> None:
        """Clear the workflow's DAG run, and wait until Airflow has run it again."""
        self._airflow.clear(SEND_DAG, self._run_id)
        self._wait_for_run(SEND_DAG, lambda: "running the same DAG run again")

    def failed_checks(self) -> list[str]:
        """Return a sentence for each check that fails."""
        return failed_checks(self.ledger.counts())

    def report(self) -> None:
        """Print a few contacts with their outcome, and the counts of all."""
        say = self._screen.say
        say()
        for line in self.ledger.table():
            say(f"  {line}")
        say()
        for name, count in self.ledger.counts().items():
            say(f"  {name.replace('_', ' '):28}{count:>7,}")
        say()
        began = datetime.now(timezone.utc) - timedelta(seconds=self._screen.seconds)
        messages, first_after = self.ledger.accepted_since(began)
        if messages:
            say(f"  {messages:,} messages were accepted, the first {first_after:.1f} s after the start.")
        else:
            say("  Nothing was sent this time: everybody had received their message before.")

    def _nothing_is_in_flight(self) -> bool:
        contacts, seconds = self.ledger.in_flight()
        if contacts:
            self._screen.progress(f"{contacts:,} messages of an earlier demo are in flight, for {seconds} s at most")
        return not contacts

    def tell_broken_files(self) -> None:
        """Print, once each, the files that Airflow could not read."""
        for file, text in self._airflow.import_errors():
            if file not in self._told:
                self._told.add(file)
                said = [line for line in text.splitlines() if "Error: " in line] or text.splitlines()
                self._screen.say(f"  Airflow could not read {file}: {said[-1].rpartition('Error: ')[2]}")

    def _finds(self, dag_id: str) -> bool:
        """Tell whether Airflow knows a DAG of the demo; a broken file of another one is only told."""
        errors = self._airflow.import_errors()
        if own := [text for file, text in errors if Path(file).stem == dag_id]:
            message = f"Airflow could not read {dag_id}.py: {own[0]}"
            raise DemoError(message)
        self.tell_broken_files()
        return self._airflow.knows(dag_id)

    def _run(self, dag_id: str, conf: dict[str, Any], progress: Callable[[], str]) -> None:
        self._airflow.trigger(dag_id, self._run_id, conf)
        self._wait_for_run(dag_id, progress)

    def _wait_for_run(self, dag_id: str, progress: Callable[[], str]) -> None:
        def over() -> bool:
            self._screen.progress(f"{dag_id}: {progress()}")
            return self._airflow.state(dag_id, self._run_id) in {"success", "failed"}

        self._wait(dag_id, over, _RUN_SECONDS)
        self._screen.progress(f"{dag_id}: {progress()}")
        if self._airflow.state(dag_id, self._run_id) == "failed":
            logs = self._layout.airflow / "logs"
            places = "".join(f"\n  {logs / place}" for place in self._airflow.failed_tasks(dag_id, self._run_id))
            message = f"the DAG run of {dag_id} failed. The logs of its failed tasks:{places}"
            raise DemoError(message)

    def _wait(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            self._supervisor.check()
            if time.monotonic() > deadline:
                message = f"{what}: not done after {seconds:.0f} s. The logs are in {self._layout.logs}"
                raise DemoError(message)
            time.sleep(_POLL_SECONDS)

    def _promo(self, *arguments: str) -> None:
        """Run a ``promo`` command on the demo's store; its output goes to a log."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = promo([*arguments, "--dsn", self._dsn])
        log = self._layout.logs / "promo.log"
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
            file.write(f"$ promo {' '.join(arguments)}\n{said.getvalue()}")
        if status:
            message = f"promo {' '.join(arguments)} failed: {said.getvalue().strip()}"
            raise DemoError(message)
