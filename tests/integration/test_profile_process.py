"""``promo profile-api`` as a process: how it starts, stops, and what a restart loses (nothing)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from integration.profile_server import COMMAND, KEY, contact, finished, running
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    import httpx


def accept_three_imports(client: httpx.Client) -> list[str]:
    sessions = []
    for turn in range(3):
        people = [contact(("email", f"p{n}@example.com"), firstName=f"Turn {turn}") for n in range(500)]
        answer = client.post("/contacts", json={"dedupeOn": "email", "contacts": people})
        sessions.append(answer.json()["asyncSessionId"])
    return sessions


def wait_until_blocked(dsn: str) -> None:
    give_up = time.monotonic() + 30
    with connect(dsn) as connection:
        while time.monotonic() < give_up:
            if connection.execute("select from pg_locks where not granted").fetchone() is not None:
                return
    pytest.fail("no import was held up")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_while_imports_wait_loses_nothing(dsn: str, end: signal.Signals) -> None:
    """The first server ends with an import under way, held up by a lock; the next one does it and those behind it."""
    with connect(dsn) as holding, holding.transaction():
        holding.execute("lock table promo.contact in share row exclusive mode")
        with running(dsn) as (process, client):
            sessions = accept_three_imports(client)
            wait_until_blocked(dsn)
            process.send_signal(end)
            process.wait(timeout=10)
    with running(dsn) as (_, client):
        done = [finished(client, session) for session in sessions]
        made = client.post("/contact", json=contact(("email", "p499@example.com"))).json()["id"]
        assert client.get(f"/contact/{made}").json()["firstName"] == "Turn 2"
    assert [(one["status"], one["created"], one["updated"]) for one in done] == [
        ("FINISHED", 500, 0),
        ("FINISHED", 0, 500),
        ("FINISHED", 0, 500),
    ]


def test_it_ends_on_sigterm_even_with_a_client_that_stays_connected(dsn: str) -> None:
    with running(dsn) as (process, client):
        assert client.get("/addressbooks").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) in {0, -signal.SIGTERM}


def test_it_does_not_start_without_a_key(dsn: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*COMMAND, "--dsn", dsn], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "PROMO_PROFILE_API_KEY is not set" in done.stderr


def test_it_says_so_when_the_database_has_no_schema(empty_database: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PROMO_PROFILE_API_KEY": KEY}
    done = subprocess.run(
        [*COMMAND, "--port", "0", "--dsn", empty_database],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "run: promo db migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_loads_no_airflow() -> None:
    """It would triple the time to start."""
    code = "import sys, promo_campaigns.profile_api.app; sys.exit('airflow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
