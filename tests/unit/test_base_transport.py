"""What the base class does for every transport, whatever the transport does."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.delivery.transports import base as module
from promo_campaigns.delivery.transports.base import MAX_SPLITS, BaseTransport, TransportSettings
from promo_campaigns.model.errors import CallRefusedError, CannotCarryError, ConfigurationError, SendError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from promo_campaigns.model.run_spec import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def message(contact_id: int, locator: str = "") -> OutgoingMessage:
    return OutgoingMessage(
        contact_id=contact_id,
        channel="sms",
        locator=locator or f"number-{contact_id}",
        title="",
        body="x",
        idempotency_key=f"key-{contact_id}",
    )


def ok(messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
    return [DeliveryResult(contact_id=one.contact_id, outcome=Outcome.OK) for one in messages]


class Scripted(BaseTransport):
    """Calls what it is given, and keeps the calls."""

    name = "scripted"
    needs_connection = False
    channels = frozenset({"sms"})
    options = frozenset({"from"})

    def __init__(
        self, answer: Callable[[Sequence[OutgoingMessage]], Iterable[DeliveryResult]], batch_size: int = 1
    ) -> None:
        super().__init__(TransportSettings())
        self.batch_size = batch_size
        self.answer = answer
        self.calls: list[list[int]] = []
        self.under_way = self.most = 0

    async def call(self, messages: Sequence[OutgoingMessage]) -> Iterable[DeliveryResult]:
        self.calls.append([one.contact_id for one in messages])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return self.answer(messages)


def send(transport: BaseTransport, count: int) -> Sequence[DeliveryResult]:
    return asyncio.run(transport.send([message(number) for number in range(1, count + 1)], deadline=math.inf))


def outcomes(results: Sequence[DeliveryResult]) -> list[str]:
    return [result.outcome.value for result in results]


def test_a_contact_left_out_is_unknown_and_a_stranger_is_ignored() -> None:
    results = send(Scripted(lambda some: [*ok(some[:2]), *ok([message(99)])], batch_size=3), 3)
    assert [(result.contact_id, result.outcome.value) for result in results] == [
        (1, "ok"),
        (2, "ok"),
        (3, "unknown"),
    ]


def test_a_detail_never_names_the_locator() -> None:
    def tell(some: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        return [
            DeliveryResult(contact_id=some[0].contact_id, outcome=Outcome.REFUSED, detail=f"no {some[0].locator} here")
        ]

    (result,) = send(Scripted(tell), 1)
    assert result.detail == "no … here"


@pytest.mark.parametrize("nonsense", [None, 7, ["ok"], [None]])
def test_nonsense_for_an_answer_is_unknown(nonsense: object) -> None:
    (result,) = send(Scripted(lambda _: nonsense), 1)  # type: ignore[arg-type,return-value]  # that is the point
    assert result.outcome is Outcome.UNKNOWN
    assert result.detail.startswith("the transport failed (")


def test_a_call_that_never_ends_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Scripted):
        async def call(self, messages: Sequence[OutgoingMessage]) -> Iterable[DeliveryResult]:  # noqa: ARG002
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr(module, "MAX_CALL_S", 0.05)
    (result,) = send(Hanging(ok), 1)
    assert (result.outcome, result.detail) == (Outcome.UNKNOWN, "no answer in time")


def test_a_receiver_that_cannot_be_used_as_it_is_set_up_locks_out_and_leaves_nothing_unknown() -> None:
    def refuse(_: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        msg = "the host has a private address"
        raise SendError(msg)

    (result,) = send(Scripted(refuse), 1)
    assert (result.outcome, result.locked_out) == (Outcome.LATER, True)


def test_no_more_calls_are_under_way_than_are_stated() -> None:
    transport = Scripted(ok)
    transport.concurrency = 3
    assert outcomes(send(transport, 40)) == ["ok"] * 40
    assert transport.most == 3


@given(bad=st.sets(st.integers(1, 64), max_size=3), size=st.integers(1, 64))
def test_a_call_refused_as_a_whole_is_halved_to_the_rows_at_fault(bad: set[int], size: int) -> None:
    def pick(some: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        if any(one.contact_id in bad for one in some):
            raise CallRefusedError(detail="HTTP 400")
        return ok(some)

    transport = Scripted(pick, batch_size=size)
    results = send(transport, 64)
    assert [result.contact_id for result in results] == list(range(1, 65))
    refused = {result.contact_id for result in results if result.outcome is Outcome.REFUSED}
    put_off = {result.contact_id for result in results if result.outcome is Outcome.LATER}
    assert refused | put_off >= bad
    assert refused <= bad
    batches = -(-64 // size)
    assert len(transport.calls) <= batches * (MAX_SPLITS + 1)
    if len(bad) <= 1:
        assert put_off == set()


def test_a_message_is_refused_with_the_setting_at_fault() -> None:
    def refused(**parts: object) -> CannotCarryError:
        given_parts = {"name": "m", "channel": "sms", "title": "", "body": "x", **parts}
        with pytest.raises(CannotCarryError) as caught:
            Scripted(ok).check(Message(**given_parts))  # type: ignore[arg-type]  # parts of a message
        return caught.value

    channel = refused(channel="email")
    assert (channel.setting, str(channel)) == (
        "channel",
        "the transport 'scripted' cannot do the channel 'email'. It does sms",
    )
    option = refused(options={"form": "x"})
    assert (option.setting, str(option)) == ("options", "the transport 'scripted' has no option 'form'. It has from")
    Scripted(ok).check(Message(name="m", channel="sms", title="", body="x", options={"from": "x"}))


def test_a_transport_that_needs_a_connection_says_so() -> None:
    class Needy(BaseTransport):
        name = "needy"

    with pytest.raises(
        ConfigurationError, match="the transport 'needy' needs a connection; name one with transport_conn_id"
    ):
        Needy(TransportSettings())
