"""The conversation of one mail with a server, and what each of its replies proves."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import aiosmtplib

from promo_campaigns.delivery.transports.base import closing
from promo_campaigns.model.contacts import ClosedFor, status_of_dead
from promo_campaigns.model.outcome import DeliveryResult, Outcome

if TYPE_CHECKING:
    from promo_campaigns.delivery.transports.mail import Envelope
    from promo_campaigns.delivery.transports.mail_connection import MailClient
    from promo_campaigns.model.outcome import OutgoingMessage

WANTS_LOGIN = frozenset({530, 534, 535, 538})
_TOO_LARGE, _CLOSING = 552, 421
LOOK_AT_LOGIN = "look at login and password of the connection"
_LOOK_AT_SENDER = "look at the extra from of the connection: the server takes no mail from it"


class Conversation:
    """The commands of one mail, and what each reply to them proves.

    :ivar ended_early: the server ended the connection before it agreed to take the mail, so that it has nothing of it
    """

    def __init__(self, client: MailClient, envelope: Envelope, sender: str) -> None:
        self._client, self._envelope, self._sender = client, envelope, sender
        self._sent = False
        self.ended_early = False

    async def held(self, message: OutgoingMessage) -> DeliveryResult:
        """Send the mail of a message and say what is known of it."""
        who = message.contact_id
        try:
            await self._say()
        except aiosmtplib.SMTPResponseException as error:
            self.ended_early = error.code == _CLOSING and not self._sent
            await self._forget()
            return self._answered(message, error)
        except ValueError as error:
            await self._forget()
            if self._sent:
                raise
            detail = f"the mail cannot be written as the server reads it ({type(error).__name__})"
            return DeliveryResult(contact_id=who, outcome=Outcome.REFUSED, detail=detail, called=False)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            self.ended_early = isinstance(error, ConnectionError) and not self._sent
            outcome = Outcome.UNKNOWN if self._sent else Outcome.LATER
            at = "after" if self._sent else "before"
            detail = f"the connection broke {at} the mail was sent ({type(error).__name__})"
            return DeliveryResult(contact_id=who, outcome=outcome, detail=detail)
        return DeliveryResult(contact_id=who, outcome=Outcome.OK)

    def _answered(self, message: OutgoingMessage, error: aiosmtplib.SMTPResponseException) -> DeliveryResult:
        outcome, detail, look_at = self._outcome_of_reply(error)
        closes = None
        of_sender = isinstance(error, aiosmtplib.SMTPSenderRefused)
        if outcome is Outcome.REFUSED and not of_sender and (status := status_of_dead(error.message)):
            detail = f"{detail} ({status})"
            closes = closing(message, ClosedFor.BOUNCED, f"smtp: {detail}")
        return DeliveryResult(
            contact_id=message.contact_id,
            outcome=outcome,
            detail=detail,
            locked_out=bool(look_at),
            look_at=look_at,
            closes=closes,
        )

    async def _say(self) -> None:
        client, envelope = self._client, self._envelope
        options = [f"SIZE={len(envelope.content)}"] if client.supports_extension("size") else []
        if envelope.needs_utf8:
            options.append("SMTPUTF8")
        await client.mail(self._sender, options=options)
        await client.rcpt(envelope.recipient, encoding="utf-8" if envelope.needs_utf8 else "ascii")
        await client.offer()
        self._sent = True
        await client.send_content(envelope.content)

    def _outcome_of_reply(self, error: aiosmtplib.SMTPResponseException) -> tuple[Outcome, str, str]:
        """Say what a reply proves, and what to look at if it is nobody's fault but ours.

        A server that refuses has not taken the mail, before DATA and after it. A sender that is refused is not the
        recipient's fault, and the next mail would be refused as well.
        """
        of_sender = isinstance(error, aiosmtplib.SMTPSenderRefused)
        of_mail = isinstance(error, aiosmtplib.SMTPDataError)
        asked = "the sender" if of_sender else "the mail" if of_mail else "the recipient"
        detail = f"SMTP {error.code} to {asked}"
        if error.code in WANTS_LOGIN:
            return Outcome.LATER, detail, LOOK_AT_LOGIN
        if of_sender and is_final(error.code) and error.code != _TOO_LARGE:
            return Outcome.LATER, detail, _LOOK_AT_SENDER
        if is_final(error.code):
            return Outcome.REFUSED, detail, ""
        if _is_passing(error.code) or not self._sent:
            return Outcome.LATER, detail, ""
        return Outcome.UNKNOWN, detail, ""

    async def _forget(self) -> None:
        """End the mail transaction, so that the connection can be used for the next."""
        with suppress(aiosmtplib.SMTPException, OSError):
            if self._client.is_connected:
                await self._client.rset()
                return
        self._client.close()


def _is_passing(code: int) -> bool:
    return 400 <= code < 500  # noqa: PLR2004  (RFC 5321, section 4.2.1)


def is_final(code: int) -> bool:
    """Tell whether a reply refuses for good."""
    return 500 <= code < 600  # noqa: PLR2004  (the same)
