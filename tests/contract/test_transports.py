"""What every transport promises, the documentation's own among them, each against a real receiver."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contract.stages import (
    SECRET,
    fcm_stage,
    free_port,
    inbox_stage,
    readme_stage,
    reteno_stage,
    smtp_stage,
    webhook_stage,
)
from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.http.rate_limit_port import Budget, NoPermitError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.redaction import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from typing_extensions import Self

    from contract.stages import Stage
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage

MEANS = {"ok": Outcome.OK, "refuse": Outcome.REFUSED, "later": Outcome.LATER, "unknown": Outcome.UNKNOWN}
IN_FLIGHT, IN_FLIGHT_KEYED = 50, 500


@pytest.fixture(params=["inbox", "smtp", "webhook", "fcm", "reteno", "readme"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Return each transport's stage in turn."""
    if request.param == "inbox":
        made: AbstractContextManager[Stage] = inbox_stage(request.getfixturevalue("dsn"))
    elif request.param == "smtp":
        made = smtp_stage(tmp_path)
    else:
        made = {"webhook": webhook_stage, "fcm": fcm_stage, "reteno": reteno_stage, "readme": readme_stage}[
            request.param
        ]()
    with made as running:
        yield running


def send(
    transport: BaseTransport, messages: Sequence[OutgoingMessage], *, deadline: float = math.inf
) -> Sequence[DeliveryResult]:
    async def opened() -> Sequence[DeliveryResult]:
        async with transport:
            return await transport.send(messages, deadline=deadline)

    return asyncio.run(opened())


def some(stage: Stage, count: int) -> list[OutgoingMessage]:
    """Make messages of every fate that can befall one alone, in no order of ids."""
    fates = ["ok", "refuse", "ok", "unknown"] if stage.failing else ["ok"]
    return [stage.message(1000 - number, fates[number % len(fates)]) for number in range(count)]


class Counting:
    """A rate limiter, and the permit of each of its calls, that remembers what it is asked.

    :param permits: how many it gives out
    """

    budget = Budget(per_s=1000, by_message=True)
    wait_s = 7.0

    def __init__(self, permits: float = math.inf) -> None:
        self.permits, self.asked, self.given_back = permits, 0, 0
        self.weights: list[int] = []
        self.pauses: list[float] = []

    def permit(self, *, deadline: float, weight: int = 1) -> Counting:  # noqa: ARG002  (the port's)
        self.weights.append(weight)
        return self

    async def __aenter__(self) -> Self:
        self.asked += 1
        if self.asked > self.permits:
            raise NoPermitError(self.wait_s)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.given_back += 1

    def back_off(self, seconds: float) -> None:
        if seconds:
            self.pauses.append(seconds)


@pytest.mark.parametrize("does", MEANS)
def test_each_fate_has_its_result(stage: Stage, does: str) -> None:
    if (does == "later" and not stage.passing) or (does in {"refuse", "unknown"} and not stage.failing):
        assert stage.kind.key_window_s > 365 * 86400, "only a receiver of our own never says no"
        return
    (result,) = send(stage.transport(), [stage.message(1, does)])
    assert (result.contact_id, result.outcome) == (1, MEANS[does])
    assert bool(result.detail) is (does != "ok")
    assert len(stage.taken()) == 1


def test_everybody_gets_one_result_in_the_order_asked(stage: Stage) -> None:
    messages = some(stage, 30)
    results = send(stage.transport(), messages)
    assert [result.contact_id for result in results] == [message.contact_id for message in messages]
    fates = [MEANS[message.locator.partition("-")[0]] for message in messages]
    assert [result.outcome for result in results] == fates
    assert sorted(stage.taken()) == sorted(message.locator for message in messages)


def test_nobody_asked_for_is_nothing_sent(stage: Stage) -> None:
    assert list(send(stage.transport(), [])) == []
    assert stage.taken() == []


def test_nothing_is_sent_after_the_deadline(stage: Stage) -> None:
    results = send(stage.transport(), some(stage, 10), deadline=time.monotonic() - 0.001)
    assert {result.outcome for result in results} == {Outcome.LATER}
    assert len(results) == 10
    assert stage.taken() == []


def test_a_call_carries_no_more_than_is_stated(stage: Stage) -> None:
    transport = stage.transport()
    send(transport, some(stage, 30))
    assert all(len(call) <= transport.batch_size for call in stage.calls)
    if stage.calls:
        assert len(stage.calls) == -(-30 // transport.batch_size)


def test_every_call_has_a_permit_and_none_is_made_without(stage: Stage) -> None:
    limiter = Counting(permits=2)
    transport = stage.transport(limiter=limiter)
    results = send(transport, [stage.message(number) for number in range(1, transport.batch_size * 3 + 1)])
    sent = [result for result in results if result.outcome is Outcome.OK]
    put_off = [result for result in results if result.outcome is Outcome.LATER]
    assert (len(sent), len(put_off)) == (transport.batch_size * 2, transport.batch_size)
    assert len(stage.taken()) == len(sent)
    assert limiter.given_back == 2
    assert {result.retry_after_s for result in put_off} == {limiter.wait_s}
    assert set(limiter.weights) == {transport.batch_size}, "each message takes a token"


def test_a_pause_that_a_receiver_asks_for_is_told_to_the_limiter(stage: Stage) -> None:
    limiter = Counting()
    (result,) = send(stage.transport(limiter=limiter), [stage.message(1, "later" if stage.passing else "ok")])
    assert limiter.pauses == ([result.retry_after_s] if result.retry_after_s else [])


NASTY = [
    "",
    "a\r\nRCPT TO:<x@y.example>",
    "nul\0nul",
    "half\ud800",
    "x" * 5000,
    "two@a.example,three@b.example",
    "%00/../",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_one_contact_s_fault_is_that_contact_s_alone(stage: Stage, nasty: str) -> None:
    """Whatever stands for an address, a title or a text: the neighbours are served, and nothing is raised."""
    bad = [stage.message(2, locator=nasty), stage.message(3, title=nasty), stage.message(4, body=nasty)]
    results = send(stage.transport(), [stage.message(1), *bad, stage.message(5)])
    assert [result.contact_id for result in results] == [1, 2, 3, 4, 5]
    assert [results[0].outcome, results[4].outcome] == [Outcome.OK, Outcome.OK]
    assert not {Outcome.LATER} & {result.outcome for result in results}


def test_a_receiver_that_is_not_there_is_come_back_to(stage: Stage) -> None:
    """Without a connection nothing is unknown."""
    connection = stage.settings.connection
    if connection is None:
        return
    extras = {**connection.extras}
    gone = replace(
        stage, settings=replace(stage.settings, connection=replace(connection, port=free_port(), extras=extras))
    )
    results = send(gone.transport(), some(stage, 4))
    assert {result.outcome for result in results} == {Outcome.LATER}


def test_neither_repr_nor_detail_holds_what_is_secret(stage: Stage) -> None:
    messages = some(stage, 4)
    transport = stage.transport()
    results = [*send(transport, messages), *send(stage.transport(), [stage.message(9, "later")])]
    shown = repr([transport, transport.settings, messages, results, vars(transport)])
    secrets = [SECRET, "PRIVATE KEY", *(part for one in messages for part in (one.locator, one.title, one.body))]
    assert [secret for secret in secrets if secret in shown] == []


def test_a_transport_that_raises_leaves_unknown_outcomes_that_name_no_value(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises(_: object, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        msg = f"no way to {messages[0].locator}"
        raise RuntimeError(msg)

    monkeypatch.setattr(stage.kind, "call", raises)
    results = send(stage.transport(), some(stage, 3)) if stage.kind.name != "webhook" else []
    assert {result.outcome for result in results} <= {Outcome.UNKNOWN}
    assert "locator" not in repr(results)


def test_the_key_reaches_a_receiver_that_can_have_it(stage: Stage) -> None:
    message = stage.message(1)
    send(stage.transport(recipients=1) if stage.kind.name == "reteno" else stage.transport(), [message])
    assert stage.keys == ([] if stage.kind.name in {"inbox", "fcm"} else [message.idempotency_key])


def test_only_a_receiver_that_honours_keys_is_sent_to_again(stage: Stage) -> None:
    transport = stage.transport()
    assert transport.resend_within_s == transport.key_window_s / 2
    keyed = max(IN_FLIGHT_KEYED, 4 * transport.batch_size)
    assert transport.in_flight == (keyed if transport.key_window_s else IN_FLIGHT)
    assert bool(transport.key_window_s) is (stage.kind.name in {"inbox", "webhook", "line"})


def test_a_look_up_knows_what_arrived_and_nothing_else(stage: Stage) -> None:
    transport = stage.transport(recipients=1) if stage.kind.name == "reteno" else stage.transport()
    sent, unsent = stage.message(1), stage.message(2)

    async def asked() -> set[str]:
        async with transport:
            await transport.send([sent], deadline=math.inf)
            return await transport.look_up([sent.idempotency_key, unsent.idempotency_key])

    assert asyncio.run(asked()) == ({sent.idempotency_key} if transport.looks_up else set())


def test_a_transport_is_built_without_reaching_anything(stage: Stage) -> None:
    with ExitStack() as nothing:
        nothing.callback(stage.calls.clear)
        built: Any = stage.transport()
    assert built.receiver.startswith(f"transport {stage.kind.name}")
    assert stage.taken() == []


def test_what_is_shown_of_a_call_is_what_is_sent_but_for_its_credentials(stage: Stage) -> None:
    """Of a transport that can tell; nothing arrives for it."""
    message = stage.message(1)
    shown = stage.transport().show(message)
    assert stage.taken() == []
    if shown is None:
        assert stage.kind.show is BaseTransport.show
        return
    assert SECRET not in repr((shown.url, dict(shown.headers), shown.body))
    send(stage.transport(), [message])
    if stage.receiver is None:
        assert (shown.method, shown.headers["Subject"], shown.body) == ("SMTP", message.title, message.body)
        return
    request = stage.receiver.received[-1]
    assert (shown.method, shown.body.encode()) == (request.method, request.body)
    assert shown.url.endswith(request.path)
    for name, value in shown.headers.items():
        assert value in {request.headers[name], HIDDEN}
