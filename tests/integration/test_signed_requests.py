"""Requests that are signed one by one: access tokens of OAuth 2, and HMAC; each receiver refuses everything else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import stat
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from integration.scenario import CODES, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.connections.parsing import parse_connection
from promo_campaigns.delivery.batches import send_messages
from promo_campaigns.delivery.templates import compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.webhook import WebhookTransport
from promo_campaigns.hooks.data_source import DataSourceHook
from promo_campaigns.http.client import Answer as Answered
from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.shown_call import show_call
from promo_campaigns.http.signing.token_store import AccessToken, TokenStore
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.outcome import Outcome, OutgoingMessage
from promo_campaigns.model.run_spec import DataSource
from receiver import Answer, running_receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.delivery.retry_loop import Tally
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

CLIENT, SECRET = "promo client", "canary+s3cret/ü"
KEY = "canary-key-of-the-receiver"
LOCAL = {"allow_insecure": True, "allow_private": True, "timeout_s": 5}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a folder of tokens of its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@dataclass
class TokenServer:
    """Gives tokens to one client, and a receiver that takes the newest of them alone."""

    receiver: Receiver
    given: list[str] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    expires_in: Any = 3600
    fails: Callable[[], Answer | None] = lambda: None
    taken: int = 0

    def answer(self, request: Received) -> Answer:
        if request.path.startswith("/oauth/token"):
            return self._token(request)
        shown = request.headers.get("Authorization", "")
        good = {f"Bearer {token}" for token in self.given} - {f"Bearer {token}" for token in self.revoked}
        if shown not in good:
            return Answer(status=401, body=shown.encode())
        self.taken += 1
        return Answer(body=json.dumps({"seen": shown}).encode())

    def _token(self, request: Received) -> Answer:
        form = parse_qs(request.body.decode())
        self.asked.append(form)
        if failed := self.fails():
            return failed
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        client, _, secret = b64decode(basic).decode().partition(":") if basic else ("", "", "")
        known = (
            (unquote_plus(client), unquote_plus(secret))
            if basic
            else (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        )
        if known != (CLIENT, SECRET) or form["grant_type"] != ["client_credentials"]:
            return Answer(status=401, body=b'{"error": "invalid_client"}')
        self.given.append(f"token-{len(self.given)}-canary")
        told = {"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.expires_in}
        return Answer(body=json.dumps(told).encode())


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with running_receiver() as receiver:
        made = TokenServer(receiver)
        receiver.answer = made.answer
        yield made


def oauth(server: TokenServer, **extras: object) -> str:
    url = f"{server.receiver.url}/oauth/token?tenant=1"
    extra = {**LOCAL, "auth": "oauth2", "token_url": url, "scope": "codes:write", **extras}
    told = {"conn_type": "promo_http", "host": server.receiver.url, "login": CLIENT, "password": SECRET, "extra": extra}
    return json.dumps(told)


def calls(connection: str, *rounds: int, path: str = "/x") -> list[list[Answered]]:
    """Make rounds of so many calls each with one client."""
    endpoint = parse_endpoint(parse_connection("api", connection))

    async def all_of_them() -> list[list[Answered]]:
        client = HttpClient(endpoint)
        async with client.connected():
            return [
                await client.send_all(
                    [Call(method="POST", path=path, body='{"a": "ü"}')] * count, deadline=time.monotonic() + 20
                )
                for count in rounds
            ]

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_one_token_is_fetched_for_all_calls_and_tasks_of_a_machine(server: TokenServer, client_auth: str) -> None:
    (answers,) = calls(oauth(server, client_auth=client_auth), 40)
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert [form["scope"] for form in server.asked] == [["codes:write"]]
    (answers,) = calls(oauth(server, client_auth=client_auth), 1)  # as another task would
    assert (answers[0].outcome, len(server.given)) == (Outcome.OK, 1)
    calls(oauth(server, client_auth=client_auth, scope="other"), 1)
    assert len(server.given) == 2


def test_a_token_is_renewed_before_its_end(server: TokenServer) -> None:
    server.expires_in = "0.5"
    ((first,), (second,)) = calls(oauth(server), 1, 1)
    assert (first.outcome, second.outcome, len(server.given)) == (Outcome.OK, Outcome.OK, 1)
    time.sleep(0.3)
    calls(oauth(server), 1)
    assert len(server.given) == 2


def test_a_revoked_token_is_renewed_once_and_the_call_is_made_again_by_the_ledger_alone(server: TokenServer) -> None:
    """401 is a definite refusal: the contact is tried again as a new attempt, which has the new token."""
    calls(oauth(server), 1)
    server.revoked = {server.given[0]}
    (refused, again) = calls(oauth(server), 3, 3)
    assert {(answer.outcome, answer.locked_out) for answer in refused} == {(Outcome.LATER, False)}
    assert "the next request has a new one" in refused[0].detail
    assert {answer.outcome for answer in again} == {Outcome.OK}
    assert len(server.given) == 2
    assert server.taken == 4


def test_a_receiver_that_takes_no_token_at_all_is_asked_no_more(server: TokenServer) -> None:
    """A new token that is refused at once means that the client may not do it: no waiting helps."""
    server.revoked = {f"token-{number}-canary" for number in range(10)}
    (answers,) = calls(oauth(server), 1)
    assert (answers[0].outcome, answers[0].locked_out, len(server.given)) == (Outcome.LATER, True, 1)


def test_a_contact_whose_token_was_revoked_is_sent_once_in_two_attempts(
    server: TokenServer, dsn: str, store: Connection
) -> None:
    calls(oauth(server), 1)
    server.revoked = {server.given[0]}
    contact_ids = add_contacts(store, 3)
    add_codes(store, 3)
    source = replace(PROFILE, name="gateway", body='{"who": $contact_id}')
    spec = replace(SPEC, transport="webhook", webhook=source, message=replace(PUSH, webhook="gateway"))
    run, ledger = open_welcome(store, spec=spec), PostgresLedger(store)
    ledger.assign_codes(run.run_id, contact_ids, CODES)
    settings = TransportSettings(connection=parse_connection("api", oauth(server)), dsn=dsn, webhook=source)

    async def send() -> Tally:
        async with WebhookTransport(settings) as transport:
            return await send_messages(
                ledger=ledger,
                breaker=PostgresBreaker(store, "api"),
                transport=transport,
                templates=compile_message(run.spec.message),
                run=run,
                contact_ids=contact_ids,
            )

    assert asyncio.run(send()).ok == 3
    assert server.taken == 1 + 3
    attempts = store.execute("select outcome, count(*) as many from promo.attempt group by outcome").fetchall()
    assert {row["outcome"]: row["many"] for row in attempts} == {"refused": 3, "ok": 3}


@pytest.mark.parametrize(
    ("answer", "detail", "locked_out"),
    [
        (Answer(status=401), "no access token (HTTP 401)", True),
        (Answer(status=400, body=b'{"error": "invalid_scope", "canary": 1}'), "no access token (HTTP 400)", True),
        (Answer(status=503), "no access token (HTTP 503)", False),
        (Answer(drop=True), "no access token (the connection broke", False),
        (Answer(body=b'{"access_token": "canary\\r\\nX: 1"}'), "no access token (the answer holds no bearer", False),
        (Answer(body=b'{"access_token": "canary", "token_type": "mac"}'), "no access token (the answer holds", False),
    ],
)  # fmt: skip
def test_without_a_token_nothing_leaves_and_no_contact_is_at_fault(
    server: TokenServer,
    answer: Answer,
    detail: str,
    locked_out: bool,  # noqa: FBT001  (the expected value)
) -> None:
    server.fails = lambda: answer
    ((told, *_),) = calls(oauth(server), 5)
    assert (told.outcome, told.called, told.locked_out) == (Outcome.LATER, False, locked_out)
    assert told.detail.startswith(detail)
    assert "canary" not in repr(told)
    assert all(request.path.startswith("/oauth/token") for request in server.receiver.received)
    assert len(server.asked) == 1, "those who wait share one question"


def test_a_token_of_others_is_sealed_and_kept_where_nobody_else_may_look(tmp_path: Path) -> None:
    store, token = TokenStore(SECRET, "https://t", CLIENT), AccessToken("canary", time.time() + 60)
    store.write(token)
    (folder,) = tmp_path.iterdir()
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"canary" not in file.read_bytes()
    assert CLIENT not in file.name
    assert TokenStore(SECRET, "https://t", CLIENT).read() == token
    assert TokenStore("guess", "https://t", CLIENT).read() is None
    folder.chmod(0o755)
    assert store.read() is None, "a folder that others may enter is not used"


def signature_of(request: Received, url: str) -> bytes:
    stamp = request.headers["X-Time"]
    digest = hashlib.sha256(request.body).hexdigest()
    return f"{request.method}\n{request.path}\n{stamp}\n{digest}\n{url}{request.path}".encode()


@contextmanager
def checking_receiver() -> Iterator[Receiver]:
    """Run a receiver that takes requests whose signature is right and whose time is now."""
    with running_receiver() as receiver:

        def answer(request: Received) -> Answer:
            made = hmac.new(KEY.encode(), signature_of(request, receiver.url), "sha512").hexdigest()
            right = hmac.compare_digest(request.headers.get("X-Hub-Signature", ""), f"v1={made};id=promo")
            now = abs(int(request.headers.get("X-Time", "0")) / 1000 - time.time()) < 60
            return Answer(status=200 if right and now and request.headers.get("X-Client") == "promo" else 401)

        receiver.answer = answer
        yield receiver


def signed(url: str, **extras: object) -> str:
    extra = {
        **LOCAL,
        "auth": "hmac",
        "key_name": "X-Client",
        "hmac_header": "X-Hub-Signature",
        "hmac_algorithm": "sha512",
        "hmac_signs": r"{method}\n{target}\n{timestamp}\n{body_sha256}\n{url}",
        "hmac_value": "v1={signature};id={key_id}",
        "hmac_timestamp": "ms",
        "hmac_timestamp_header": "X-Time",
        **extras,
    }
    told = {"conn_type": "promo_http", "host": f"{url}/base", "login": "promo", "password": KEY, "extra": extra}
    return json.dumps(told)


def test_a_signature_is_over_the_request_as_it_arrives() -> None:
    with checking_receiver() as receiver:
        ((told,),) = calls(signed(receiver.url), 1, path="/codes/é?x={body}&y=%7Bbody%7D")
        assert told.outcome is Outcome.OK
        for wrong in ({"hmac_algorithm": "sha256"}, {"hmac_signs": "{timestamp}.{body}"}, {"hmac_encoding": "base64"}):
            ((told,),) = calls(signed(receiver.url, **wrong), 1)
            assert (told.status, told.locked_out) == (401, True)


def test_each_auth_signs_webhooks_and_the_button_test_as_well(
    server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DataSource(
        name="gateway", method="POST", connection="api", path="/send", headers={}, body="{}", format="json"
    )
    message = OutgoingMessage(
        contact_id=1, channel="sms", locator="1", title="", body="Code: WELC-1", idempotency_key="k", options={}
    )

    async def send(connection: str) -> list[Outcome]:
        settings = TransportSettings(connection=parse_connection("api", connection), webhook=source)
        async with WebhookTransport(settings) as transport:
            return [result.outcome for result in await transport.send([message], deadline=time.monotonic() + 10)]

    with checking_receiver() as receiver:
        for connection in (oauth(server), signed(receiver.url)):
            assert asyncio.run(send(connection)) == [Outcome.OK]
            monkeypatch.setenv("AIRFLOW_CONN_API", connection)
            assert DataSourceHook("api").test_connection() == (True, "the receiver answers: HTTP 200")
    wrong = json.loads(oauth(server)) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_API", json.dumps(wrong))
    told, words = DataSourceHook("api").test_connection()
    assert not told
    assert words.startswith("no access token (HTTP 401); look at login (client id)")


def test_the_command_makes_a_signed_request_and_hides_what_signed_it(
    server: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data_sources").mkdir()
    (tmp_path / "data_sources/s.yaml").write_text("connection: api\npath: /x\nbody: '{}'\n", encoding="utf-8")
    (tmp_path / "body.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_API", oauth(server))
    words = ["data-source", "test", "s", "--include", str(tmp_path), "--body", str(tmp_path / "body.json"), "--send"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "Authorization: ***" in shown
    assert '{"seen": "Bearer ***"}' in shown


def test_what_signs_is_never_shown(server: TokenServer) -> None:
    for connection, names in ((oauth(server), {"Authorization"}), (signed("http://h"), {"X-Hub-Signature", "X-Time"})):
        endpoint = parse_endpoint(parse_connection("api", connection))
        shown = show_call(endpoint, Call(method="GET", path="/"))
        assert {shown.headers[name] for name in names} == {"***"}
        assert "canary" not in repr(endpoint) + repr(shown) + repr(shown.headers)
        assert {SECRET, KEY} & set(endpoint.secrets)


@pytest.mark.parametrize(
    ("extras", "problem"),
    [
        ({"auth": "oauth2"}, "needs the extra token_url"),
        ({"auth": "oauth2", "token_url": "/token"}, "needs the extra token_url"),
        ({"auth": "oauth2", "token_url": "http://t.example/t"}, "uses http, which anyone on the way can read"),
        ({"auth": "oauth2", "token_url": "https://t.example/t", "client_auth": "jwt"}, "client_auth that is not basic"),
        ({"auth": "oauth2", "token_url": "https://t.example/t", "client_auth": "tls"}, "which needs a cert_file"),
        ({"auth": "bearer", "scope": "x"}, "has the extra scope, which only the auth oauth2 reads"),
        ({"auth": "basic", "hmac_header": "X-S"}, "has the extra hmac_header, which only the auth hmac reads"),
        ({"auth": "hmac", "hmac_signs": "{secret}"}, r"extra hmac_signs with \{secret\}; there are method, path"),
        ({"auth": "hmac", "hmac_value": "x"}, r"has an extra hmac_value without \{signature\}"),
        ({"auth": "hmac", "hmac_header": "Host"}, "has an extra hmac_header that is no name"),
        ({"auth": "hmac", "hmac_algorithm": "md5"}, "has an extra hmac_algorithm that is not sha256"),
        ({"auth": "hmac", "headers": {"x-signature": "1"}}, "has a header x-signature, which the auth hmac sends"),
    ],
)
def test_a_wrong_setting_of_a_signature_is_named(extras: dict[str, Any], problem: str) -> None:
    told = {"conn_type": "promo_http", "host": "api.example", "login": "promo", "password": "canary", "extra": extras}
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_endpoint(parse_connection("api", json.dumps(told)))
    assert "canary" not in str(caught.value)


def test_the_examples_of_the_page_run(server: TokenServer) -> None:
    """The connections of docs/connections.md, with nothing but the places and secrets of this test put in."""
    page = (Path(__file__).parents[2] / "docs" / "connections.md").read_text(encoding="utf-8")
    by_token, by_key = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)[2:4])
    by_token |= {"host": server.receiver.url, "login": CLIENT, "password": SECRET}
    by_token["extra"] |= {**LOCAL, "token_url": f"{server.receiver.url}/oauth/token"}
    assert calls(json.dumps(by_token), 1)[0][0].outcome is Outcome.OK

    def answer(request: Received) -> Answer:
        stamp, _, made = request.headers["X-Signature"].removeprefix("t=").partition(",v1=")
        right = hmac.new(KEY.encode(), stamp.encode() + b"." + request.body, "sha256").hexdigest()
        return Answer(status=200 if (made, request.headers["X-Client"]) == (right, "promo") else 401)

    with running_receiver() as receiver:
        receiver.answer = answer
        by_key |= {"host": receiver.url, "password": KEY}
        by_key["extra"] |= LOCAL
        assert calls(json.dumps(by_key), 1)[0][0].outcome is Outcome.OK
