"""How many contacts a second one profile API takes, over HTTP.

    PYTHONPATH=plugins:tests python tests/benchmarks/profile_api_speed.py --requests 5000 --in-flight 32

New contacts come first, then a new value for each of them (what a campaign does), then the same value again; then as
many new ones in bulk. Server, client and database share the machine, so compare figures of one run only. PROMO_TEST_DSN
names a server, else one is started with durable commits.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import subprocess
import sys
import time
from typing import Any

import aiohttp

from benchmarks.bench_send_path import store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.contacts.store import create_field
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.postgres.connection import connect

KEY = secrets.token_hex(16)
FIELD = 12345
BULK = 3000
COMMAND = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "profile-api"]


def body(token: str, value: str) -> dict[str, Any]:
    """Return the body a data source posts."""
    return {"channels": [{"type": "mobilepush", "value": token}], "fields": [{"id": FIELD, "value": value}]}


async def post_all(session: aiohttp.ClientSession, bodies: list[dict[str, Any]], in_flight: int) -> tuple[float, float]:
    """Post each body as a contact; return how many a second, and what 99 of 100 calls take at most, in ms."""
    waiting = iter(bodies)
    seconds: list[float] = []

    async def work() -> None:
        for each in waiting:
            began = time.perf_counter()
            async with session.post("/api/v1/contact", json=each) as answer:
                await answer.read()
                answer.raise_for_status()
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    rate = len(bodies) / (time.perf_counter() - began)
    seconds.sort()
    return rate, seconds[int(len(seconds) * 0.99)] * 1000


async def import_all(session: aiohttp.ClientSession, bodies: list[dict[str, Any]]) -> float:
    """Send the bodies in bulk, wait until all are in place, and return how many a second."""
    began = time.perf_counter()
    sessions = []
    for first in range(0, len(bodies), BULK):
        people = [{**each, "externalCustomerId": each["channels"][0]["value"]} for each in bodies[first : first + BULK]]
        request = {"dedupeOn": "externalCustomerId", "customFieldsIDs": [FIELD], "contacts": people}
        async with session.post("/api/v1/contacts", json=request) as answer:
            sessions.append((await answer.json())["asyncSessionId"])
    for each in sessions:
        status = "STARTED"
        while status == "STARTED":
            await asyncio.sleep(0.05)
            async with session.get(f"/api/v1/importstatus/{each}") as answer:
                status = (await answer.json())["status"]
    return len(bodies) / (time.perf_counter() - began)


async def measure(url: str, requests: int, in_flight: int) -> list[Figure]:
    """Return the figures of an API that answers at the address."""
    tokens = [f"speed-{number}" for number in range(requests)]
    figures, rates = [], {}
    headers = {"Authorization": aiohttp.encode_basic_auth("speed", KEY)}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        for name, value in (("new", "first"), ("changed", "second"), ("unchanged", "second")):
            rates[name], slow_ms = await post_all(session, [body(token, value) for token in tokens], in_flight)
            figures.append(Figure(name=f"{name}_p99", value=round(slow_ms, 1), unit="ms"))
            figures.append(Figure(name=name, value=round(rates[name]), unit="contacts/s"))
        bulk = await import_all(session, [body(f"{token}-bulk", "first") for token in tokens])
    peer = "new ones with a request each"
    return [*figures, Figure(name="bulk", value=round(bulk), unit="contacts/s", peer=peer, ratio=bulk / rates["new"])]


def serve_and_measure(dsn: str, requests: int, in_flight: int) -> list[Figure]:
    """Start a server over a migrated database and measure it."""
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=FIELD)
    environment = {**os.environ, "PROMO_PROFILE_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    port = free_port(18_091)
    command = [*COMMAND, "--port", str(port), "--dsn", dsn]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        return asyncio.run(_measure_once_up(f"http://127.0.0.1:{port}", requests, in_flight))
    finally:
        process.terminate()
        process.wait()


async def _measure_once_up(url: str, requests: int, in_flight: int) -> list[Figure]:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(url):
                    break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
    return await measure(url, requests, in_flight)


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--in-flight", type=int, default=32)
    options = parser.parse_args()
    with store_dsn() as dsn:
        figures = serve_and_measure(dsn, options.requests, options.in_flight)
    return keep("profile_api", figures, options)


if __name__ == "__main__":
    sys.exit(main())
