"""Profile writes in bulk, with the ledger, against what the profile API takes when its bodies are ready.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_bulk_profiles.py --contacts 100000

Both write a new value to everybody's field through `POST /api/v1/contacts` of one profile API, in a process of its own,
and wait until each import is finished. The bare side does nothing else; ours reads contacts and codes, renders, commits
every intent before the request and every outcome after the import. PROMO_TEST_DSN names a server, else one is started
with durable commits.

Exit status 1 when the aim is missed: at least half of what the API takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.bench_send_path import SPEC, fill, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.contacts.store import create_field
from promo_campaigns.delivery.bulk import record_profiles_in_bulk
from promo_campaigns.delivery.bulk_sender import HttpBulkSender
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.http.signing.headers import basic_auth
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import DataSource
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

LEAST_OF_BARE = 0.5
BULK = 3000
FIELD = 12345
TASK = 60_000
"""Contacts of one task, as Start would cut millions of them into a thousand tasks or fewer."""
KEY = secrets.token_hex(16)
SIGNED = {"Authorization": basic_auth("bench", KEY)}
COMMAND = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "profile-api"]
BODY = """{"dedupeOn": "externalCustomerId", "customFieldsIDs": [12345], "contacts": [
#foreach($c in $batch)#if($foreach.index > 0),#end
{"externalCustomerId": "$c.external_id", "fields": [{"id": 12345, "value": "$c.promocode"}]}#end]}"""
SOURCE = DataSource(
    name="bulk",
    method="POST",
    connection="bench",
    path="/api/v1/contacts",
    headers={},
    body=BODY,
    format="json",
    records_per_request=BULK,
)


@contextmanager
def profile_api(dsn: str) -> Iterator[str]:
    """Run the profile API in a process of its own and return its address."""
    port = free_port(18_093)
    environment = {**os.environ, "PROMO_PROFILE_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port), "--dsn", dsn], env=environment, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        asyncio.run(_up(url))
        yield url
    finally:
        process.terminate()
        process.wait()


async def _up(url: str) -> None:
    async with aiohttp.ClientSession(headers=SIGNED) as session:
        for _ in range(300):
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(f"{url}/api/v1/addressbooks"):
                    return
            await asyncio.sleep(0.1)


def bodies(people: list[str]) -> list[bytes]:
    """Return requests that write a first value to everybody."""
    found = []
    for first in range(0, len(people), BULK):
        contacts = [
            {"externalCustomerId": who, "fields": [{"id": FIELD, "value": f"first value of {who}"}]}
            for who in people[first : first + BULK]
        ]
        request = {"dedupeOn": "externalCustomerId", "customFieldsIDs": [FIELD], "contacts": contacts}
        found.append(json.dumps(request).encode())
    return found


async def bare(url: str, ready: list[bytes]) -> None:
    """Post bodies that are ready, two at a time as ours does, each until its import is finished."""
    waiting = iter(ready)

    async def work(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(f"{url}/api/v1/contacts", data=body) as answer:
                told: dict[str, Any] = await answer.json()
            status = "STARTED"
            while status == "STARTED":
                await asyncio.sleep(0.05)
                async with session.get(f"{url}/api/v1/importstatus/{told['asyncSessionId']}") as answer:
                    status = (await answer.json())["status"]
            assert status == "FINISHED"

    async with aiohttp.ClientSession(headers={**SIGNED, "Content-Type": "application/json"}) as session:
        await asyncio.gather(*(work(session) for _ in range(2)))


async def ours(connection: Connection, url: str, run: Run, contacts: list[int]) -> int:
    """Record every profile as the HTTP request data source block does; return how many were."""
    sender = HttpBulkSender(Endpoint(base_url=url, allow_private=True, headers=SIGNED), SOURCE)
    recorded = 0
    with background_executor() as background:
        async with sender.connected():
            for first in range(0, len(contacts), TASK):
                tally = await record_profiles_in_bulk(
                    ledger=PostgresLedger(connection),
                    breaker=PostgresBreaker(connection, "bench"),
                    sender=sender,
                    templates=compile_data_source(SOURCE),
                    run=run,
                    contact_ids=contacts[first : first + TASK],
                    background=background,
                )
                recorded += tally.ok
    return recorded


def accepted_run(connection: Connection) -> tuple[Run, list[int]]:
    """Open a run in which everybody has heard, so that every profile is due."""
    run = open_run(connection, replace(SPEC, data_sources=(SOURCE,)), run_key="bench/edition/bulk")
    rows = connection.execute("select contact_id from promo.contact order by contact_id").fetchall()
    contacts = [int(row["contact_id"]) for row in rows]
    ledger = PostgresLedger(connection)
    for first in range(0, len(contacts), TASK):
        some = contacts[first : first + TASK]
        ledger.assign_codes(run.run_id, some, SPEC.codes)
        lease = ledger.begin_messages(run.run_id, some, lease_s=120, resend_within_s=0)
        ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in some])
    connection.execute("vacuum analyze promo.assignment, promo.attempt, promo.contact")
    return run, contacts


def check(connection: Connection, contacts: int) -> None:
    """Make sure that everybody's profile holds their own code, and that every promise is kept."""
    held = connection.execute(
        "select count(*) as n from promo.assignment a join promo.promo_code p using (promo_code_id)"
        " join promo.contact_field_value v using (contact_id) where v.value = p.code and a.state = 'recorded'"
    ).fetchone()
    assert held is not None
    assert held["n"] == contacts
    assert check_invariants(connection) == []


def compare(contacts: int) -> list[Figure]:
    """Run both and return the figures."""
    with store_dsn() as dsn, connect(dsn) as connection:
        fill(connection, contacts, codes_each=1)
        connection.execute("update promo.contact set external_id = 'ext-' || contact_id")
        create_field(connection, "Promo code", "textfield", field_id=FIELD)
        run, everybody = accepted_run(connection)
        ready = bodies([f"ext-{who}" for who in everybody])
        with profile_api(dsn) as url:
            begun = time.perf_counter()
            asyncio.run(bare(url, ready))
            bare_s = time.perf_counter() - begun
            connection.execute("vacuum analyze promo.contact_field_value, promo.contact")
            begun = time.perf_counter()
            recorded = asyncio.run(ours(connection, url, run, everybody))
            ours_s = time.perf_counter() - begun
        assert recorded == contacts
        check(connection, contacts)
    return [
        Figure(name="bare", value=round(contacts / bare_s), unit="contacts/s"),
        Figure(
            name="ours",
            value=round(contacts / ours_s),
            unit="contacts/s",
            peer="the API with bodies that are ready",
            ratio=bare_s / ours_s,
            least_ratio=LEAST_OF_BARE,
        ),
    ]


def main() -> int:
    """Compare, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000, help="1000000 takes half an hour")
    options = parser.parse_args()
    return keep("bulk_profiles", compare(options.contacts), options)


if __name__ == "__main__":
    sys.exit(main())
