"""One client of an endpoint, used by several at once: every call is answered, in its caller's order."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.http.target import Endpoint
from promo_campaigns.model.errors import SendError
from promo_campaigns.model.outcome import Outcome
from receiver import Answer as Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receiver import Received, Receiver


def client_to(receiver: Receiver, concurrency: int) -> HttpClient:
    endpoint = Endpoint(base_url=receiver.url, allow_private=True, concurrency=concurrency, timeout_s=10)
    return HttpClient(endpoint)


def calls(*names: str) -> list[Call]:
    return [Call(method="POST", path=f"/{name}", body=name) for name in names]


async def answers(client: HttpClient, *names: str) -> list[bytes]:
    told: Sequence[Answer] = await client.send_all(calls(*names), deadline=time.monotonic() + 10)
    return [answer.body for answer in told]


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_batches_one_right_after_the_other_are_all_answered(receiver: Receiver, concurrency: int) -> None:
    """The worker that makes the calls ends with the last one: the next batch must not count on them."""
    receiver.answer = lambda request: Told(body=request.body)

    async def three() -> list[list[bytes]]:
        client = client_to(receiver, concurrency)
        async with client.connected():
            return [await answers(client, f"{batch}a", f"{batch}b") for batch in range(3)]

    assert asyncio.run(three()) == [[b"0a", b"0b"], [b"1a", b"1b"], [b"2a", b"2b"]]


def test_batches_at_the_same_time_get_their_own_answers_in_order(receiver: Receiver) -> None:
    receiver.answer = lambda request: Told(body=request.body)
    names = [[f"{batch}-{place}" for place in range(20)] for batch in range(4)]

    async def at_once() -> list[list[bytes]]:
        client = client_to(receiver, 3)
        async with client.connected():
            return list(await asyncio.gather(*(answers(client, *batch) for batch in names)))

    assert asyncio.run(at_once()) == [[name.encode() for name in batch] for batch in names]


def test_what_has_not_begun_by_the_deadline_is_put_off_without_a_call(receiver: Receiver) -> None:
    async def late() -> list[Answer]:
        client = client_to(receiver, 2)
        async with client.connected():
            return list(await client.send_all(calls("a", "b", "c"), deadline=time.monotonic()))

    told = asyncio.run(late())
    assert [(answer.outcome, answer.called) for answer in told] == [(Outcome.LATER, False)] * 3
    assert not receiver.received


def test_an_endpoint_that_may_not_be_called_fails_every_batch_that_waits() -> None:
    """The name resolves to a private address only."""

    async def forbidden() -> None:
        client = HttpClient(Endpoint(base_url="http://localhost:9", concurrency=1))
        async with client.connected():
            for _ in range(2):
                with pytest.raises(SendError, match="private address"):
                    await answers(client, "a", "b")

    asyncio.run(forbidden())


def test_the_first_to_leave_keeps_the_client_open_for_the_other(receiver: Receiver) -> None:
    """Two who keep connections open at the same time, and the one who came first goes while the other is called for."""
    arrived, held = threading.Event(), threading.Event()

    def answer(request: Received) -> Told:
        if request.path == "/slow":
            arrived.set()
            return Told(body=request.body, hold=held)
        return Told(body=request.body)

    receiver.answer = answer

    async def both() -> list[list[bytes]]:
        client = client_to(receiver, 2)
        first_is_gone = asyncio.Event()

        async def quick() -> list[bytes]:
            async with client.connected():
                told = await answers(client, "quick")
                await asyncio.to_thread(arrived.wait, 10)
            first_is_gone.set()
            return told

        async def slow() -> list[bytes]:
            async with client.connected():
                return await answers(client, "slow")

        async def let_go() -> list[bytes]:
            await first_is_gone.wait()
            held.set()
            return []

        return list(await asyncio.gather(quick(), slow(), let_go()))

    assert asyncio.run(both()) == [[b"quick"], [b"slow"], []]


def test_nothing_of_an_answer_travels_on_with_the_next_call(receiver: Receiver) -> None:
    receiver.answer = lambda _: Told(headers={"Set-Cookie": "session=of-somebody; Path=/"})

    async def twice() -> None:
        client = client_to(receiver, 1)
        async with client.connected():
            await answers(client, "a", "b")

    asyncio.run(twice())
    assert len(receiver.received) == 2
    assert not [request for request in receiver.received if "cookie" in {name.lower() for name in request.headers}]
