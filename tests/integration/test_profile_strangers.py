"""``promo profile-api`` among clients that mean no good: the one that knows the key is answered all the same."""

from __future__ import annotations

import asyncio
import base64
import select
import socket
import time
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TYPE_CHECKING

import httpx
import pytest

from integration.profile_server import KEY, contact, finished, running
from promo_campaigns.profile_api.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

BASIC = b"Authorization: Basic " + base64.b64encode(f"x:{KEY}".encode()) + b"\r\n"
HALF_A_HEAD = b"POST /api/v1/contact HTTP/1.1\r\nHost: x\r\n"
WITHIN_S = 1.0
"""The promise of the product: a known client is answered within a second."""
PATIENCE_S = 60.0


@contextmanager
def connected(client: httpx.Client) -> Iterator[socket.socket]:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=PATIENCE_S) as one:
        yield one


def answered(client: httpx.Client, patience_s: float = WITHIN_S) -> float:
    """Ask on the connection that is there and on a new one; return how many seconds the slower one took."""
    began = time.monotonic()
    assert client.get("/addressbooks", timeout=patience_s).status_code == 200
    between = time.monotonic()
    with httpx.Client(base_url=client.base_url, auth=("x", KEY), timeout=patience_s, trust_env=False) as fresh:
        assert fresh.post("/contact", json=contact(("email", "known@example.com"))).status_code == 200
    return max(between - began, time.monotonic() - between)


def is_ended(one: socket.socket) -> bool:
    """Read until the other end closes; False if it did not."""
    try:
        while one.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def is_ended_under(one: socket.socket, part: bytes, *, most: int = 600, pause_s: float = 0.1) -> bool:
    """Send a part again and again until the other end has closed; False if it never did."""
    try:
        for _ in range(most):
            one.sendall(part)
            select.select([one], [], [], pause_s)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD], ids=["silence", "half a head"])
def test_five_hundred_half_requests_stop_nobody(dsn: str, sent: bytes) -> None:
    """With fewer descriptors than half requests, as on a machine with the usual limit."""
    with running(dsn, descriptors=256) as (_, client), ExitStack() as held:
        for _ in range(5):
            for _ in range(100):
                held.enter_context(connected(client)).sendall(sent)
            answered(client)


def test_a_head_that_never_ends_is_not_waited_for(dsn: str) -> None:
    with running(dsn, "--head-timeout", "1") as (_, client), connected(client) as silent, connected(client) as slow:
        slow.sendall(HALF_A_HEAD)
        assert is_ended_under(slow, b"X-More: 1\r\n")
        assert is_ended(silent)
        answered(client)


def test_a_body_that_never_ends_is_not_waited_for(dsn: str) -> None:
    head = HALF_A_HEAD + BASIC + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with running(dsn, "--body-timeout", "1") as (_, client), connected(client) as one:
        one.sendall(head)
        assert is_ended_under(one, b" ")
        answered(client)


def test_a_head_has_a_greatest_length(dsn: str) -> None:
    with running(dsn) as (_, client), connected(client) as one:
        one.sendall(HALF_A_HEAD)
        assert is_ended_under(one, b"X-More: " + b"y" * 65536 + b"\r\n", most=1000, pause_s=0)
        answered(client)


def test_a_stranger_is_answered_once_a_connection_whatever_it_pipelines(dsn: str) -> None:
    with running(dsn) as (_, client), connected(client) as one:
        one.sendall((HALF_A_HEAD + b"Content-Length: 0\r\n\r\n") * 100)
        got = b""
        while part := one.recv(65536):
            got += part
        assert got.count(b"HTTP/1.1 401") == 1
        assert b"connection: close" in got.lower()


def test_a_stranger_that_sends_a_body_reads_its_refusal(dsn: str) -> None:
    body = b" " * 200_000
    with running(dsn) as (_, client), connected(client) as one:
        one.sendall(HALF_A_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        got = b""
        while part := one.recv(65536):
            got += part
        assert got.startswith(b"HTTP/1.1 401")


def test_pipelined_requests_of_a_known_client_are_answered_in_their_order(dsn: str) -> None:
    paths = [f"/api/v1/contact/{number}" if number % 2 else "/api/v1/addressbooks" for number in range(200)]
    with running(dsn) as (_, client), connected(client) as one:
        asked = b"".join(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + BASIC + b"\r\n" for path in paths[:-1])
        one.sendall(asked + b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + BASIC + b"\r\n")
        got = b""
        while part := one.recv(65536):
            got += part
    statuses = [piece[:3] for piece in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"404" if number % 2 else b"200" for number in range(199)] + [b"404"]


def test_answers_that_nobody_takes_are_given_up(dsn: str) -> None:
    """A client that asks for a long answer again and again, and reads none."""
    with running(dsn, "--answer-timeout", "1") as (_, client), connected(client) as greedy:
        people = [{"channels": [{"type": "email", "value": "none"}]}] * 3000
        session = client.post("/contacts", json={"dedupeOn": "email", "contacts": people}).json()["asyncSessionId"]
        assert len(finished(client, session)["failedContacts"]) == 3000
        ask = b"GET /api/v1/importstatus/" + session.encode() + b" HTTP/1.1\r\nHost: x\r\n" + BASIC + b"\r\n"
        greedy.sendall(ask * 100)
        watch = select.poll()
        watch.register(greedy, select.POLLERR | select.POLLHUP)
        assert watch.poll(PATIENCE_S * 1000)
        answered(client)


def test_a_known_client_that_leaves_its_connections_open_stops_nobody(dsn: str) -> None:
    with running(dsn, "--connections", "20", "--idle-timeout", "600") as (_, client), ExitStack() as held:
        for _ in range(40):
            one = held.enter_context(connected(client))
            one.sendall(b"GET /api/v1/addressbooks HTTP/1.1\r\nHost: x\r\n" + BASIC + b"\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        with httpx.Client(base_url=client.base_url, auth=("x", KEY), timeout=WITHIN_S, trust_env=False) as fresh:
            assert fresh.get("/addressbooks").status_code == 200


async def _guess(url: httpx.URL, until: float) -> list[int]:
    """Try wrong keys as fast as 64 clients can, each on a new connection; return the statuses."""
    statuses: list[int] = []

    async def guess() -> None:
        while time.monotonic() < until:
            try:
                reading, writing = await asyncio.open_connection(url.host, url.port)
                writing.write(b"GET /api/v1/addressbooks HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp4\r\n\r\n")
                line = await reading.readline()
                writing.close()
                if line:
                    statuses.append(int(line.split()[1]))
            except ConnectionError:
                pass
            await asyncio.sleep(0)

    await asyncio.gather(*(guess() for _ in range(64)))
    return statuses


def test_wrong_keys_are_slowed_and_stop_nobody(dsn: str) -> None:
    """Far more than 10,000 a minute would be, were they not slowed.

    The strangers take all that their core has, and share it with what else runs here: the known client is asked for as
    long as they guess, and what counts is how long most of its answers take.
    """
    waits: list[float] = []
    limits = Limits(strangers=16)
    with running(dsn, "--strangers", str(limits.strangers)) as (_, client):
        answered(client)

        async def attack() -> tuple[list[int], float]:
            began = time.monotonic()
            guessing = asyncio.create_task(_guess(client.base_url, began + 4))
            while not guessing.done():
                waits.append(await asyncio.to_thread(answered, client, PATIENCE_S))
            return await guessing, time.monotonic() - began

        statuses, took_s = asyncio.run(attack())
    assert median(waits) < WITHIN_S
    assert set(statuses) == {401}
    turns = took_s / limits.wrong_key_s + 1
    assert len(statuses) <= limits.strangers * turns + limits.wrong_keys + 1
