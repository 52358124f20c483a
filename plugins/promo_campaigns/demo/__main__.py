"""What ``bin/demo`` runs, once the packages are installed."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.adapters.embedded_postgres import EmbeddedPostgres
from promo_campaigns.core.errors import DemoError, PromoError
from promo_campaigns.demo.airflow_api import AirflowApi
from promo_campaigns.demo.credentials import USER, keep_credentials
from promo_campaigns.demo.interruption import Interrupted, Interruption
from promo_campaigns.demo.layout import Layout
from promo_campaigns.demo.ports import free_port
from promo_campaigns.demo.screen import Screen
from promo_campaigns.demo.services import (
    Addresses,
    airflow_command,
    airflow_services,
    environment,
    profile_api_service,
)
from promo_campaigns.demo.supervisor import Supervisor
from promo_campaigns.demo.walkthrough import Walkthrough

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHECK_FAILED = 1
_FAILED = 2
_INTERRUPTED = 130

_UI_PORT = 8080
_PROFILE_API_PORT = 8090
_MIGRATION_SECONDS = 300.0
_WATCH_SECONDS = 0.5


class Demo:
    """One showing: everything is started, shown, and stopped again."""

    def __init__(self, layout: Layout, interruption: Interruption) -> None:
        self._layout = layout
        self._interruption = interruption
        self._screen = Screen()
        self._supervisor = Supervisor(layout)
        self._postgres = EmbeddedPostgres(layout.postgres, tied=True)

    def show(self, *, once: bool) -> int:
        """Show it, and return the exit status.

        :param once: end with the checks, instead of staying up
        """
        up = False
        try:
            walkthrough = self._start()
            walkthrough.load_codes()
            walkthrough.send()
            walkthrough.report()
            if once:
                return self._check(walkthrough)
            up = True
            self._stay_up()
        except Interrupted:
            return 0 if up else _INTERRUPTED
        finally:
            self._stop()
        return 0

    def _start(self) -> Walkthrough:
        """Start all parts; what does not need another part begins beside it."""
        self._supervisor.sweep()
        self._layout.make()
        credentials = keep_credentials(self._layout)
        with self._interruption.shielded():
            self._postgres.start()
        self._screen.step("Postgres runs")
        addresses = Addresses(
            ui_port=free_port(_UI_PORT),
            profile_api_port=free_port(_PROFILE_API_PORT),
            airflow_dsn=self._postgres.dsn("airflow"),
            promo_dsn=self._postgres.dsn("promo"),
        )
        variables = environment(self._layout, credentials, addresses)
        airflow = AirflowApi(addresses.ui, USER, credentials.password)
        walkthrough = Walkthrough(self._layout, self._screen, self._supervisor, addresses.promo_dsn, airflow)
        with self._interruption.shielded():
            migration = self._supervisor.begin("airflow-db-migrate", airflow_command("db", "migrate"), variables)
        walkthrough.prepare_store()
        self._screen.step("The store is ready, and the sample contacts are loaded")
        with self._interruption.shielded():
            self._supervisor.start(profile_api_service(addresses), variables)
        migration.wait(_MIGRATION_SECONDS)
        for service in airflow_services():
            with self._interruption.shielded():
                self._supervisor.start(service, variables)
        self._screen.step(f"Airflow starts on {addresses.ui}, user {USER}, password {credentials.password}")
        walkthrough.wait_for_airflow()
        self._screen.step("Airflow runs")
        self._ui = f"{addresses.ui}  user {USER}  password {credentials.password}"
        return walkthrough

    def _check(self, walkthrough: Walkthrough) -> int:
        """Hold what was promised against what the ledger says, and have the same run carried out again."""
        before = walkthrough.ledger.fingerprint()
        walkthrough.send_again()
        failed = walkthrough.failed_checks()
        if walkthrough.ledger.fingerprint() != before:
            failed.append("running the same DAG run again changed something, and must not")
        for sentence in failed:
            self._screen.say(f"  FAILED  {sentence}")
        self._screen.step("Some checks failed" if failed else "All checks hold, and running it again changed nothing")
        return _CHECK_FAILED if failed else 0

    def _stay_up(self) -> None:
        self._screen.step("Done. Everything stays up until Ctrl-C.")
        self._screen.say(f"\n  Airflow  {self._ui}\n")
        while True:
            self._supervisor.check()
            time.sleep(_WATCH_SECONDS)

    def _stop(self) -> None:
        self._screen.step("Stopping everything ...")
        before = self._interruption.requests
        with suppress(Interrupted), self._interruption.shielded():
            self._supervisor.stop(lambda: self._interruption.requests > before)
            self._postgres.stop()
        self._screen.step("Everything is stopped")


@contextmanager
def _only_one(layout: Layout) -> Iterator[None]:
    """Keep a second demo out of this checkout.

    :raises DemoError: another one runs
    """
    layout.state.mkdir(mode=0o755, exist_ok=True)
    with layout.lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            message = f"bin/demo runs already in this folder (process {held.read().strip()}). Stop that one first"
            raise DemoError(message) from None
        held.seek(0)
        held.truncate()
        held.write(str(os.getpid()))
        held.flush()
        yield


def _clean(layout: Layout) -> int:
    """Remove everything a demo has made."""
    if layout.state.is_dir():
        with _only_one(layout):
            Supervisor(layout).sweep()
            EmbeddedPostgres(layout.postgres).remove()
            shutil.rmtree(layout.state)
    print(f"{layout.state} is removed.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Show the demo in the checkout of the present folder, and return the exit status."""
    parser = argparse.ArgumentParser(prog="bin/demo", description="Show the whole product on this machine.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--once", action="store_true", help="do not stay up: check the result, stop, and say by status")
    what.add_argument("--clean", action="store_true", help="remove what earlier demos have made")
    arguments = parser.parse_args(argv)
    layout = Layout(Path.cwd())
    interruption = Interruption()
    try:
        if arguments.clean:
            return _clean(layout)
        with _only_one(layout):
            interruption.install()
            return Demo(layout, interruption).show(once=arguments.once)
    except PromoError as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return _FAILED


if __name__ == "__main__":
    sys.exit(main())
