"""Mail: what arrives, which certificates are believed, and what each reply of a server proves."""

from __future__ import annotations

import asyncio
import math
import warnings
from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import SMTP as SMTP_POLICY
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP
from hypothesis import example, given
from hypothesis import strategies as st

from contract.stages import MailServer, mail_connection, may_log_in, running_mail_server, server_tls
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.mail import NotMailableError, make_envelope, parse_address
from promo_campaigns.delivery.transports.smtp import SmtpTransport
from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.model.errors import CannotCarryError, ConfigurationError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
from promo_campaigns.model.run_spec import Message
from promo_campaigns.velocity import compile_template
from promo_campaigns.velocity.tools.barcodes import draw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

    from promo_campaigns.connections.settings import ConnectionSettings

KEY = "00000000-0000-4000-8000-000000000001"
SENDER = Address("Shop", "news", "shop.example")


def mail(contact_id: int = 1, **parts: Any) -> OutgoingMessage:  # noqa: ANN401  (parts of a message)
    given_parts: dict[str, Any] = {
        "contact_id": contact_id,
        "channel": "email",
        "locator": f"ok-{contact_id}@mail.example",
        "title": "Your code",
        "body": "Code: WELC-1",
        "idempotency_key": KEY,
    }
    return OutgoingMessage(**{**given_parts, **parts})


def send(connection: ConnectionSettings, *messages: OutgoingMessage) -> Sequence[DeliveryResult]:
    async def opened() -> Sequence[DeliveryResult]:
        async with SmtpTransport(TransportSettings(connection=connection)) as transport:
            return await transport.send(messages, deadline=math.inf)

    return asyncio.run(opened())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return the authority that the connections of these tests trust."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return the file with its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def plain(port: int, ca_file: Path, **extras: object) -> ConnectionSettings:
    """Return a connection to a server without TLS and login."""
    insecure = {"security": "none", "allow_insecure": True, **extras}
    return replace(mail_connection(port, ca_file, **insecure), login="", password="")


def test_a_mail_has_both_texts_one_recipient_and_the_headers_of_a_campaign(ca_file: Path) -> None:
    server = MailServer()
    options = {"unsubscribe": "https://shop.example/u?c=1", "one_click": "true"}
    body, html = "Знижка: WELC-1\n.\n!", "<p>WELC-1 &amp; ok</p>"
    message = mail(title="Знижка, für dich", body=body, html=html, options=options)
    with running_mail_server(server) as port:
        (result,) = send(plain(port, ca_file), message)
    assert result.outcome is Outcome.OK
    ((recipients, arrived),) = server.mails
    assert recipients == ["ok-1@mail.example"]
    assert arrived["Subject"] == "Знижка, für dich"
    assert arrived["From"] == "Shop <news@shop.example>"
    assert arrived["To"] == "ok-1@mail.example"
    assert arrived["Message-ID"] == f"<{KEY}.1@shop.example>"
    assert arrived["List-Unsubscribe"] == "<https://shop.example/u?c=1>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert arrived.get_body(("plain",)).get_content().replace("\r\n", "\n") == f"{body}\n"
    assert arrived.get_body(("html",)).get_content().strip() == html


def test_a_picture_that_the_html_holds_is_a_part_of_the_mail() -> None:
    """Few programs show a ``data:`` URI; all show a part that the HTML names."""
    template = compile_template("<img src=\"$barcode.qr($code)\"><img src='$barcode.qr($code)'>", mode="html")
    html = template.render({"code": "SPRING-1"}) + '<img src="data:image/png;base64,AAA">'
    made = message_from_bytes(make_envelope(mail(html=html), SENDER).content, policy=SMTP_POLICY)
    assert [part.get_content_type() for part in made.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    part = list(made.walk())[-1]
    name = part["Content-ID"].strip("<>")
    text = list(made.walk())[3].get_content().replace("\r\n", "\n").strip()
    assert text == f'<img src="cid:{name}"><img src=\'cid:{name}\'><img src="data:image/png;base64,AAA">'
    assert name.endswith("@shop.example")
    assert part.get_content_disposition() == "inline"
    assert part.get_content() == draw("qr", "SPRING-1")
    assert max(map(len, make_envelope(mail(html=html), SENDER).content.splitlines())) <= 998


def test_a_connection_carries_many_mails(ca_file: Path) -> None:
    class Counting(MailServer):
        peers: set[object]

        async def handle_MAIL(  # noqa: N802  (aiosmtpd's)
            self,
            server: SMTP,  # noqa: ARG002
            session: Session,
            envelope: Envelope,
            address: str,
            mail_options: list[str],  # noqa: ARG002
        ) -> str:
            self.peers.add(session.peer)
            envelope.mail_from = address
            return "250 OK"

    server = Counting()
    server.peers = set()
    with running_mail_server(server) as port:
        results = send(plain(port, ca_file, concurrency=2), *[mail(number) for number in range(1, 41)])
    assert {result.outcome for result in results} == {Outcome.OK}
    assert len(server.mails) == 40
    assert len(server.peers) <= 2


class Replying(MailServer):
    """Says one thing at one step."""

    def __init__(self, step: str, reply: str) -> None:
        super().__init__()
        self._replies = {step: reply}
        self.attempts = 0

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's)
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        mail_options: list[str],  # noqa: ARG002
    ) -> str:
        self.attempts += 1
        envelope.mail_from = address
        return self._reply("mail", server)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's)
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._reply("rcpt", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        return self._reply("data", server)

    def _reply(self, step: str, server: SMTP) -> str:
        reply = self._replies.get(step, "250 OK")
        if reply == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK" if reply == "drop" else reply


class EndsAtData(SMTP):
    """Ends the connection in place of a reply to DATA."""

    async def smtp_DATA(self, _: str) -> None:  # noqa: N802  (aiosmtpd's)
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()


class EndingAtData(Replying):
    """A server that goes away when a mail is offered."""

    speaks = EndsAtData


def test_a_mail_that_was_offered_and_not_sent_is_no_unknown_send(ca_file: Path) -> None:
    server = EndingAtData("none", "")
    with running_mail_server(server) as port:
        (result,) = send(plain(port, ca_file), mail())
    assert result.outcome is Outcome.LATER
    assert result.detail.startswith("the connection broke before the mail was sent")
    assert server.attempts == 1


def test_a_line_that_begins_with_dots_arrives_as_it_was(ca_file: Path) -> None:
    body = ".hidden\n..\n.\nCode: WELC-1\n."
    server = MailServer()
    with running_mail_server(server) as port:
        results = send(plain(port, ca_file, concurrency=1), mail(1, body=body), mail(2, body="short"))
    assert [result.outcome for result in results] == [Outcome.OK, Outcome.OK]
    assert [sent.get_content().splitlines() for _, sent in server.mails] == [body.splitlines(), ["short"]]


class Closing(MailServer):
    """Takes one mail a connection: it closes after it, or says so to the next."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how = how
        self.begun = 0

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],  # noqa: ARG002
    ) -> str:
        self.begun += 1
        if getattr(session, "has_had_its_mail", False):
            if self._how == "reset":
                assert isinstance(server.transport, asyncio.Transport)
                server.transport.abort()
            return "421 one mail a connection"
        session.has_had_its_mail = True  # type: ignore[attr-defined]  # aiosmtpd's sessions take anything
        envelope.mail_from = address
        return "250 OK"


@pytest.mark.parametrize("how", ["421", "reset"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_takes_one_mail_a_connection_gets_each_mail_once(
    ca_file: Path, how: str, concurrency: int
) -> None:
    """A connection that ended before a mail was handed over has none of it: the mail goes over a new one at once."""
    server = Closing(how)
    with running_mail_server(server) as port:
        results = send(plain(port, ca_file, concurrency=concurrency), *[mail(number) for number in range(1, 41)])
    assert {result.outcome for result in results} == {Outcome.OK}
    assert len(server.mails) == len({str(recipients) for recipients, _ in server.mails}) == 40
    assert server.begun > 40


@pytest.mark.parametrize(
    ("step", "reply", "outcome", "locked_out"),
    [
        ("mail", "451 try again", Outcome.LATER, False),
        ("mail", "550 not you", Outcome.LATER, True),
        ("mail", "552 too large", Outcome.REFUSED, False),
        ("mail", "530 log in first", Outcome.LATER, True),
        ("mail", "drop", Outcome.LATER, False),
        ("rcpt", "450 busy", Outcome.LATER, False),
        ("rcpt", "421 closing", Outcome.LATER, False),
        ("rcpt", "550 unknown", Outcome.REFUSED, False),
        ("rcpt", "drop", Outcome.LATER, False),
        ("data", "452 disk full", Outcome.LATER, False),
        ("data", "554 looks like spam", Outcome.REFUSED, False),
        ("data", "drop", Outcome.UNKNOWN, False),
        ("data", "399 what", Outcome.UNKNOWN, False),
    ],
)
def test_a_reply_proves_what_it_says_and_nothing_is_tried_again(
    ca_file: Path,
    step: str,
    reply: str,
    outcome: Outcome,
    locked_out: bool,  # noqa: FBT001  (the expected value)
) -> None:
    server = Replying(step, reply)
    with running_mail_server(server) as port:
        (result,) = send(plain(port, ca_file), mail())
    assert (result.outcome, result.locked_out) == (outcome, locked_out)
    assert server.attempts == 1
    assert "mail.example" not in result.detail


def test_a_connection_that_was_refused_on_is_used_for_the_next_mail(ca_file: Path) -> None:
    server = MailServer()
    with running_mail_server(server) as port:
        results = send(plain(port, ca_file, concurrency=1), mail(1, locator="refuse-1@mail.example"), mail(2))
    assert [result.outcome for result in results] == [Outcome.REFUSED, Outcome.OK]
    closes = results[0].closes
    assert closes
    assert (closes.contact_id, closes.type, closes.value) == (1, "email", "refuse-1@mail.example")
    assert (closes.reason, closes.by) == (ClosedFor.BOUNCED, "smtp: SMTP 550 to the recipient (5.1.1)")
    assert results[1].closes is None


@pytest.mark.parametrize(
    ("step", "reply", "is_dead"),
    [
        ("rcpt", "550 5.1.1 no such user", True),
        ("rcpt", "553 5.1.3 no address", True),
        ("data", "550 5.1.1 no such user", True),
        ("mail", "552 5.1.1 you are nobody", False),
        ("rcpt", "450 5.1.1 perhaps later", False),
        ("rcpt", "550 5.7.1 no mail from you", False),
        ("rcpt", "552 5.2.2 mailbox full", False),
        ("rcpt", "550 User unknown", False),
    ],
)
def test_only_a_reply_that_the_recipient_is_dead_closes_the_channel(
    ca_file: Path,
    step: str,
    reply: str,
    is_dead: bool,  # noqa: FBT001  (the expected value)
) -> None:
    with running_mail_server(Replying(step, reply)) as port:
        (result,) = send(plain(port, ca_file), mail())
    assert (result.closes is not None) is is_dead


def test_tls_from_the_first_byte_is_spoken_to_a_server_that_does(authority: trustme.CA, ca_file: Path) -> None:
    with running_mail_server(MailServer(), ssl_context=server_tls(authority, "localhost")) as port:
        connection = replace(mail_connection(port, ca_file, security="tls"), login="", password="")
        (result,) = send(connection, mail())
    assert result.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("security", "why"),
    [
        *[(security, why) for security in ("tls", "starttls") for why in ("unknown authority", "wrong host", "no TLS")],
        ("starttls", "TLS 1.1"),  # the test's own server cannot greet itself over it
    ],
)
def test_no_mail_goes_over_a_connection_that_cannot_be_trusted(
    authority: trustme.CA, ca_file: Path, security: str, why: str
) -> None:
    import ssl

    issuer = trustme.CA() if why == "unknown authority" else authority
    context = server_tls(issuer, "elsewhere.example" if why == "wrong host" else "localhost")
    if why == "TLS 1.1":
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    settings = {"tls_context": context} if security == "starttls" else {"ssl_context": context}
    server = MailServer()
    with running_mail_server(server, **({} if why == "no TLS" else settings)) as port:
        connection = replace(mail_connection(port, ca_file, security=security, timeout_s=2), login="", password="")
        (result,) = send(connection, mail())
    assert (result.outcome, server.mails) == (Outcome.LATER, [])


def test_a_wrong_password_locks_out_and_blames_nobody(authority: trustme.CA, ca_file: Path) -> None:
    tls = server_tls(authority, "localhost")
    with running_mail_server(MailServer(), tls_context=tls, authenticator=may_log_in, auth_required=True) as port:
        (result,) = send(replace(mail_connection(port, ca_file), password="wrong"), mail())
    assert (result.outcome, result.locked_out, result.detail) == (
        Outcome.LATER,
        True,
        "SMTP 535: authentication refused",
    )


@pytest.mark.parametrize(
    ("extras", "error"),
    [
        ({"from": ""}, "needs the extra from"),
        ({"from": "a@b.example\r\nBcc: c@d.example"}, "needs the extra from"),
        ({"security": "ssl"}, "security that is not tls or starttls or none"),
        ({"security": "none"}, "set allow_insecure for a test"),
        ({"verify": False}, "does not verify certificates"),
        ({"timeout_s": 0}, "timeout_s that is not between"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_opened(ca_file: Path, extras: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        SmtpTransport(TransportSettings(connection=mail_connection(1, ca_file, **extras)))


def test_a_private_authority_that_cannot_be_read_is_told_as_well(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read as certificates"):
        SmtpTransport(TransportSettings(connection=mail_connection(1, tmp_path / "nowhere.pem")))


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a.b+c@mail.example", "a.b+c@mail.example"),
        (" a@mail.example ", "a@mail.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("grüße@mail.example", "grüße@mail.example"),
    ],
)
def test_an_address_is_read_as_it_travels(text: str, bare: str) -> None:
    assert parse_address(text).addr_spec == bare


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b.example",
        "a@",
        "a@b@c.example",
        "a b@c.example",
        "a@b.example,c@d.example",
        "A <a@b.example>",
        "a@b.example\nBcc: x@y.example",
        "a\0@b.example",
        ".a@b.example",
        "a..b@c.example",
        "a@-b.example",
        "a@b..example",
        "a@[127.0.0.1]",
        "x" * 250 + "@b.example",
        "a@b.example>",
        '"a b"@c.example',
    ],
)
def test_what_is_no_one_address_is_refused(text: str) -> None:
    with pytest.raises(NotMailableError):
        parse_address(text)


@pytest.mark.parametrize("title", ["a\r\nBcc: x@y.example", "a\nb", "a\0b", "a\rb"])
def test_a_title_cannot_add_a_header(title: str) -> None:
    with pytest.raises(NotMailableError, match="the title holds a line break"):
        make_envelope(mail(title=title), SENDER)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://shop.example/u?email=олена@example.com",
         "https://shop.example/u?email=%D0%BE%D0%BB%D0%B5%D0%BD%D0%B0@example.com"),
        ("https://магазин.укр/u?c=100%25", "https://xn--80aairftm.xn--j1amh/u?c=100%25"),
        ("mailto:u@shop.example?subject=ні", "mailto:u@shop.example?subject=%D0%BD%D1%96"),
    ],
)  # fmt: skip
def test_a_link_to_unsubscribe_may_hold_letters_of_any_script(link: str, shown: str) -> None:
    content = make_envelope(mail(options={"unsubscribe": link}), SENDER).content
    header = message_from_bytes(content)["List-Unsubscribe"]
    assert "".join(header.split()) == f"<{shown}>"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://shop.example", "https://a.example/>\r\nBcc: x", "x"])
def test_a_link_to_unsubscribe_is_a_link(link: str) -> None:
    with pytest.raises(NotMailableError, match="the option unsubscribe"):
        make_envelope(mail(options={"unsubscribe": link}), SENDER)


HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]


@given(
    locator=st.one_of(st.text(max_size=30), st.builds("{}@mail.example".format, st.text(max_size=12))),
    title=st.text(max_size=80),
    body=st.text(max_size=200),
)
@example(locator="ok@mail.example", title="0\x850", body="")
@example(locator="ok@mail.example", title="0\u20280", body="")
def test_whatever_the_values_the_headers_are_ours(locator: str, title: str, body: str) -> None:
    """No value adds a header, a recipient or a line beyond what SMTP can carry; or the message is refused."""
    from email import policy
    from email.parser import BytesParser

    try:
        envelope = make_envelope(mail(locator=locator, title=title, body=body), SENDER)
    except (NotMailableError, UnicodeEncodeError):
        return
    parsed = BytesParser(policy=policy.SMTPUTF8).parsebytes(envelope.content)
    assert sorted(parsed.keys()) == sorted(HEADERS)
    assert len(parsed["To"].addresses) == 1
    head, _, rest = envelope.content.partition(b"\r\n\r\n")
    assert rest.isascii()
    assert all(len(line) <= 998 for line in [*head.split(b"\r\n"), *rest.split(b"\r\n")])


def test_an_address_beyond_ascii_is_for_servers_that_take_it(ca_file: Path) -> None:
    message = mail(locator="ok-grüße@mail.example")
    for takes, outcome in ((True, Outcome.OK), (False, Outcome.REFUSED)):
        server = MailServer()
        with running_mail_server(server, enable_SMTPUTF8=takes) as port:
            (result,) = send(plain(port, ca_file), message)
        assert (result.outcome, len(server.mails)) == (outcome, int(takes))


class Offering(MailServer):
    """A server that offers what it is told to offer."""

    def __init__(self, *offers: str) -> None:
        super().__init__()
        self.offers = offers

    async def handle_EHLO(  # noqa: N802  (the name and the arguments are aiosmtpd's)
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        own = [line for line in responses[:-1] if not line[4:].startswith("AUTH")]
        return [*own, *(f"250-{offer}" for offer in self.offers), responses[-1]]


def test_a_server_without_starttls_is_named(ca_file: Path) -> None:
    with running_mail_server(MailServer()) as port:
        (result,) = send(replace(mail_connection(port, ca_file), login="", password=""), mail())
    assert (result.outcome, result.locked_out) == (Outcome.LATER, True)
    assert result.detail == "no connection: the server does not offer STARTTLS"
    assert "extra security" in result.look_at


@pytest.mark.parametrize(
    ("offers", "detail"),
    [
        (("AUTH XOAUTH2",), "no connection: no AUTH mechanism in common: the server offers XOAUTH2"),
        ((), "no connection: the server offers no login (AUTH)"),
    ],
)
def test_a_server_that_offers_no_way_to_log_in_is_named(ca_file: Path, offers: tuple[str, ...], detail: str) -> None:
    with running_mail_server(Offering(*offers)) as port:
        (result,) = send(replace(plain(port, ca_file), login="promo", password="x"), mail())
    assert (result.outcome, result.locked_out, result.detail) == (Outcome.LATER, True, detail)
    assert result.look_at


@pytest.mark.parametrize(
    ("host", "detail", "locked_out"),
    [
        ("no-such-host.invalid", "no connection: the host's name was not found", True),
        ("localhost", "no connection: refused, nothing listens at this host and port", False),
    ],
)
def test_why_there_is_no_connection_is_told(ca_file: Path, host: str, detail: str, locked_out: bool) -> None:  # noqa: FBT001  (the expected value)
    with running_mail_server(MailServer()) as free:
        pass
    (result,) = send(replace(plain(free, ca_file), host=host), mail())
    assert (result.outcome, result.locked_out, result.detail, result.called) == (
        Outcome.LATER,
        locked_out,
        detail,
        False,
    )


def test_a_certificate_that_is_not_believed_is_named(authority: trustme.CA, ca_file: Path) -> None:
    tls = server_tls(authority, "elsewhere.example")
    with running_mail_server(MailServer(), tls_context=tls) as port:
        (result,) = send(replace(mail_connection(port, ca_file), login="", password=""), mail())
    assert "the receiver's certificate is refused (Hostname mismatch" in result.detail
    assert result.locked_out


@pytest.mark.parametrize(
    ("sender", "arrives"),
    [
        ("Shop, Inc. <news@shop.example>", '"Shop, Inc." <news@shop.example>'),
        ('"Shop, Inc." <news@shop.example>', '"Shop, Inc." <news@shop.example>'),
        ("Магазин <news@shop.example>", "Магазин <news@shop.example>"),
        ("news@shop.example", "news@shop.example"),
    ],
)
def test_a_sender_may_be_named_with_a_comma(ca_file: Path, sender: str, arrives: str) -> None:
    server = MailServer()
    with running_mail_server(server) as port:
        (result,) = send(plain(port, ca_file, **{"from": sender}), mail())
    assert result.outcome is Outcome.OK
    assert server.mails[0][1]["From"] == arrives


def test_a_sender_beyond_ascii_is_refused_before_anything_is_opened(ca_file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"needs the extra from.*beyond ASCII"):
        send(plain(25, ca_file, **{"from": "новости@shop.example"}), mail())


def test_a_mail_that_cannot_be_written_is_refused_and_never_unknown(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MailServer()
    monkeypatch.setattr(
        "promo_campaigns.delivery.transports.mail_server.parse_sender", lambda _: Address("", "новости", "shop.example")
    )
    with running_mail_server(server) as port:
        (result,) = send(plain(port, ca_file), mail())
    assert (result.outcome, result.called, server.mails) == (Outcome.REFUSED, False, [])
    assert "UnicodeEncodeError" in result.detail


@pytest.mark.parametrize(
    ("title", "is_one_line"),
    [
        ("#if($first_name)\n  Hi $first_name\n#else\n  Hi\n#end\nyour code\n", False),
        ("Hi\nthere", False),
        ("#foreach($one in $list)$one\n#end", False),
        ("#if($first_name)\nHi $first_name\n#else\nHi\n#end\n", True),
        ("#set($name = 'x')\nHi $name\n", True),
        ("## for the shop\nHi\n", True),
    ],
)
def test_a_title_over_several_lines_is_refused_with_the_way_to_write_it(
    ca_file: Path,
    title: str,
    is_one_line: bool,  # noqa: FBT001  (the expected value)
) -> None:
    transport = SmtpTransport(TransportSettings(connection=plain(25, ca_file)))
    message = Message(name="mail", channel="email", title=title, body="Code")
    if is_one_line:
        transport.check(message)
        return
    with pytest.raises(CannotCarryError, match="more than one line") as refused:
        transport.check(message)
    assert refused.value.setting == "title"
    assert refused.value.hint.startswith("Write it on one line")
