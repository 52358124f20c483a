"""A stage for each transport: the real transport, and a real receiver that does what the locator of a message asks for.

A locator begins with ``ok``, ``refuse``, ``later`` or ``unknown``. Receivers repeat in their answers what they were
sent, so that a transport which passes an answer on gives itself away.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from line_transport import LINE_TRANSPORT
from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.delivery.transports.base import BaseTransport, TransportSettings
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.delivery.transports.registry import load_transport
from promo_campaigns.http.rate_limit_port import UNLIMITED
from promo_campaigns.model.outcome import OutgoingMessage
from promo_campaigns.model.run_key import read_message_id
from promo_campaigns.model.run_spec import DataSource
from promo_campaigns.postgres.connection import connect
from receiver import Answer, running_receiver

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

    from promo_campaigns.http.rate_limit_port import RateLimiter
    from receiver import Received, Receiver

SECRET = "s3cret-of-the-receiver"
LOCAL = {"allow_insecure": True, "allow_private": True, "timeout_s": 5}


@dataclass(kw_only=True)
class Stage:
    """One transport and its receiver.

    :ivar channel: of its messages
    :ivar options: of its messages
    :ivar calls: the locators of each call that arrived, also of those that were not taken
    :ivar keys: the idempotency keys that arrived
    :ivar passing: whether it can be put off by a receiver
    :ivar failing: whether the receiver can refuse one and leave one unknown
    :ivar receiver: the HTTP receiver, if it is one
    """

    kind: type[BaseTransport]
    settings: TransportSettings
    channel: str = "mobilepush"
    domain: str = ""
    options: dict[str, str] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    passing: bool = True
    failing: bool = True
    arrived: Callable[[], list[str]] | None = None
    receiver: Receiver | None = None

    def transport(self, *, limiter: RateLimiter = UNLIMITED, **extras: object) -> BaseTransport:
        """Build the transport, with some more extras in its connection."""
        connection = self.settings.connection
        if connection is not None:
            connection = replace(connection, extras={**connection.extras, **extras})
        return self.kind(replace(self.settings, connection=connection, limiter=limiter))

    def message(self, contact_id: int, does: str = "ok", **parts: Any) -> OutgoingMessage:  # noqa: ANN401  (parts of a message)
        """Make a message of which the receiver will do this."""
        given: dict[str, Any] = {
            "contact_id": contact_id,
            "channel": self.channel,
            "locator": f"{does}-{contact_id}-locator{self.domain}",
            "title": f"Title {contact_id}",
            "body": f"Code: CANARY-{contact_id}",
            "idempotency_key": f"00000000-0000-4000-8000-{contact_id:012}",
            "options": self.options,
        }
        return OutgoingMessage(**{**given, **parts})

    def taken(self) -> list[str]:
        """Return the locators that arrived, taken or not."""
        return self.arrived() if self.arrived else [locator for call in self.calls for locator in call]


def connection(receiver: Receiver, **extras: object) -> ConnectionSettings:
    return ConnectionSettings(
        name="connection receiver",
        host="127.0.0.1",
        port=receiver.port,
        password=SECRET,
        extras={**LOCAL, **extras},
    )


def answer_of(does: str, request: Received, body: object) -> Answer:
    """Answer as a locator asks for; what is not taken is repeated."""
    echo = request.body + json.dumps(dict(request.headers)).encode()
    return {
        "ok": Answer(body=json.dumps(body).encode()),
        "refuse": Answer(status=400, body=echo),
        "later": Answer(status=429, headers={"Retry-After": "7"}, body=echo),
        "unknown": Answer(status=503, body=echo),
    }[does]


def does_of(locator: str) -> str:
    return locator.partition("-")[0]


@contextmanager
def inbox_stage(dsn: str) -> Iterator[Stage]:
    def arrived() -> list[str]:
        with connect(dsn) as store:
            return [row["locator"] for row in read_inbox(store, limit=10_000)]

    kind = load_transport("inbox")
    yield Stage(kind=kind, settings=TransportSettings(dsn=dsn), passing=False, failing=False, arrived=arrived)


@contextmanager
def webhook_stage() -> Iterator[Stage]:
    with running_receiver() as receiver:
        source = DataSource(
            name="gateway",
            method="POST",
            connection="receiver",
            path="/send",
            headers={"X-Title": "$title"},
            body='{"to": "$locator", "text": "$body", "kind": "$!options.get(\'kind\')"}',
            format="json",
            key_window_s=3600,
        )
        settings = TransportSettings(connection=connection(receiver, auth="bearer"), webhook=source)
        stage = Stage(kind=load_transport("webhook"), settings=settings, channel="sms", options={"kind": "promo"})

        def answer(request: Received) -> Answer:
            stage.calls.append([request.json["to"]])
            stage.keys.append(request.headers["Idempotency-Key"])
            return answer_of(does_of(request.json["to"]), request, {"id": 1})

        receiver.answer, stage.receiver = answer, receiver
        yield stage


@contextmanager
def readme_stage() -> Iterator[Stage]:
    """Give the transport of docs/how-to/own-transport.md a stage, as a package of its own would be loaded."""
    module = ModuleType("readme_line_transport")
    sys.modules[module.__name__] = module
    exec(compile(LINE_TRANSPORT, "own-transport.md", "exec"), module.__dict__)  # noqa: S102  (the text under test)
    with running_receiver() as receiver:
        settings = TransportSettings(connection=connection(receiver, auth="bearer"))
        stage = Stage(kind=module.LineTransport, settings=settings, channel="line")

        def answer(request: Received) -> Answer:
            assert request.headers["Authorization"] == f"Bearer {SECRET}"
            stage.calls.append([request.json["to"]])
            stage.keys.append(request.headers["X-Line-Retry-Key"])
            return answer_of(does_of(request.json["to"]), request, {"sentMessages": []})

        receiver.answer, stage.receiver = answer, receiver
        yield stage


FCM_ERRORS = {
    "refuse": (404, "UNREGISTERED"),
    "later": (429, "QUOTA_EXCEEDED"),
    "unknown": (503, "UNAVAILABLE"),
}


@cache
def private_key() -> str:
    """Return a new private key, which takes a while to make."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


def key_file(token_uri: str) -> str:
    """Return the key file of a service account."""
    account = {
        "type": "service_account",
        "project_id": "promo-project",
        "private_key_id": "1",
        "private_key": private_key(),
        "client_email": "sender@promo-project.example",
        "token_uri": token_uri,
    }
    return json.dumps(account)


def fcm_error(status: int, code: str) -> Answer:
    """Answer with an error in the form of Google's."""
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return Answer(status=status, body=json.dumps({"error": {"code": status, "details": details}}).encode())


@contextmanager
def fcm_stage() -> Iterator[Stage]:
    with running_receiver() as receiver:
        account = replace(connection(receiver), password=key_file(f"{receiver.url}/token"))
        stage = Stage(kind=load_transport("fcm"), settings=TransportSettings(connection=account))

        def answer(request: Received) -> Answer:
            if request.path == "/token":
                return Answer(body=json.dumps({"access_token": SECRET, "expires_in": 3600}).encode())
            assert request.path == "/v1/projects/promo-project/messages:send"
            assert request.headers["Authorization"] == f"Bearer {SECRET}"
            token = request.json["message"]["token"]
            stage.calls.append([token])
            does = does_of(token)
            return Answer(body=b'{"name": "m/1"}') if does == "ok" else fcm_error(*FCM_ERRORS[does])

        receiver.answer, stage.receiver = answer, receiver
        yield stage


@contextmanager
def reteno_stage() -> Iterator[Stage]:
    with running_receiver() as receiver:
        settings = TransportSettings(connection=connection(receiver, recipients=4))
        stage = Stage(kind=load_transport("reteno"), settings=settings, channel="sms", options={"template": "1853402"})
        requests: set[str] = set()

        def answer(request: Received) -> Answer:
            if request.method == "GET":
                asked = request.path.partition("=")[2]
                found = [{"externalRequestId": asked, "activityStatus": "DELIVERED"}] if asked in requests else []
                return Answer(body=json.dumps(found).encode())
            assert request.path == "/api/v1/message/1853402/smartsend"
            locators = [recipient["locator"] for recipient in request.json["recipients"]]
            stage.calls.append(locators)
            stage.keys.append(request.json["externalRequestId"])
            if any(does_of(locator) == "later" for locator in locators):
                return answer_of("later", request, {})
            requests.add(request.json["externalRequestId"])
            return Answer(body=json.dumps({"id": "0", "results": results_of(locators)}).encode())

        receiver.answer, stage.receiver = answer, receiver
        yield stage


def results_of(locators: list[str]) -> Any:  # noqa: ANN401  (a list, or the one itself)
    """Return results as the vendor does: in any order, one alone without its list, nothing for an unknown outcome."""
    said = [
        {"id": "0", "locator": locator, "status": "OK" if does_of(locator) == "ok" else "ERROR", "message": locator}
        for locator in reversed(locators)
        if does_of(locator) != "unknown"
    ]
    return said[0] if len(said) == 1 else said


class MailServer:
    """What a mail server says, by the recipient's address.

    :ivar speaks: what runs each of its connections
    """

    speaks: type[SMTP] = SMTP

    def __init__(self) -> None:
        self.stage: Stage | None = None
        self.mails: list[Any] = []

    async def handle_RCPT(  # noqa: N802  (the name and the arguments are aiosmtpd's)
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        if self.stage is not None:
            self.stage.calls.append([address])
        replies = {"refuse": f"550 5.1.1 <{address}> is unknown", "later": f"451 4.7.1 <{address}> come again"}
        if does_of(address) in replies:
            return replies[does_of(address)]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        mail = BytesParser(policy=SMTP_POLICY).parsebytes(envelope.original_content or b"")
        self.mails.append((list(envelope.rcpt_tos), mail))
        if self.stage is not None:
            key, _ = read_message_id(str(mail["Message-ID"])) or ("", 0)
            self.stage.keys.append(key)
        if does_of(envelope.rcpt_tos[0]) == "unknown":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def may_log_in(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401  (aiosmtpd's)
    return AuthResult(success=data.password == SECRET.encode(), handled=False)


class MailController(Controller):
    """A mail server that closes the connections that are still open when it stops."""

    def __init__(self, handler: MailServer, **settings: Any) -> None:  # noqa: ANN401  (aiosmtpd's settings)
        super().__init__(handler, **settings)
        self._sessions: list[SMTP] = []

    def factory(self) -> SMTP:
        """Keep who is there."""
        session: SMTP = self.handler.speaks(self.handler, **self.SMTP_kwargs)
        self._sessions.append(session)
        return session

    def close_connections(self) -> None:
        """Close every connection."""
        asyncio.run_coroutine_threadsafe(self._abort_all(), self.loop).result(10)

    async def _abort_all(self) -> None:
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        await asyncio.sleep(0)


@contextmanager
def running_mail_server(handler: MailServer, **settings: Any) -> Iterator[int]:  # noqa: ANN401  (aiosmtpd's settings)
    """Run a mail server until the block ends, and give its port."""
    port = free_port()
    controller = MailController(handler, hostname="localhost", port=port, server_hostname="localhost", **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.close_connections()
        controller.stop()


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return what a server with a certificate of this authority shows."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def mail_connection(port: int, ca_file: Path | str, **extras: object) -> ConnectionSettings:
    return ConnectionSettings(
        name="connection mail",
        host="localhost",
        port=port,
        login="promo",
        password=SECRET,
        extras={"from": "Shop <news@shop.example>", "ca_file": str(ca_file), "timeout_s": 5, **extras},
    )


@contextmanager
def smtp_stage(folder: Path) -> Iterator[Stage]:
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    handler = MailServer()
    tls = server_tls(authority, "localhost")
    with running_mail_server(
        handler, tls_context=tls, require_starttls=True, authenticator=may_log_in, auth_required=True
    ) as port:
        settings = TransportSettings(connection=mail_connection(port, ca_file))
        stage = Stage(
            kind=load_transport("smtp"),
            settings=settings,
            channel="email",
            domain="@mail.example",
            options={"unsubscribe": "https://shop.example/u"},
        )
        handler.stage = stage
        yield stage
