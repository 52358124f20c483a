"""The mail transport: one recipient a message, over connections that are kept open, and no retry of its own."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import aiosmtplib

from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.delivery.transports.mail import (
    ONE_CLICK,
    UNSUBSCRIBE,
    NotMailableError,
    make_envelope,
    parse_sender,
)
from promo_campaigns.http.tls import tls_context
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.delivery.transports.mail import Envelope
    from promo_campaigns.model.outcome import OutgoingMessage

PORTS = {"tls": 465, "starttls": 587, "none": 25}
KEEP_ALIVE_S = 5.0
"""A connection that was idle for longer is asked whether it still stands before it is used."""
_EXTRAS = ("allow_insecure", "ca_file", "concurrency", "from", "security", "timeout_s")
_WANTS_LOGIN = frozenset({530, 534, 535, 538})
_TOO_LARGE, _CLOSING = 552, 421


class SmtpTransport(BaseTransport):
    """Sends mail through the server of a connection.

    Host, port, login and password are the connection's. Extras: ``from`` (required: ``Shop <news@shop.example>``),
    ``security`` (``tls``, ``starttls``, or ``none`` with ``allow_insecure``), ``ca_file`` (a private authority),
    ``timeout_s`` (seconds for one reply), ``concurrency`` (connections).
    """

    name = "smtp"
    channels = frozenset({"email"})
    options = frozenset({UNSUBSCRIBE, ONE_CLICK})

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        server = self.connection
        server.allow_extras(_EXTRAS)
        if not server.host:
            server.fail("has no host; write the name of the mail server")
        try:
            self._sender = parse_sender(server.text("from"))
        except NotMailableError as error:
            server.fail(f"needs the extra from, such as Shop <news@shop.example>; {error}")
        self._security = server.choice("security", tuple(PORTS), "tls" if server.port == PORTS["tls"] else "starttls")
        if self._security == "none" and not server.flag("allow_insecure"):
            server.fail(
                "has the security none, so that anyone on the way can read the mail; "
                "use tls or starttls, or set allow_insecure for a test"
            )
        self._timeout_s = server.number("timeout_s", 20.0, least=0.1, most=50.0)
        self._tls = tls_context(server.text("ca_file"))
        self.concurrency = int(server.number("concurrency", 4, least=1, most=100))
        self._idle: list[_MailConnection] = []

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say QUIT to the server."""
        while self._idle:
            held = self._idle.pop()
            with suppress(aiosmtplib.SMTPException, OSError):
                await held.client.quit(timeout=1.0)
            held.client.close()
        await asyncio.sleep(0)  # what was dropped is closed before the loop is

    async def call(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        """Send one mail."""
        (message,) = messages
        return [await self._result(message)]

    async def _result(self, message: OutgoingMessage) -> DeliveryResult:
        who = message.contact_id
        try:
            envelope = make_envelope(message, self._sender)
        except NotMailableError as error:
            return DeliveryResult(contact_id=who, outcome=Outcome.REFUSED, detail=str(error), called=False)
        while True:
            try:
                held = await self._connected()
            except aiosmtplib.SMTPResponseException as error:
                detail = f"SMTP {error.code} to the greeting or login"
                locked = error.code in _WANTS_LOGIN or isinstance(error, aiosmtplib.SMTPAuthenticationError)
                return DeliveryResult(contact_id=who, outcome=Outcome.LATER, detail=detail, locked_out=locked)
            except (aiosmtplib.SMTPException, OSError) as error:
                return DeliveryResult(
                    contact_id=who, outcome=Outcome.LATER, detail=f"no connection ({type(error).__name__})"
                )
            result = await self._sent_over(held, envelope, who)
            if result is not None:
                return result

    async def _sent_over(self, held: _MailConnection, envelope: Envelope, who: int) -> DeliveryResult | None:
        """Send a mail over one connection; None if it was a kept one that had ended before the mail was on its way."""
        if envelope.needs_utf8 and not held.client.supports_extension("smtputf8"):
            self._keep(held)
            return DeliveryResult(
                contact_id=who, outcome=Outcome.REFUSED, detail="the server takes no address like this one"
            )
        conversation = _Conversation(held.client, envelope, self._sender.addr_spec)
        try:
            result = await conversation.held(who)
        except BaseException:
            held.client.close()
            raise
        if conversation.ended_early and held.was_kept:
            held.client.close()
            return None
        self._keep(held)
        return result

    def _keep(self, held: _MailConnection) -> None:
        if held.client.is_connected:
            held.idle_since, held.was_kept = time.monotonic(), True
            self._idle.append(held)
        else:
            held.client.close()

    async def _connected(self) -> _MailConnection:
        while self._idle:
            held = self._idle.pop()
            if await held.stands():
                return held
            held.client.close()
        server = self.connection
        client = _Client(
            hostname=server.host,
            port=server.port or PORTS[self._security],
            username=server.login or None,
            password=server.password or None,
            timeout=self._timeout_s,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
            await client.ehlo()
        except BaseException:
            client.close()
            raise
        return _MailConnection(client)


class _Client(aiosmtplib.SMTP):
    """A client that drops a connection at once, without TLS's closing handshake, which may never be answered."""

    def close(self) -> None:
        """Drop the connection."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class _MailConnection:
    """A connection to the server, how long it has been idle, and whether it was used for another mail."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.idle_since = time.monotonic()
        self.was_kept = False

    async def stands(self) -> bool:
        """Tell whether the connection can be used, and ask the server where it has been idle for long."""
        if not self.client.is_connected:
            return False
        if time.monotonic() - self.idle_since < KEEP_ALIVE_S:
            return True
        try:
            await self.client.noop()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True


class _Conversation:
    """The commands of one mail, and what each reply to them proves.

    :ivar ended_early: the server ended the connection before DATA, so that it has nothing of the mail
    """

    def __init__(self, client: aiosmtplib.SMTP, envelope: Envelope, sender: str) -> None:
        self._client, self._envelope, self._sender = client, envelope, sender
        self._offered = False
        self.ended_early = False

    async def held(self, contact_id: int) -> DeliveryResult:
        """Send the mail and say what is known of it."""
        try:
            await self._say()
        except aiosmtplib.SMTPResponseException as error:
            self.ended_early = error.code == _CLOSING and not self._offered
            await self._forget()
            outcome, detail, locked = self._judged(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            self.ended_early = isinstance(error, ConnectionError) and not self._offered
            outcome = Outcome.UNKNOWN if self._offered else Outcome.LATER
            at = "after DATA" if self._offered else "before DATA"
            detail, locked = f"the connection broke {at} ({type(error).__name__})", False
        else:
            return DeliveryResult(contact_id=contact_id, outcome=Outcome.OK)
        return DeliveryResult(contact_id=contact_id, outcome=outcome, detail=detail, locked_out=locked)

    async def _say(self) -> None:
        client, envelope = self._client, self._envelope
        options = [f"SIZE={len(envelope.content)}"] if client.supports_extension("size") else []
        if envelope.needs_utf8:
            options.append("SMTPUTF8")
        await client.mail(self._sender, options=options)
        await client.rcpt(envelope.recipient, encoding="utf-8" if envelope.needs_utf8 else "ascii")
        self._offered = True
        await client.data(envelope.content)

    def _judged(self, error: aiosmtplib.SMTPResponseException) -> tuple[Outcome, str, bool]:
        """Say what a reply proves: a server that refuses has not taken the mail, before DATA and after it.

        A sender that is refused is not the recipient's fault, and the next mail would be refused as well.
        """
        of_sender = isinstance(error, aiosmtplib.SMTPSenderRefused)
        asked = "the sender" if of_sender else "the mail" if self._offered else "the recipient"
        detail = f"SMTP {error.code} to {asked}"
        if error.code in _WANTS_LOGIN or (of_sender and _is_final(error.code) and error.code != _TOO_LARGE):
            return Outcome.LATER, detail, True
        if _is_final(error.code):
            return Outcome.REFUSED, detail, False
        if _is_passing(error.code) or not self._offered:
            return Outcome.LATER, detail, False
        return Outcome.UNKNOWN, detail, False

    async def _forget(self) -> None:
        """End the mail transaction, so that the connection can be used for the next."""
        with suppress(aiosmtplib.SMTPException, OSError):
            if self._client.is_connected:
                await self._client.rset()
                return
        self._client.close()


def _is_passing(code: int) -> bool:
    return 400 <= code < 500  # noqa: PLR2004  (RFC 5321, section 4.2.1)


def _is_final(code: int) -> bool:
    return 500 <= code < 600  # noqa: PLR2004  (the same)
