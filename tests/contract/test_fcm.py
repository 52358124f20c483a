"""FCM: what is posted, what each of its errors means, and its access tokens."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from google.auth import jwt

from contract.stages import fcm_error, fcm_stage, key_file
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.fcm import FcmTransport
from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.model.errors import CannotCarryError, ConfigurationError, ReceiverUnavailableError, SendError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run_spec import Message
from receiver import Answer, running_receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contract.stages import Stage
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage
    from receiver import Received, Receiver


@contextmanager
def fcm(token: Callable[[Received], Answer], push: Callable[[Received], Answer]) -> Iterator[tuple[Stage, Receiver]]:
    """Run an FCM that answers as it is told."""
    with fcm_stage() as stage, running_receiver() as receiver:
        receiver.answer = lambda request: (token if request.path == "/token" else push)(request)
        assert stage.settings.connection is not None
        account = replace(stage.settings.connection, port=receiver.port, password=key_file(f"{receiver.url}/token"))
        yield replace(stage, settings=TransportSettings(connection=account)), receiver


def good(expires_in: int = 3600) -> Callable[[Received], Answer]:
    said = {"access_token": "tok", "expires_in": expires_in}
    return lambda _: Answer(body=json.dumps(said).encode())


def taken(_: Received) -> Answer:
    return Answer(body=b'{"name": "projects/p/messages/1"}')


def send(stage: Stage, *messages: OutgoingMessage) -> Sequence[DeliveryResult]:
    async def opened() -> Sequence[DeliveryResult]:
        async with stage.transport() as transport:
            return await transport.send(messages, deadline=math.inf)

    return asyncio.run(opened())


def test_a_push_says_whom_what_and_the_options_as_data() -> None:
    with fcm(good(), taken) as (stage, receiver):
        send(stage, stage.message(1, options={"code": "WELC-1"}), stage.message(2, title=""))
    first, second = sorted(
        (one.json["message"] for one in receiver.received if one.path != "/token"), key=lambda push: push["token"]
    )
    assert first == {
        "token": "ok-1-locator",
        "notification": {"title": "Title 1", "body": "Code: CANARY-1"},
        "data": {"code": "WELC-1"},
    }
    assert second["notification"] == {"body": "Code: CANARY-2"}


@pytest.mark.parametrize(
    ("status", "code", "outcome", "locked_out"),
    [
        (404, "UNREGISTERED", Outcome.REFUSED, False),
        (400, "INVALID_ARGUMENT", Outcome.REFUSED, False),
        (403, "SENDER_ID_MISMATCH", Outcome.REFUSED, False),
        (403, "PERMISSION_DENIED", Outcome.LATER, True),
        (404, "NOT_FOUND", Outcome.LATER, True),
        (401, "THIRD_PARTY_AUTH_ERROR", Outcome.LATER, True),
        (401, "UNAUTHENTICATED", Outcome.LATER, True),
        (429, "QUOTA_EXCEEDED", Outcome.LATER, False),
        (500, "INTERNAL", Outcome.UNKNOWN, False),
        (503, "UNAVAILABLE", Outcome.UNKNOWN, False),
    ],
)
def test_an_error_of_fcm_means(
    status: int,
    code: str,
    outcome: Outcome,
    locked_out: bool,  # noqa: FBT001  (the expected value)
) -> None:
    with fcm(good(), lambda _: fcm_error(status, code)) as (stage, _):
        (result,) = send(stage, stage.message(1))
    assert (result.outcome, result.locked_out, result.detail) == (outcome, locked_out, f"FCM {code}")
    assert result.retry_after_s == (60.0 if status == 429 else 0.0)
    assert (result.closes.reason if result.closes else None) == (
        ClosedFor.UNREGISTERED if code == "UNREGISTERED" else None
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"name"', b"\xff", b'{"name": ""}'])
def test_a_yes_that_names_no_message_proves_nothing(body: bytes) -> None:
    with fcm(good(), lambda _: Answer(body=body)) as (stage, _):
        (result,) = send(stage, stage.message(1))
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[{}]", b'{"error": []}', b'{"error": {"details": ["errorCode"]}}', b'{"error": {"status": 7}}'],
)
def test_an_error_in_another_form_counts_by_its_status(body: bytes) -> None:
    with fcm(good(), lambda _: Answer(status=400, body=body)) as (stage, _):
        (result,) = send(stage, stage.message(1))
    assert result.outcome is Outcome.REFUSED


def test_a_token_is_asked_for_once_and_signed_by_the_account() -> None:
    with fcm(good(), taken) as (stage, receiver):
        results = send(stage, *[stage.message(number) for number in range(1, 41)])
    assert {result.outcome for result in results} == {Outcome.OK}
    (asked,) = [one for one in receiver.received if one.path == "/token"]
    (assertion,) = parse_qs(asked.body.decode())["assertion"]
    claims: dict[str, Any] = jwt.decode(assertion, verify=False)  # type: ignore[no-untyped-call]  # Google's has no types
    assert (claims["iss"], claims["aud"]) == ("sender@promo-project.example", f"{receiver.url}/token")
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"


def test_a_token_that_is_not_taken_any_more_is_asked_for_anew() -> None:
    tokens: list[Received] = []

    def give(request: Received) -> Answer:
        tokens.append(request)
        return Answer(body=json.dumps({"access_token": f"tok{len(tokens)}", "expires_in": 3600}).encode())

    def push(request: Received) -> Answer:
        old = request.headers["Authorization"] == "Bearer tok1"
        return fcm_error(401, "UNAUTHENTICATED") if old else taken(request)

    async def twice(stage: Stage) -> list[Outcome]:
        async with stage.transport() as transport:
            sent = [await transport.send([stage.message(number)], deadline=math.inf) for number in (1, 2)]
        return [result.outcome for results in sent for result in results]

    with fcm(give, push) as (stage, _):
        assert asyncio.run(twice(stage)) == [Outcome.LATER, Outcome.OK]


def test_a_token_that_ends_before_its_time_is_no_fault_of_the_key_file() -> None:
    calls: list[Received] = []

    def push(request: Received) -> Answer:
        calls.append(request)
        return taken(request) if len(calls) == 1 else fcm_error(401, "UNAUTHENTICATED")

    async def twice(stage: Stage) -> list[DeliveryResult]:
        async with stage.transport() as transport:
            sent = [await transport.send([stage.message(number)], deadline=math.inf) for number in (1, 2)]
        return [result for results in sent for result in results]

    with fcm(good(), push) as (stage, _):
        results = asyncio.run(twice(stage))
    assert [(result.outcome, result.locked_out) for result in results] == [(Outcome.OK, False), (Outcome.LATER, False)]


def test_a_token_about_to_end_is_renewed() -> None:
    with fcm(good(expires_in=0), taken) as (stage, receiver):
        send(stage, stage.message(1), stage.message(2))
    asked = len([one for one in receiver.received if one.path == "/token"])
    assert asked in {2, 3}, "messages that wait at the same time share one question"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=400, body=b'{"error": "invalid_grant"}'), SendError),
        (Answer(status=403), SendError),
        (Answer(status=503), ReceiverUnavailableError),
        (Answer(body=b"[]"), ReceiverUnavailableError),
        (Answer(body=b'{"token": "x"}'), ReceiverUnavailableError),
    ],
)
def test_without_a_token_nothing_is_opened_and_nobody_unknown(answer: Answer, error: type[SendError]) -> None:
    with fcm(lambda _: answer, taken) as (stage, receiver), pytest.raises(error, match="no access token") as caught:
        send(stage, stage.message(1))
    assert caught.value.retryable is (error is ReceiverUnavailableError)
    assert [one.path for one in receiver.received] == ["/token"]


@pytest.mark.parametrize(
    ("token_uri", "error"),
    [
        ("http://no-such-host.invalid/token", r"the host's name was not found\); look at the host.*nothing was sent"),
        ("http://127.0.0.1:1/token", r"refused, nothing listens at this host and port\); nothing was sent"),
        ("https://{receiver}/token", r"TLS failed.*look at host and port"),
    ],
)
def test_why_the_server_of_tokens_is_not_reached_is_told(token_uri: str, error: str) -> None:
    with fcm(good(), taken) as (stage, receiver):
        assert stage.settings.connection is not None
        uri = token_uri.format(receiver=f"127.0.0.1:{receiver.port}")
        account = replace(stage.settings.connection, password=key_file(uri))
        elsewhere = replace(stage, settings=TransportSettings(connection=account))
        with pytest.raises(SendError, match=error) as caught:
            send(elsewhere, stage.message(1))
    assert caught.value.retryable is ("127.0.0.1:1/" in token_uri)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda _: "", "it is no JSON object"),
        (lambda _: "[]", "it is no JSON object"),
        (lambda key: json.dumps({**key, "private_key": 7}), "it has no private_key"),
        (lambda key: json.dumps({**key, "private_key": "PRIVATE-CANARY"}), "its private_key is none"),
        (lambda key: json.dumps({**key, "project_id": "../x"}), "project_id is none"),
        (
            lambda key: json.dumps({**key, "token_uri": "http://oauth.example/token"}),
            "which anyone on the way can read",
        ),
    ],
)
def test_a_key_file_that_is_none_is_told_before_anything_is_opened(
    change: Callable[[dict[str, Any]], str], error: str
) -> None:
    key = json.loads(key_file("https://oauth.example/token"))
    with fcm_stage() as stage:
        assert stage.settings.connection is not None
        extras = {"timeout_s": 5}
        connection = replace(stage.settings.connection, password=change(key), scheme="https", extras=extras)
        with pytest.raises(ConfigurationError, match=error) as caught:
            FcmTransport(TransportSettings(connection=connection))
    assert "CANARY" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


def test_the_public_fcm_is_where_pushes_go_by_default() -> None:
    with fcm_stage() as stage:
        assert stage.settings.connection is not None
        password = key_file("https://oauth2.googleapis.com/token")
        connection = replace(stage.settings.connection, host="", port=None, password=password, extras={})
        assert (
            FcmTransport(TransportSettings(connection=connection)).endpoint().base_url == "https://fcm.googleapis.com"
        )


@pytest.mark.parametrize("option", ["from", "google.sent_time", "gcm.x", "message_type"])
def test_a_name_that_fcm_keeps_is_refused(option: str) -> None:
    message = Message(name="m", channel="mobilepush", title="", body="x", options={option: "1"})
    with fcm_stage() as stage, pytest.raises(CannotCarryError, match="for itself"):
        stage.transport().check(message)
