"""Connections that are used again: nothing is sent on one that the receiver has closed, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trustme

from closing_receiver import ClosingReceiver, running_closing
from https_receiver import serving_as
from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.http.target import Endpoint
from promo_campaigns.http.tls import TlsRules
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

CALLS = 1000
MOST_UNKNOWN = CALLS // 100


def call_all(endpoint: Endpoint, method: str = "POST", calls: int = CALLS) -> list[Answer]:
    """Make so many calls over one client, each with a path of its own."""
    client = HttpClient(endpoint)
    body = "x" if method == "POST" else ""
    made = [Call(method=method, path=f"/{number}", body=body) for number in range(calls)]

    async def once() -> list[Answer]:
        async with client.connected():
            return await client.send_all(made, deadline=time.monotonic() + 60)

    return asyncio.run(once())


def plain(receiver: ClosingReceiver, concurrency: int) -> Endpoint:
    return Endpoint(base_url=f"http://127.0.0.1:{receiver.port}", allow_private=True, concurrency=concurrency)


KINDS = {
    "at once": ClosingReceiver(),
    "soon": ClosingReceiver(linger_s=0.002),
    "late": ClosingReceiver(linger_s=0.1),
    "tenth": ClosingReceiver(answers=10),
}
CASES = [("GET", "at once"), *(("POST", kind) for kind in KINDS)]


@pytest.mark.parametrize(("method", "kind"), CASES)
@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_a_receiver_that_closes_without_saying_so_leaves_few_unknown(method: str, kind: str, concurrency: int) -> None:
    """What it took is known to be taken, nothing reached it twice, and of a hundred calls one at most is a doubt."""
    with running_closing(replace(KINDS[kind], requests=Counter())) as receiver:
        told = call_all(plain(receiver, concurrency), method)
    outcomes = Counter(answer.outcome for answer in told)
    assert outcomes[Outcome.UNKNOWN] <= MOST_UNKNOWN
    assert outcomes[Outcome.OK] == CALLS - outcomes[Outcome.UNKNOWN]
    assert max(receiver.requests.values()) == 1
    assert len(receiver.requests) >= outcomes[Outcome.OK]


def test_over_tls_as_well(tmp_path: Path) -> None:
    """The end of a TLS connection is data on its socket, and so are the tickets that a server may send late."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = serving_as(authority.issue_cert("localhost"))
    assert isinstance(context, ssl.SSLContext)
    with running_closing(ClosingReceiver(), context) as receiver:
        base_url = f"https://localhost:{receiver.port}"
        endpoint = Endpoint(base_url=base_url, allow_private=True, concurrency=8, tls=TlsRules(ca_file=str(ca_file)))
        told = call_all(endpoint, calls=300)
    outcomes = Counter(answer.outcome for answer in told)
    assert outcomes[Outcome.UNKNOWN] <= 3
    assert outcomes[Outcome.OK] == 300 - outcomes[Outcome.UNKNOWN]
    assert max(receiver.requests.values()) == 1


@pytest.mark.parametrize("concurrency", [1, 32])
def test_a_receiver_that_keeps_connections_is_not_asked_for_a_new_one_each_time(concurrency: int) -> None:
    with running_closing(ClosingReceiver(answers=10 * CALLS)) as receiver:
        told = call_all(plain(receiver, concurrency), calls=2 * CALLS)
    assert {answer.outcome for answer in told} == {Outcome.OK}
    assert receiver.connections < len(told) / 2
    assert concurrency > 1 or receiver.connections == 1


def test_an_answer_that_nobody_asked_for_is_not_the_next_one_s() -> None:
    """It comes while the connection is idle; the next caller on that connection would be told what it says."""
    refusal = b"HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n"
    with running_closing(ClosingReceiver(answers=10, late=refusal)) as receiver:
        client = HttpClient(plain(receiver, 1))

        async def two_apart() -> list[Answer]:
            told = []
            async with client.connected():
                for number in range(4):
                    call = Call(method="POST", path=f"/{number}", body="x")
                    told += await client.send_all([call], deadline=time.monotonic() + 10)
                    await asyncio.sleep(0.1)
            return told

        assert [answer.outcome for answer in asyncio.run(two_apart())] == [Outcome.OK] * 4
    assert receiver.requests.total() == 4
