"""How many contacts a second one profile API takes, over HTTP.

`python tests/benchmarks/profile_api_speed.py DSN [requests] [in flight]` writes to a migrated database. New contacts
come first, then a new value for each of them (what a campaign does), then the same value again; then as many in bulk.
Server, client and database share the machine, so compare rows of one run only.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from typing import Any

import aiohttp

from promo_campaigns.adapters.contacts import create_field
from promo_campaigns.adapters.postgres import connect

KEY = secrets.token_hex(16)
FIELD = 12345
BULK = 3000
COMMAND = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "profile-api"]


def body(token: str, value: str) -> dict[str, Any]:
    """Return the body a data source posts."""
    return {"channels": [{"type": "mobilepush", "value": token}], "fields": [{"id": FIELD, "value": value}]}


async def post_all(session: aiohttp.ClientSession, bodies: list[dict[str, Any]], in_flight: int) -> str:
    """Post each body as a contact and return the figures."""
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
    median, slow = (seconds[int(len(seconds) * part)] * 1000 for part in (0.5, 0.99))
    return f"{rate:8.0f} a second   p50 {median:6.1f} ms   p99 {slow:6.1f} ms"


async def import_all(session: aiohttp.ClientSession, bodies: list[dict[str, Any]]) -> str:
    """Send the bodies in bulk, wait until all are in place, and return the figures."""
    began = time.perf_counter()
    sessions = []
    for first in range(0, len(bodies), BULK):
        people = [{**each, "externalCustomerId": each["channels"][0]["value"]} for each in bodies[first : first + BULK]]
        request = {"dedupeOn": "externalCustomerId", "customFieldsIDs": [FIELD], "contacts": people}
        async with session.post("/api/v1/contacts", json=request) as answer:
            sessions.append((await answer.json())["asyncSessionId"])
    for each in sessions:
        status = "QUEUED"
        while status == "QUEUED":
            await asyncio.sleep(0.05)
            async with session.get(f"/api/v1/importstatus/{each}") as answer:
                status = (await answer.json())["status"]
    return f"{len(bodies) / (time.perf_counter() - began):8.0f} a second"


async def measure(url: str, requests: int, in_flight: int) -> None:
    """Print the figures."""
    run = secrets.token_hex(4)
    tokens = [f"speed-{run}-{number}" for number in range(requests)]
    headers = {"Authorization": aiohttp.encode_basic_auth("speed", KEY)}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        for name, value in (("new contacts", "first"), ("another value", "second"), ("the same again", "second")):
            figures = await post_all(session, [body(token, value) for token in tokens], in_flight)
            sys.stdout.write(f"{name:16}{figures}\n")
        figures = await import_all(session, [body(f"{token}-bulk", "first") for token in tokens])
        sys.stdout.write(f"{'new in bulk':16}{figures}\n")


def main() -> None:
    """Start a server and measure it."""
    dsn = sys.argv[1]
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    in_flight = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=FIELD)
    environment = {**os.environ, "PROMO_PROFILE_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*COMMAND, "--port", "18091", "--dsn", dsn]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(_measure_once_up("http://127.0.0.1:18091", requests, in_flight))
    finally:
        process.terminate()
        process.wait()


async def _measure_once_up(url: str, requests: int, in_flight: int) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(url):
                    break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
    await measure(url, requests, in_flight)


if __name__ == "__main__":
    main()
