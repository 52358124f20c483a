"""What every transport promises, the README's among them, each against a real receiver."""

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
from promo_campaigns.core.models import Outcome
from promo_campaigns.core.pace import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from contract.stages import Stage
    from promo_campaigns.core.models import OutgoingMessage, Verdict
    from promo_campaigns.core.transport import BaseTransport

MEANS = {"ok": Outcome.OK, "refuse": Outcome.REFUSED, "later": Outcome.LATER, "doubt": Outcome.UNKNOWN}
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
) -> Sequence[Verdict]:
    async def opened() -> Sequence[Verdict]:
        async with transport:
            return await transport.send(messages, deadline=deadline)

    return asyncio.run(opened())


def some(stage: Stage, count: int) -> list[OutgoingMessage]:
    """Make messages of every fate that can befall one alone, in no order of ids."""
    fates = ["ok", "refuse", "ok", "doubt"] if stage.failing else ["ok"]
    return [stage.message(1000 - number, fates[number % len(fates)]) for number in range(count)]


class Counting:
    """A pace that keeps what it is asked."""

    budget = Budget(per_s=1000, by_message=True)
    wait_s = 7.0

    def __init__(self, turns: float = math.inf) -> None:
        self.turns, self.taken, self.over = turns, 0, 0
        self.weights: list[int] = []
        self.pauses: list[float] = []

    async def turn(self, *, deadline: float, weight: int = 1) -> bool:  # noqa: ARG002  (the port's)
        self.taken += 1
        self.weights.append(weight)
        return self.taken <= self.turns

    def done(self) -> None:
        self.over += 1

    def leave_alone(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("does", MEANS)
def test_each_fate_has_its_verdict(stage: Stage, does: str) -> None:
    if (does == "later" and not stage.passing) or (does in {"refuse", "doubt"} and not stage.failing):
        assert stage.kind.key_window_s > 365 * 86400, "only a receiver of our own never says no"
        return
    (verdict,) = send(stage.transport(), [stage.message(1, does)])
    assert (verdict.contact_id, verdict.outcome) == (1, MEANS[does])
    assert bool(verdict.detail) is (does != "ok")
    assert len(stage.taken()) == 1


def test_everybody_gets_one_verdict_in_the_order_asked(stage: Stage) -> None:
    messages = some(stage, 30)
    verdicts = send(stage.transport(), messages)
    assert [verdict.contact_id for verdict in verdicts] == [message.contact_id for message in messages]
    fates = [MEANS[message.locator.partition("-")[0]] for message in messages]
    assert [verdict.outcome for verdict in verdicts] == fates
    assert sorted(stage.taken()) == sorted(message.locator for message in messages)


def test_nobody_asked_for_is_nothing_sent(stage: Stage) -> None:
    assert list(send(stage.transport(), [])) == []
    assert stage.taken() == []


def test_nothing_is_sent_after_the_deadline(stage: Stage) -> None:
    verdicts = send(stage.transport(), some(stage, 10), deadline=time.monotonic() - 0.001)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.LATER}
    assert len(verdicts) == 10
    assert stage.taken() == []


def test_a_call_carries_no_more_than_is_stated(stage: Stage) -> None:
    transport = stage.transport()
    send(transport, some(stage, 30))
    assert all(len(call) <= transport.batch_size for call in stage.calls)
    if stage.calls:
        assert len(stage.calls) == -(-30 // transport.batch_size)


def test_every_call_takes_a_turn_of_the_budget_and_none_is_made_without(stage: Stage) -> None:
    pace = Counting(turns=2)
    transport = stage.transport(pace=pace)
    verdicts = send(transport, [stage.message(number) for number in range(1, transport.batch_size * 3 + 1)])
    sent = [verdict for verdict in verdicts if verdict.outcome is Outcome.OK]
    put_off = [verdict for verdict in verdicts if verdict.outcome is Outcome.LATER]
    assert (len(sent), len(put_off)) == (transport.batch_size * 2, transport.batch_size)
    assert len(stage.taken()) == len(sent)
    assert pace.over == 2, "every turn is followed by done"
    assert {verdict.retry_after_s for verdict in put_off} == {pace.wait_s}
    assert set(pace.weights) == {transport.batch_size}, "each message is worth a turn"


def test_what_a_receiver_asks_for_is_told_to_the_budget(stage: Stage) -> None:
    pace = Counting()
    (verdict,) = send(stage.transport(pace=pace), [stage.message(1, "later" if stage.passing else "ok")])
    assert pace.pauses == ([verdict.retry_after_s] if verdict.retry_after_s else [])


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
    verdicts = send(stage.transport(), [stage.message(1), *bad, stage.message(5)])
    assert [verdict.contact_id for verdict in verdicts] == [1, 2, 3, 4, 5]
    assert [verdicts[0].outcome, verdicts[4].outcome] == [Outcome.OK, Outcome.OK]
    assert not {Outcome.LATER} & {verdict.outcome for verdict in verdicts}


def test_a_receiver_that_is_not_there_is_come_back_to(stage: Stage) -> None:
    """No connection is no doubt."""
    connection = stage.settings.connection
    if connection is None:
        return
    extras = {**connection.extras}
    gone = replace(
        stage, settings=replace(stage.settings, connection=replace(connection, port=free_port(), extras=extras))
    )
    verdicts = send(gone.transport(), some(stage, 4))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.LATER}


def test_neither_repr_nor_detail_holds_what_is_secret(stage: Stage) -> None:
    messages = some(stage, 4)
    transport = stage.transport()
    verdicts = [*send(transport, messages), *send(stage.transport(), [stage.message(9, "later")])]
    shown = repr([transport, transport.settings, messages, verdicts, vars(transport)])
    secrets = [SECRET, "PRIVATE KEY", *(part for one in messages for part in (one.locator, one.title, one.body))]
    assert [secret for secret in secrets if secret in shown] == []


def test_a_transport_that_raises_leaves_doubts_that_name_no_value(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises(_: object, messages: Sequence[OutgoingMessage]) -> list[Verdict]:
        msg = f"no way to {messages[0].locator}"
        raise RuntimeError(msg)

    monkeypatch.setattr(stage.kind, "call", raises)
    verdicts = send(stage.transport(), some(stage, 3)) if stage.kind.name != "webhook" else []
    assert {verdict.outcome for verdict in verdicts} <= {Outcome.UNKNOWN}
    assert "locator" not in repr(verdicts)


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
