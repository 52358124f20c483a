"""Connections to mail servers: Airflow's own type, XOAUTH2, TLS told from STARTTLS; each server refuses the rest."""

from __future__ import annotations

import asyncio
import json
import math
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import trustme
from aiosmtpd.smtp import MISSING, SMTP, AuthResult

from contract.stages import MailServer, running_mail_server, server_tls
from promo_campaigns.connections.parsing import parse_connection
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.mail_server import read_mail_server
from promo_campaigns.delivery.transports.smtp import SmtpTransport
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.connections.settings import ConnectionSettings
    from receiver import Received, Receiver

MAILBOX, CLIENT, SECRET = "news@shop.example", "client", "canary-secret"
PAGE = Path(__file__).parents[2] / "docs" / "connections.md"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return the authority that the connections of these tests trust."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the file with its certificate; tokens are kept beside it."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return str(tmp_path / "ca.pem")


class TokenMailServer(MailServer):
    """Takes mail from whoever shows one of its tokens for the mailbox, by XOAUTH2 alone."""

    def __init__(self) -> None:
        super().__init__()
        self.good: set[str] = set()
        self.logins = 0

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  (aiosmtpd's)
        self.logins += 1
        if b64decode(args[1]).decode() in {f"user={MAILBOX}\x01auth=Bearer {token}\x01\x01" for token in self.good}:
            return AuthResult(success=True)
        if await server.challenge_auth('{"status":"401"}') is MISSING:
            return AuthResult(success=False)
        return AuthResult(success=False, handled=False)


class TokenGiver:
    """Gives tokens to the client, which a mail server takes until the next one is given."""

    def __init__(self, receiver: Receiver, server: TokenMailServer) -> None:
        self.url = f"{receiver.url}/token"
        self.asked: list[dict[str, list[str]]] = []
        self._server = server
        receiver.answer = self._answer

    def _answer(self, request: Received) -> Answer:
        form = parse_qs(request.body.decode())
        self.asked.append(form)
        if (form.get("client_id"), form.get("client_secret")) != ([CLIENT], [SECRET]):
            return Answer(status=401)
        token = f"token-{len(self.asked)}"
        self._server.good = {token}
        return Answer(body=json.dumps({"access_token": token, "expires_in": 3600}).encode())


def mails(count: int) -> list[OutgoingMessage]:
    return [
        OutgoingMessage(
            contact_id=number,
            channel="email",
            locator=f"ok-{number}@mail.example",
            title="Your code",
            body="Code: WELC-1",
            idempotency_key=f"00000000-0000-4000-8000-{number:012}",
        )
        for number in range(1, count + 1)
    ]


def send(connection: ConnectionSettings, *rounds: int) -> list[Sequence[DeliveryResult]]:
    async def opened() -> list[Sequence[DeliveryResult]]:
        async with SmtpTransport(TransportSettings(connection=connection)) as transport:
            return [await transport.send(mails(count), deadline=math.inf) for count in rounds]

    return asyncio.run(opened())


def smtp(port: int, **extra: Any) -> ConnectionSettings:  # noqa: ANN401  (any extra)
    told = {"conn_type": "smtp", "host": "localhost", "port": port, "login": MAILBOX, "extra": extra}
    return parse_connection("mail", json.dumps(told))


def example(port: int, ca_file: str, giver: TokenGiver, **extra: Any) -> ConnectionSettings:  # noqa: ANN401  (any extra)
    """Return the last connection of docs/connections.md; places and secrets of this test alone are put in."""
    told = json.loads(re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[-1])
    here = {"ca_file": ca_file, "token_url": giver.url, "allow_private": True, "allow_insecure": True}
    secrets = {"client_id": CLIENT, "client_secret": SECRET, "timeout": 5, "security": "starttls"}
    place = {"host": "localhost", "port": port}
    return parse_connection(
        "mail", json.dumps({**told, **place, "extra": {**told["extra"], **here, **secrets, **extra}})
    )


def test_a_server_that_takes_xoauth2_alone_gets_the_mails_of_the_page_s_connection(
    authority: trustme.CA, ca_file: str, receiver: Receiver
) -> None:
    server = TokenMailServer()
    giver, tls = TokenGiver(receiver, server), server_tls(authority, "localhost")
    settings: dict[str, Any] = {"tls_context": tls, "require_starttls": True, "auth_required": True}
    settings["auth_exclude_mechanism"] = ["LOGIN", "PLAIN"]
    with running_mail_server(server, **settings) as port:
        ((first, *_),) = send(example(port, ca_file, giver), 6)
        assert first.outcome is Outcome.OK, first
        assert (len(server.mails), len(giver.asked)) == (6, 1)
        assert giver.asked[0]["grant_type"] == ["client_credentials"]
        arrived = server.mails[0][1]
        assert (arrived["From"], arrived["Reply-To"]) == ("Shop <news@shop.example>", "help@shop.example")
        send(example(port, ca_file, giver), 1)  # as another task would
        assert len(giver.asked) == 1
        server.good = set()
        ((refused,), (again,)) = send(example(port, ca_file, giver), 1, 1)
        assert (refused.outcome, refused.locked_out) == (Outcome.LATER, False)
        assert "the access token has ended" in refused.detail
        assert (again.outcome, len(giver.asked)) == (Outcome.OK, 2)
        logins = server.logins
        ((none,),) = send(example(port, ca_file, giver, client_secret="wrong"), 1)
        assert (none.outcome, none.locked_out, none.called) == (Outcome.LATER, True, False)
        ((wrong,),) = send(smtp(port, **{"from": MAILBOX}, ca_file=ca_file, auth_type="oauth2", access_token="x"), 1)
        assert (wrong.outcome, wrong.locked_out, wrong.detail) == (
            Outcome.LATER,
            True,
            "SMTP 535: authentication refused",
        )
        assert server.logins == logins + 1


@pytest.mark.parametrize(
    ("port", "extra", "security"),
    [
        (None, {}, "starttls"),
        (465, {}, "tls"),
        (587, {"disable_ssl": False, "disable_tls": False}, "starttls"),  # as the provider's form leaves them
        (465, {"disable_ssl": False, "disable_tls": False}, "tls"),
        (None, {"disable_ssl": False, "disable_tls": False}, "tls"),
        (2525, {"disable_ssl": True}, "starttls"),
        (2525, {"disable_tls": True}, "tls"),
        (1025, {"disable_ssl": True, "disable_tls": True, "allow_insecure": True}, "none"),
    ],
)
def test_tls_is_told_from_starttls(port: int | None, extra: dict[str, object], security: str) -> None:
    form = {"from_email": MAILBOX, "timeout": 30, "retry_limit": 5, "auth_type": "basic", "ssl_context": "default"}
    server = read_mail_server(replace(smtp(1, **form, **extra), port=port))
    ports = {"tls": 465, "starttls": 587, "none": 25}
    assert (server.security, server.port, server.timeout_s) == (security, port or ports[security], 30)


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"from": MAILBOX, "from_email": MAILBOX}, "has the extras from and from_email, which are one"),
        ({}, "needs the extra from, such as Shop"),
        ({"from": MAILBOX, "reply_to": "a@b.example, c@d.example"}, "needs the extra reply_to.*several addresses"),
        ({"from": MAILBOX, "disable_ssl": True, "disable_tls": True}, "has the security none.*set allow_insecure"),
        ({"from": MAILBOX, "security": "tls", "disable_ssl": True}, "leave security or both of them out"),
        ({"from": MAILBOX, "ssl_context": "none"}, "does not verify certificates"),
        ({"from": MAILBOX, "auth_type": "ntlm"}, "extra auth_type that is not basic or oauth2"),
        ({"from": MAILBOX, "access_token": "canary"}, "has the extra access_token, which only the auth_type oauth2"),
        ({"from": MAILBOX, "auth_type": "oauth2"}, "needs client_id and client_secret, or an access_token"),
        ({"from": MAILBOX, "timeout": 60}, "extra timeout that is not between 0.1 and 50"),
    ],
)
def test_what_cannot_be_honoured_of_a_mail_connection_is_refused(extra: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        read_mail_server(smtp(587, **extra))
    assert "canary" not in str(caught.value)


def test_a_server_that_speaks_tls_from_the_first_byte_gets_mail_from_airflow_s_connection(
    authority: trustme.CA, ca_file: str
) -> None:
    server = MailServer()
    extra = {"from_email": MAILBOX, "disable_tls": True, "ca_file": ca_file, "timeout": 5}
    with running_mail_server(server, ssl_context=server_tls(authority, "localhost")) as port:
        ((result,),) = send(replace(smtp(port, **extra), login=""), 1)
        assert (result.outcome, len(server.mails)) == (Outcome.OK, 1)
        ((wrong,),) = send(replace(smtp(port, **{**extra, "ca_file": ""}), login=""), 1)
        assert (wrong.outcome, wrong.locked_out) == (Outcome.LATER, True)
