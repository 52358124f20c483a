"""The mail transport: one recipient a message, over connections that are kept open, and no retry of its own."""

from __future__ import annotations

import asyncio
import re
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
    require_one_line,
    show_mail,
)
from promo_campaigns.delivery.transports.mail_connection import MailClient, MailConnection
from promo_campaigns.delivery.transports.mail_conversation import LOOK_AT_LOGIN, WANTS_LOGIN, Conversation, is_final
from promo_campaigns.delivery.transports.mail_server import (
    current_token,
    read_mail_server,
    refused_token,
    took_token,
)
from promo_campaigns.http.no_connection import explain
from promo_campaigns.http.signing.access_tokens import NoTokenError
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.delivery.transports.mail import Envelope
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run_spec import Message

_XOAUTH2 = "xoauth2"
_MECHANISM = re.compile(r"[a-z0-9_-]{1,20}", re.IGNORECASE)


class CannotLogInError(Exception):
    """The server offers no way to log in as the connection says.

    :param detail: what is missing, in words free of addresses
    :param look_at: what a person is to look at
    """

    def __init__(self, detail: str, look_at: str) -> None:
        self.detail, self.look_at = f"no connection: {detail}", look_at
        super().__init__(detail)


class SmtpTransport(BaseTransport):
    """Sends mail through the server of a connection.

    Host, port, login and password are the connection's. Extras: ``from`` (required: ``Shop <news@shop.example>``),
    ``reply_to``, ``security`` (``tls``, ``starttls``, or ``none`` with ``allow_insecure``), ``ca_file`` (a private
    authority), ``timeout_s`` (seconds for one reply), ``concurrency`` (connections), and those of Airflow's smtp
    provider, XOAUTH2 among them: ``docs/connections.md`` lists them.
    """

    name = "smtp"
    channels = frozenset({"email"})
    options = frozenset({UNSUBSCRIBE, ONE_CLICK})

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        self._server = read_mail_server(self.connection)
        self.concurrency = self._server.concurrency
        self._idle: list[MailConnection] = []

    def check(self, message: Message) -> None:
        """Refuse a message whose title or link to unsubscribe would break a mail's header: every mail of it would."""
        super().check(message)
        require_one_line(message.title, "title", "title")
        require_one_line(message.options.get(UNSUBSCRIBE, ""), f"option {UNSUBSCRIBE}", "options")

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

    def show(self, message: OutgoingMessage) -> ShownCall:
        """Return the mail.

        :raises CallRefusedError: none can be made of the message
        """
        server = self._server
        return show_mail(message, server.sender, f"{server.host}:{server.port}", reply_to=server.reply_to)

    async def call(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        """Send one mail."""
        (message,) = messages
        return [await self._result(message)]

    async def _result(self, message: OutgoingMessage) -> DeliveryResult:
        who = message.contact_id
        try:
            envelope = make_envelope(message, self._server.sender, self._server.reply_to)
        except NotMailableError as error:
            return DeliveryResult(contact_id=who, outcome=Outcome.REFUSED, detail=str(error), called=False)
        except Exception as error:  # noqa: BLE001  (whatever it is, it came before anything left: it is no unknown outcome)
            detail = f"no mail can be made of the message ({type(error).__name__})"
            return DeliveryResult(contact_id=who, outcome=Outcome.REFUSED, detail=detail, called=False)
        while True:
            try:
                held = await self._connected()
            except (aiosmtplib.SMTPException, OSError, ValueError, CannotLogInError, NoTokenError) as error:
                return _not_connected(who, error)
            result = await self._sent_over(held, envelope, message)
            if result is not None:
                return result

    async def _sent_over(
        self, held: MailConnection, envelope: Envelope, message: OutgoingMessage
    ) -> DeliveryResult | None:
        """Send a mail over one connection; None if it was a kept one that had ended before the mail was on its way."""
        if envelope.needs_utf8 and not held.client.supports_extension("smtputf8"):
            self._keep(held)
            return DeliveryResult(
                contact_id=message.contact_id,
                outcome=Outcome.REFUSED,
                detail="the server takes no address like this one",
            )
        conversation = Conversation(held.client, envelope, self._server.sender.addr_spec)
        try:
            result = await conversation.held(message)
        except BaseException:
            held.client.close()
            raise
        if conversation.ended_early and held.was_kept:
            held.client.close()
            return None
        self._keep(held)
        return result

    def _keep(self, held: MailConnection) -> None:
        if held.client.is_connected:
            held.idle_since, held.was_kept = time.monotonic(), True
            self._idle.append(held)
        else:
            held.client.close()

    async def _connected(self) -> MailConnection:
        while self._idle:
            held = self._idle.pop()
            if await held.stands():
                return held
            held.client.close()
        server = self._server
        client = MailClient(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout_s,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=server.tls,
        )
        try:
            await client.connect()
            await client.ehlo()
            await self._secure(client)
            await self._log_in(client)
        except BaseException:
            client.close()
            raise
        return MailConnection(client)

    async def _secure(self, client: MailClient) -> None:
        if self._server.security != "starttls":
            return
        if not client.supports_extension("starttls"):
            why = "the server does not offer STARTTLS"
            raise CannotLogInError(why, "look at the port, and at the extra security: tls, where TLS comes first")
        await client.starttls()
        await client.ehlo()

    async def _log_in(self, client: MailClient) -> None:
        server = self._server
        if not server.login:
            return
        if server.token is not None:
            await self._log_in_by_token(client)
            return
        if not client.supported_auth_methods:
            raise CannotLogInError(*_no_mechanism(client.server_auth_methods))
        await client.login(server.login, server.password)

    async def _log_in_by_token(self, client: MailClient) -> None:
        server = self._server
        if _XOAUTH2 not in client.server_auth_methods:
            raise CannotLogInError(*_no_mechanism(client.server_auth_methods, ours=(_XOAUTH2,)))
        token = await current_token(server)
        try:
            await client.log_in_by_token(server.login, token)
        except aiosmtplib.SMTPAuthenticationError:
            if refused_token(server, token):
                why = "the access token has ended; the next mail has a new one"
                raise CannotLogInError(why, "") from None
            raise
        took_token(server, token)


def _no_mechanism(offered: Sequence[str], ours: Sequence[str] = aiosmtplib.SMTP.AUTH_METHODS) -> tuple[str, str]:
    """Return why nobody can log in, and what to look at."""
    names = ", ".join(sorted(name.upper() for name in offered if _MECHANISM.fullmatch(name)))
    if not names:
        return "the server offers no login (AUTH)", "look at host, port and security, or leave login and password out"
    by = ", ".join(name.upper() for name in ours)
    why = f"no AUTH mechanism in common: the server offers {names}"
    return why[:160], f"look for a login of the server by {by}, and at the extra auth_type"


def _not_connected(contact_id: int, error: Exception) -> DeliveryResult:
    """Return the result of a mail that had no connection to go over."""
    if isinstance(error, NoTokenError):
        detail, look_at, called = str(error), error.look_at, False
    elif isinstance(error, CannotLogInError):
        detail, look_at, called = error.detail, error.look_at, True
    elif isinstance(error, aiosmtplib.SMTPAuthenticationError):
        detail, look_at, called = f"SMTP {error.code}: authentication refused", LOOK_AT_LOGIN, True
        if not is_final(error.code):
            look_at = ""
    elif isinstance(error, aiosmtplib.SMTPResponseException):
        detail, called = f"SMTP {error.code} to the greeting or login", True
        look_at = LOOK_AT_LOGIN if error.code in WANTS_LOGIN else ""
    else:
        why = explain(error)
        detail, look_at, called = why.detail, why.look_at, False
    return DeliveryResult(
        contact_id=contact_id,
        outcome=Outcome.LATER,
        detail=detail,
        locked_out=bool(look_at),
        look_at=look_at,
        called=called,
    )
