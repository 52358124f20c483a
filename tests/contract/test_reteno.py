"""The vendor's prepared messages: what a request holds, and how its results are read."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING

import pytest

from contract.stages import reteno_stage
from contract.test_transports import Counting
from promo_campaigns.model.errors import CannotCarryError, ConfigurationError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run_spec import Message
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contract.stages import Stage
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage
    from receiver import Received


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Return a vendor who takes up to 1,000 recipients a request."""
    with reteno_stage() as running:
        yield running


def send(stage: Stage, messages: Sequence[OutgoingMessage], recipients: int = 1000) -> Sequence[DeliveryResult]:
    async def opened() -> Sequence[DeliveryResult]:
        async with stage.transport(recipients=recipients) as transport:
            return await transport.send(messages, deadline=math.inf)

    return asyncio.run(opened())


def answering(stage: Stage, answer: Callable[[Received], Answer]) -> list[Received]:
    """Let the vendor answer so, and return what will have arrived."""
    assert stage.receiver is not None
    stage.receiver.answer = answer
    return stage.receiver.received


def results(*found: object) -> bytes:
    return json.dumps({"id": 0, "results": list(found)}).encode()


def all_ok(request: Received) -> Answer:
    return Answer(body=results(*({"locator": one["locator"], "status": "OK"} for one in request.json["recipients"])))


def test_a_request_holds_everybody_with_values_as_text(stage: Stage) -> None:
    arrived = answering(stage, all_ok)
    options = {"template": "7", "from_name": "Shop", "promocode": 'W"1'}
    messages = [stage.message(number, options=options) for number in (1, 2)]
    assert {result.outcome for result in send(stage, messages)} == {Outcome.OK}
    (request,) = arrived
    assert request.path == "/api/v1/message/7/smartsend"
    assert {name: request.json[name] for name in ("email", "fromName")} == {"email": False, "fromName": "Shop"}
    first = request.json["recipients"][0]
    assert first["locator"] == "ok-1-locator"
    assert isinstance(first["jsonParam"], str)
    assert json.loads(first["jsonParam"]) == {"title": "Title 1", "body": "Code: CANARY-1", "promocode": 'W"1'}


def test_email_is_true_for_mail_and_false_for_all_else(stage: Stage) -> None:
    arrived = answering(stage, all_ok)
    channels = ["email", "sms", "viber", "webpush"]
    send(stage, [stage.message(number, channel=name, locator=name) for number, name in enumerate(channels)])
    said = {request.json["recipients"][0]["locator"]: request.json["email"] for request in arrived}
    assert said == {"email": True, "sms": False, "viber": False, "webpush": False}


def test_a_request_has_one_template_and_no_more_than_1000_recipients(stage: Stage) -> None:
    arrived = answering(stage, all_ok)
    messages = [stage.message(number, options={"template": str(number % 2 + 1)}) for number in range(2500)]
    results = send(stage, messages)
    assert [result.contact_id for result in results] == list(range(2500))
    sizes = sorted((request.path.split("/")[4], len(request.json["recipients"])) for request in arrived)
    assert sizes == [("1", 250), ("1", 1000), ("2", 250), ("2", 1000)]


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        (results({"locator": "b", "status": "ERROR"}, {"locator": "a", "status": "OK"}), "ok refused"),
        (json.dumps({"id": "0", "results": {"locator": "a", "status": "ok"}}).encode(), "ok unknown"),
        (results({"locator": "A ", "status": "OK"}, {"locator": "stranger", "status": "OK"}), "ok unknown"),
        (results({"locator": "a", "status": "OK"}, {"locator": "a", "status": "ERROR"}), "unknown unknown"),
        (results({"locator": "a", "status": "QUEUED"}, {"locator": "b"}), "unknown unknown"),
        (results("a", None, 7), "unknown unknown"),
        (b'{"results": null}', "unknown unknown"),
        (b"[]", "unknown unknown"),
        (b"not JSON", "unknown unknown"),
        (b"", "unknown unknown"),
    ],
)
def test_each_recipient_counts_by_its_own_result(stage: Stage, body: bytes, outcomes: str) -> None:
    answering(stage, lambda _: Answer(body=body))
    results = send(stage, [stage.message(1, locator="a"), stage.message(2, locator="b")])
    assert [result.outcome.value for result in results] == outcomes.split()


@pytest.mark.parametrize("said", ["380501112233", "+38 (050) 111-22-33", "+380501112233"])
def test_a_number_is_the_same_however_it_is_written(stage: Stage, said: str) -> None:
    answering(stage, lambda _: Answer(body=results({"locator": said, "status": "OK"})))
    (result,) = send(stage, [stage.message(1, locator="+380501112233")])
    assert result.outcome is Outcome.OK


def test_one_bad_row_in_1000_costs_few_calls_and_nobody_else(stage: Stage) -> None:
    def answer(request: Received) -> Answer:
        bad = any(one["locator"].startswith("refuse") for one in request.json["recipients"])
        return Answer(status=400, body=request.body) if bad else all_ok(request)

    arrived = answering(stage, answer)
    results = send(stage, [stage.message(number, "refuse" if number == 617 else "ok") for number in range(1000)])
    assert [result.contact_id for result in results if result.outcome is not Outcome.OK] == [617]
    assert results[617].outcome is Outcome.REFUSED
    assert len(arrived) <= 1 + 25


def test_a_vendor_who_refuses_everything_is_not_asked_a_thousand_times(stage: Stage) -> None:
    arrived = answering(stage, lambda _: Answer(status=400))
    results = send(stage, [stage.message(number) for number in range(1000)])
    assert len(arrived) <= 26
    assert {result.outcome for result in results} <= {Outcome.REFUSED, Outcome.LATER}


def test_a_template_that_is_not_there_is_nobody_s_fault(stage: Stage) -> None:
    answering(stage, lambda _: Answer(status=404))
    results = send(stage, [stage.message(1), stage.message(2)])
    assert {(result.outcome, result.locked_out) for result in results} == {(Outcome.LATER, True)}


@pytest.mark.parametrize("template", ["$lang", "..", "1/../2", "%2e%2e", "1?x=1", "١٢", "²", "-1", ""])
def test_a_template_that_came_out_as_no_number_is_refused_unsent(stage: Stage, template: str) -> None:
    """It is a part of the path: digits of any other script are none there."""
    arrived = answering(stage, all_ok)
    (result,) = send(stage, [stage.message(1, options={"template": template})])
    assert (result.outcome, arrived) == (Outcome.REFUSED, [])


def test_the_same_messages_make_the_same_request_id_and_others_another(stage: Stage) -> None:
    arrived = answering(stage, all_ok)
    three = [stage.message(number) for number in (1, 2, 3)]
    for messages in (three, three[::-1], three[:2]):
        send(stage, messages)
    first, again, other = [request.json["externalRequestId"] for request in arrived]
    assert first == again != other


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[7]", b'[{"externalRequestId": "another"}]', b'"x"'])
def test_an_answer_without_the_request_proves_nothing(stage: Stage, body: bytes) -> None:
    answering(stage, lambda _: Answer(body=body))

    async def asked() -> set[str]:
        async with stage.transport(recipients=1) as transport:
            return await transport.look_up(["key"])

    assert asyncio.run(asked()) == set()


def test_each_question_has_a_permit_and_none_is_asked_without(stage: Stage) -> None:
    arrived = answering(stage, lambda _: Answer(body=b"[]"))
    limiter = Counting(permits=2)

    async def asked() -> set[str]:
        async with stage.transport(recipients=1, limiter=limiter) as transport:
            return await transport.look_up(["one", "two", "three"])

    assert asyncio.run(asked()) == set()
    assert (len(arrived), limiter.asked, limiter.given_back) == (2, 3, 2)


@pytest.mark.parametrize("options", [{}, {"template": "welcome"}, {"template": ""}])
def test_a_message_must_say_its_template(stage: Stage, options: dict[str, str]) -> None:
    with pytest.raises(CannotCarryError, match="the id of a prepared message"):
        stage.transport().check(Message(name="m", channel="sms", title="", body="x", options=options))


@pytest.mark.parametrize("recipients", [0, 1001, "many"])
def test_a_request_of_impossible_size_is_refused_at_once(stage: Stage, recipients: object) -> None:
    with pytest.raises(ConfigurationError, match="recipients that is not between 1 and 1000"):
        stage.transport(recipients=recipients)
