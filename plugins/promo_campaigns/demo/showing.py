"""One run of the demo: starts everything, shows it, and stops it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from promo_campaigns.demo.interruption import Interrupted
from promo_campaigns.demo.screen import Screen
from promo_campaigns.demo.walkthrough import RUN_KEY, Walkthrough
from promo_campaigns.local_airflow.airflow_api import AirflowApi
from promo_campaigns.local_airflow.credentials import USER, keep_credentials
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.local_airflow.services import (
    Addresses,
    airflow_command,
    airflow_services,
    environment,
    keep_environment,
    profile_api_service,
)
from promo_campaigns.local_airflow.supervisor import Supervisor
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.demo.interruption import Interruption
    from promo_campaigns.local_airflow.credentials import Credentials
    from promo_campaigns.local_airflow.layout import Layout
    from promo_campaigns.local_airflow.supervisor import Job, Service

_NEXT = """
  Runs     {ui}
           How the run went, its codes, and who got which. The DAG dry_run cannot send.

  In another terminal, in this folder:

    {promo} inbox --limit 5          what was sent: the inbox transport keeps it
    {promo} runs report {run_key}
    {promo} preview welcome_push     too few codes are left: Start would refuse
    cp include/samples/more_promo_codes.csv {inbox}
                                     within seconds they are loaded: preview again
    {promo} doctor --inbox {inbox}
    bin/airflow dags list            the command airflow, on this Airflow

  Change include/messages/promo_push.yaml, preview again, and trigger "Welcome by push" in Airflow.
  bin/demo --clean removes all that was made.
"""
_CHECK_FAILED = 1
_INTERRUPTED = 130

_UI_PORT = 8080
_RUNS = "/plugin/promo/runs"
"""The page of runs, below the address of Airflow's pages."""
_PROFILE_API_PORT = 8090
_MIGRATION_SECONDS = 300.0
_WATCH_SECONDS = 0.5


def what_next(layout: Layout, ui: str) -> list[str]:
    """Return what can be tried while the demo stays up.

    :param ui: where the page of runs is, and who may sign in
    """
    named = os.environ.get("PROMO_PYTHON")
    promo = f"{named} -m promo_campaigns.cli" if named else ".venv/bin/promo"
    inbox = layout.code_files.relative_to(layout.checkout)
    return _NEXT.format(ui=ui, promo=promo, inbox=inbox, run_key=RUN_KEY).splitlines()


class Showing:
    """Starts, shows and stops the whole product.

    :param layout: files and folders of the checkout
    :param interruption: ends the demo; its signal handlers are installed
    """

    def __init__(self, layout: Layout, interruption: Interruption) -> None:
        self._layout = layout
        self._interruption = interruption
        self._screen = Screen()
        self._supervisor = Supervisor(layout)
        self._postgres = EmbeddedPostgres(layout.postgres, tied=True)

    def show(self, *, once: bool) -> int:
        """Run the demo, and return the exit status.

        :param once: check the result and end, instead of staying up
        """
        up = False
        try:
            walkthrough = self._start()
            walkthrough.load_codes()
            walkthrough.send()
            walkthrough.report()
            walkthrough.tell_broken_files()
            if once:
                return self._check(walkthrough)
            self._screen.step("Done. Everything stays up until Ctrl-C.")
            for line in what_next(self._layout, self._ui):
                self._screen.say(line)
            up = True
            self._watch()
        except Interrupted:
            return 0 if up else _INTERRUPTED
        finally:
            self._stop()
        return 0

    def _start(self) -> Walkthrough:
        """Start all parts, those that do not need each other at the same time."""
        self._supervisor.sweep()
        self._layout.make()
        credentials = keep_credentials(self._layout)
        with self._interruption.shielded():
            self._postgres.start()
        self._screen.step("Postgres runs")
        addresses = self._addresses(_UI_PORT)
        migration = self._begin_migration(environment(self._layout, credentials, addresses))
        walkthrough = self._walkthrough(addresses, credentials)
        walkthrough.prepare_store()
        self._screen.step("The store is ready, and the sample contacts are loaded")
        migration.wait(_MIGRATION_SECONDS)
        self._start_services(addresses, credentials)
        while not walkthrough.reaches_airflow():
            self._screen.step("Another Airflow has taken this port; trying the next one")
            self._supervisor.stop(lambda: False)
            addresses = self._addresses(addresses.ui_port + 1)
            walkthrough = self._walkthrough(addresses, credentials)
            self._start_services(addresses, credentials)
        walkthrough.wait_for_dags()
        self._screen.step("Airflow runs")
        return walkthrough

    def _addresses(self, ui_port: int) -> Addresses:
        return Addresses(
            ui_port=free_port(ui_port),
            profile_api_port=free_port(_PROFILE_API_PORT),
            airflow_dsn=self._postgres.dsn("airflow"),
            promo_dsn=self._postgres.dsn("promo"),
        )

    def _begin_migration(self, variables: Mapping[str, str]) -> Job:
        with self._interruption.shielded():
            return self._supervisor.begin("airflow-db-migrate", airflow_command("db", "migrate"), variables)

    def _walkthrough(self, addresses: Addresses, credentials: Credentials) -> Walkthrough:
        airflow = AirflowApi(addresses.ui, USER, credentials.password)
        return Walkthrough(self._layout, self._screen, self._supervisor, addresses.promo_dsn, airflow)

    def _start_services(self, addresses: Addresses, credentials: Credentials) -> None:
        variables = environment(self._layout, credentials, addresses)
        keep_environment(self._layout, variables)
        services: list[Service] = [profile_api_service(addresses), *airflow_services()]
        for service in services:
            with self._interruption.shielded():
                self._supervisor.start(service, variables)
        account = f"user {USER}  password {credentials.password}"
        self._ui = f"{addresses.ui}{_RUNS}  {account}"
        self._screen.step(f"Airflow starts on {addresses.ui}  {account}")

    def _check(self, walkthrough: Walkthrough) -> int:
        """Check the ledger against what was promised, and run the same DAG run again."""
        before = walkthrough.ledger.fingerprint()
        walkthrough.send_again()
        failed = walkthrough.failed_checks()
        if walkthrough.ledger.fingerprint() != before:
            failed.append("running the same DAG run again changed something, and must not")
        for sentence in failed:
            self._screen.say(f"  FAILED  {sentence}")
        self._screen.step("Some checks failed" if failed else "All checks hold, and running it again changed nothing")
        return _CHECK_FAILED if failed else 0

    def _watch(self) -> None:
        while True:
            self._supervisor.check()
            time.sleep(_WATCH_SECONDS)

    def _stop(self) -> None:
        self._screen.step("Stopping everything ...")
        before = self._interruption.requests
        with suppress(Interrupted), self._interruption.shielded():
            self._supervisor.stop(lambda: self._interruption.requests > before)
            self._layout.environment.unlink(missing_ok=True)
            self._postgres.stop()
        self._screen.step("Everything is stopped")
