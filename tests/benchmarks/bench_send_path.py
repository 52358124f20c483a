"""The send path with the ledger, against a bare aiohttp loop that posts the same bodies to the same receiver.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_send_path.py --contacts 5000 --rounds 20

The bare loop has its bodies ready and does nothing else: it is what can be had from this client on this machine. Ours
reads contacts and codes, renders, commits every intent before its first byte and every outcome after its answer. The
receiver is a process of its own. In each round the two follow each other, each going first in every other round, and
the median of the rounds' ratios counts: what slows the machine for a while slows both of a round, and what hits one of
them alone is an outlier. PROMO_TEST_DSN names a server, else one is started with durable commits.

Exit status 1 when the aim is missed: at least 65 % of the bare loop's contacts a second.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import secrets
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import psycopg

from benchmarks.figures import Figure, keep
from promo_campaigns.delivery.batches import record_profiles
from promo_campaigns.delivery.http_sender import KEY_HEADER, HttpSender
from promo_campaigns.delivery.rendering import render_requests
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience, CodeRequest, DataSource, Message, RunSpec
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres
from promo_campaigns.postgres.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection as Pipe

    from promo_campaigns.model.outcome import OutgoingRequest
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

LEAST_OF_BARE = 0.65
CONCURRENCY = 32
BODY = """{"channels": [{"type": "mobilepush", "value": "$data.get('contact_unique_identifier')"}],
 "fields": [{"id": 12345, "value": "$data.get('promocode')"}], "firstName": "$!first_name"}"""
SPEC = RunSpec(
    workflow="bench",
    audience=Audience(name="everybody", sql="select contact_id from promo.contact"),
    codes=CodeRequest(type="Bench", discount=10, days=7),
    message=Message(name="bench", channel="mobilepush", title="", body="$promocode"),
    data_sources=(
        DataSource(
            name="bench",
            method="POST",
            connection="bench",
            path="/api/v1/contact",
            headers={"Content-Type": "application/json"},
            body=BODY,
            format="json",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """How long one round took, by the clock on the wall and by this process's processor."""

    wall_s: float
    cpu_s: float


class Receiver(asyncio.Protocol):
    """Answers every request with 200 as fast as it can: it must not be what is measured."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + b'{"id": 1}'

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            at = self.got.lower().find(b"content-length:")
            length = int(self.got[at + 15 : self.got.find(b"\r", at)]) if 0 <= at < end else 0
            if len(self.got) < end + 4 + length:
                return
            self.got = self.got[end + 4 + length :]
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.write(self.ANSWER)


def receive(pipe: Pipe) -> None:
    """Run the receiver until this process is ended, and tell its port."""

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def running_receiver() -> Iterator[str]:
    """Run the receiver in a process of its own and return its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


@contextmanager
def store_dsn() -> Iterator[str]:
    """Return a database of this run's own, with the schema."""
    named = os.environ.get("PROMO_TEST_DSN")
    if not named:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            server = EmbeddedPostgres(Path(folder) / "server", tied=True)
            server.start()
            migrate(server.dsn())
            try:
                yield server.dsn()
            finally:
                server.remove()
        return
    name = f"promo_bench_{secrets.token_hex(6)}"
    with psycopg.connect(named, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    dsn = urlunsplit(urlsplit(named)._replace(path=f"/{name}"))
    migrate(dsn)
    try:
        yield dsn
    finally:
        with psycopg.connect(named, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def fill(connection: Connection, count: int, *, codes_each: int = 20) -> None:
    """Add contacts with a token each, and codes."""
    connection.execute(
        "with new as (insert into promo.contact (first_name) select 'Name ' || n from generate_series(1, %s) n"
        " returning contact_id)"
        " insert into promo.contact_channel (contact_id, type, value)"
        " select contact_id, 'mobilepush', 'token-' || contact_id from new",
        [count],
    )
    connection.execute(
        "with file as (insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)"
        "  values ('codes.csv', sha256('bench'), 0, 0, 0, 0, 0) returning code_file_id)"
        " insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)"
        " select 'BENCH' || n, 'Bench', 10, now() + interval '90 days', false, code_file_id, n"
        " from file, generate_series(1, %s) n",
        [count * codes_each],
    )


def accepted_run(connection: Connection, number: int) -> tuple[Run, list[int]]:
    """Open a run in which everybody has heard, so that every profile is due."""
    run = open_run(connection, SPEC, run_key=f"bench/edition/{number}")
    rows = connection.execute("select contact_id from promo.contact order by contact_id").fetchall()
    contacts = [int(row["contact_id"]) for row in rows]
    ledger = PostgresLedger(connection)
    ledger.assign_codes(run.run_id, contacts, SPEC.codes)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=120, resend_within_s=0)
    ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=who, outcome=Outcome.OK) for who in contacts])
    connection.execute("vacuum analyze promo.assignment, promo.attempt")
    return run, contacts


def measured(work: object) -> Speed:
    """Run a coroutine to its end."""
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(work)  # type: ignore[arg-type]  # a coroutine
    return Speed(time.perf_counter() - wall, time.process_time() - cpu)


async def bare(url: str, requests: list[OutgoingRequest]) -> None:
    """Post bodies that are ready, as many at a time as ours does."""
    waiting = iter(requests)

    async def work(session: aiohttp.ClientSession) -> None:
        for request in waiting:
            headers = {**request.headers, KEY_HEADER: request.idempotency_key}
            async with session.post(url + request.path, data=request.body.encode(), headers=headers) as answer:
                await answer.read()
                assert answer.status == 200

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:
        await asyncio.gather(*(work(session) for _ in range(CONCURRENCY)))


async def ours(connection: Connection, url: str, run: Run, contacts: list[int]) -> None:
    """Record every profile as the HTTP request data source block does."""
    sender = HttpSender(Endpoint(base_url=url, allow_private=True, concurrency=CONCURRENCY))
    with background_executor() as background:
        async with sender.connected():
            tally = await record_profiles(
                ledger=PostgresLedger(connection),
                breaker=PostgresBreaker(connection, "bench"),
                sender=sender,
                templates=compile_data_source(run.spec.data_sources[0]),
                run=run,
                contact_ids=contacts,
                background=background,
            )
    assert tally.ok == len(contacts)


def rendered(connection: Connection, run: Run, contacts: list[int]) -> list[OutgoingRequest]:
    """Return the requests that ours will make, and leave their contacts due."""
    lease = PostgresLedger(connection).begin_profiles(run.run_id, contacts, lease_s=0)
    return render_requests(compile_data_source(run.spec.data_sources[0]), run, lease.recipients)[0]


def compare(contacts: int, rounds: int) -> list[tuple[Speed, Speed]]:
    """Run both in turns and return what the bare loop and ours took in each round."""
    speeds: dict[str, list[Speed]] = {"bare": [], "ours": []}
    with store_dsn() as dsn, connect(dsn) as connection, running_receiver() as url:
        fill(connection, contacts)
        for number in range(rounds):
            run, everybody = accepted_run(connection, number)
            works = {
                "bare": partial(bare, url, rendered(connection, run, everybody)),
                "ours": partial(ours, connection, url, run, everybody),
            }
            for name in sorted(works, reverse=bool(number % 2)):
                speeds[name].append(measured(works[name]()))
        assert check_invariants(connection) == []
    return list(zip(speeds["bare"], speeds["ours"], strict=True))


def figures_of(pairs: list[tuple[Speed, Speed]], contacts: int) -> list[Figure]:
    """Return what the rounds say."""
    low, middle, high = quantiles([bare.wall_s / ours.wall_s for bare, ours in pairs], n=4, method="inclusive")
    bare_per_s, ours_per_s = (contacts / median(speed.wall_s for speed in each) for each in zip(*pairs, strict=True))
    cpu = median(bare.cpu_s / ours.cpu_s for bare, ours in pairs)
    loop = "bare aiohttp loop"
    return [
        Figure(name="bare", value=round(bare_per_s), unit="contacts/s"),
        Figure(
            name="ours", value=round(ours_per_s), unit="contacts/s", peer=loop, ratio=middle, least_ratio=LEAST_OF_BARE
        ),
        Figure(name="quartiles", value=round(high - low, 3), unit="between the quartiles of the ratio"),
        Figure(name="cpu", value=round(1 / cpu, 3), unit="of the bare loop's processor time", peer=loop, ratio=cpu),
    ]


def options_of(about: str, **defaults: int) -> argparse.Namespace:
    """Return what the command line says, each option a whole number."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def main() -> int:
    """Compare, and keep the figures."""
    options = options_of(__doc__, contacts=5_000, rounds=20)
    return keep("send_path", figures_of(compare(options.contacts, options.rounds), options.contacts), options)


if __name__ == "__main__":
    sys.exit(main())
