"""How slow the profile API gets for other contacts while a contact file is loaded.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_profile_api_load.py --rows 200000

A client calls at a steady rate: it reads and writes contacts that are not in the file, and now and then one that is,
whose time does not count. The time of a call counts from when it was due, so that a server that stands still is not
asked less. The load is stopped and continued in turns, and the calls of one kind of turn are compared with those of the
other, since other work on the machine slows both. Server, load, client and database share the machine. PROMO_TEST_DSN
names a server, else one is started with durable commits.

Exit status 1 when the aim is missed: the p99 during the load is at most 3 times the p99 without it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import aiohttp

from benchmarks.bench_send_path import store_dsn
from benchmarks.figures import Figure, keep
from integration.profile_server import KEY, running
from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.store import create_field
from promo_campaigns.model.contacts import Contact, Row
from promo_campaigns.postgres.connection import connect

MOST_TIMES_SLOWER = 3.0
TURN_S = 4.0
WARM_UP_S = 0.5
OTHERS = 5_000
FIELD = 12345
LOAD = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "contacts", "load"]


class Turns:
    """Stops and continues a load, and says at which of the two it is."""

    def __init__(self, loading: subprocess.Popen[bytes]) -> None:
        self._loading = loading
        self._until = 0.0
        self._warm_at = 0.0
        self.is_loading = False

    def is_over(self) -> bool:
        """Return whether the load is done; change turns if it is time."""
        now = time.monotonic()
        if now > self._until:
            self._until = now + TURN_S
            self._warm_at = now + WARM_UP_S
            self.is_loading = not self.is_loading
            self._loading.send_signal(signal.SIGCONT if self.is_loading else signal.SIGSTOP)
        return self._loading.poll() is not None

    def counts(self) -> bool:
        """Return whether what was begun in the turn before is over."""
        return time.monotonic() > self._warm_at


def request(number: int, ids: list[int]) -> tuple[str, str, dict[str, object] | None]:
    """Return a call: method, path and body. Each fifth is for a contact of the file."""
    if number % 5 == 0:
        return "POST", "/api/v1/contact", {"externalCustomerId": str(number % 1000), "firstName": f"N{number}"}
    chosen = number * 7919 % len(ids)
    if number % 2 == 0:
        return "GET", f"/api/v1/contact/{ids[chosen]}", None
    values = [{"id": FIELD, "value": f"v{number}"}]
    return "POST", "/api/v1/contact", {"externalCustomerId": f"other {chosen}", "fields": values}


async def call(
    session: aiohttp.ClientSession,
    asked: tuple[str, str, dict[str, object] | None],
    due: float,
    counted: list[float] | None,
) -> None:
    """Make a call, and note how long it took since it was due."""
    method, path, body = asked
    async with session.request(method, path, json=body) as answer:
        await answer.read()
        if body is None or "fields" in body:
            answer.raise_for_status()
            if counted is not None:
                counted.append(time.perf_counter() - due)


async def ask(url: str, per_s: float, ids: list[int], turns: Turns) -> dict[bool, list[float]]:
    """Call at a steady rate until the load is over, and return the seconds of the calls by whether it was going on."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    headers = {"Authorization": aiohttp.encode_basic_auth("bench", KEY)}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()
        calls: list[asyncio.Task[None]] = []
        while not turns.is_over():
            due = began + len(calls) / per_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            counted = seconds[turns.is_loading] if turns.counts() else None
            calls.append(asyncio.create_task(call(session, request(len(calls), ids), due, counted)))
        await asyncio.gather(*calls)
    return seconds


def people(dsn: str) -> list[int]:
    """Make the contacts that are asked for; return their ids by number."""
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=FIELD)
        rows = (Row(number, Contact(external_id=f"other {number}", values={FIELD: "v"})) for number in range(OTHERS))
        put_contacts(connection, rows)
        connection.execute("analyze")
        return [row["contact_id"] for row in connection.execute("select contact_id from promo.contact order by 1")]


def write_file(path: Path, rows: int) -> None:
    """Write a contact file none of whose contacts is there."""
    with path.open("w", encoding="utf-8") as file:
        file.write("externalId,firstName,email,sms,mobilepush\n")
        file.writelines(f"{n},Name,p{n}@example.com,3806{n:08},token {n}\n" for n in range(rows))


def p99_ms(seconds: list[float]) -> float:
    """Return what 99 of 100 calls do not exceed."""
    return round(quantiles(seconds, n=100)[98] * 1000, 1)


def measure(dsn: str, file: Path, per_s: float) -> dict[bool, list[float]]:
    """Return the seconds of the calls by whether the load was going on."""
    ids = people(dsn)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with running(dsn) as (_, client):
        client.get("/addressbooks").raise_for_status()
        url = str(client.base_url).removesuffix("/api/v1/")
        with subprocess.Popen([*LOAD, str(file), "--dsn", dsn], env=environment, stdout=subprocess.DEVNULL) as loading:
            return asyncio.run(ask(url, per_s, ids, Turns(loading)))


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--per-s", type=float, default=50)
    given = parser.parse_args()
    with store_dsn() as dsn, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "contacts.csv"
        write_file(file, given.rows)
        seconds = measure(dsn, file, given.per_s)
    without, background_executor = p99_ms(seconds[False]), p99_ms(seconds[True])
    figures = [
        Figure(name="alone", value=without, unit="ms, p99 of calls"),
        Figure(
            name="during_load",
            value=background_executor,
            unit="ms, p99 of calls",
            peer="without the load",
            ratio=without / background_executor,
            least_ratio=1 / MOST_TIMES_SLOWER,
        ),
        Figure(name="calls", value=min(len(each) for each in seconds.values()), unit="calls of each kind, at least"),
    ]
    return keep("profile_api_load", figures, given)


if __name__ == "__main__":
    sys.exit(main())
