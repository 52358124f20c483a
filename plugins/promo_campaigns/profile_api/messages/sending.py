"""Puts messages of callers into the inbox, one for each recipient that may be written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.contacts.event_store import contact_of
from promo_campaigns.contacts.search import Place, Wanted, find_page, read_shown
from promo_campaigns.delivery.transports.inbox import keep_messages
from promo_campaigns.model.contacts import Channel
from promo_campaigns.model.errors import ContactError
from promo_campaigns.model.events import Identity
from promo_campaigns.model.outcome import OutgoingMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

MOST_RECIPIENTS = 1_000
_ANY = ("mobilepush", "sms")
"""The channels that a recipient may be reached by if the request only says that it is not e-mail, the first first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a message goes to, and which. Never logged.

    :ivar contact_id: the contact, if it is named by its id
    :ivar channel: type of its channel; empty for any but e-mail
    :ivar locator: its address, number or token; empty to take that of the contact
    :ivar key: the same message again has the same
    """

    contact_id: int | None = None
    channel: str
    locator: str = field(default="", repr=False)
    title: str = field(repr=False)
    body: str = field(repr=False)
    html: str = field(default="", repr=False)
    key: str


def deliver(connection: Connection, recipients: Sequence[Recipient]) -> list[dict[str, Any]]:
    """Keep a message for each recipient, and return a result for each, in the vendor's form.

    A recipient whom nobody knows becomes a contact; one whose channel is closed gets nothing.
    """
    found = [_contact_of(connection, one) for one in recipients]
    ids = {one for one in found if isinstance(one, int)}
    shown = {one["contact_id"]: one for one in read_shown(connection, sorted(ids))}
    messages: list[OutgoingMessage] = []
    results = []
    for recipient, who in zip(recipients, found, strict=True):
        message = _message(recipient, shown.get(who)) if isinstance(who, int) else who
        if isinstance(message, OutgoingMessage):
            messages.append(message)
            told = {"locator": message.locator, "status": "OK", "requestId": recipient.key}
        else:
            told = {"locator": recipient.locator, "status": "ERROR", "message": message}
        results.append({"id": 0, **told})
    keep_messages(connection, messages)
    return results


def _contact_of(connection: Connection, one: Recipient) -> int | str:
    """Return the contact, or what is wrong with the recipient."""
    if one.contact_id is not None:
        return one.contact_id
    channel = Channel(one.channel or _guessed(one.locator), one.locator)
    try:
        return contact_of(connection, Identity(channels=(channel,))) or "contact not found"
    except ContactError as error:
        return error.problem


def _guessed(locator: str) -> str:
    return "sms" if locator.isdecimal() else "mobilepush"


def _message(one: Recipient, contact: dict[str, Any] | None) -> OutgoingMessage | str:
    if contact is None:
        return "contact not found"
    kinds = (one.channel,) if one.channel else _ANY
    ways = [way for kind in kinds for way in contact["channels"] if way["type"] == kind]
    if one.locator:
        ways = [way for way in ways if way["value"].lower() == one.locator.lower()]
    open_ways = [way for way in ways if "closed_at" not in way]
    if not open_ways:
        return "unsubscribed" if ways else "the contact has no such channel"
    way = open_ways[0]
    return OutgoingMessage(
        contact_id=contact["contact_id"],
        channel=way["type"],
        locator=way["value"],
        title=one.title,
        body=one.body,
        idempotency_key=one.key,
        html=one.html,
    )


def members_of(connection: Connection, group_id: int) -> list[int]:
    """Return the contacts of a group; one more than a request may have says that they are too many."""
    found = find_page(connection, Wanted(group_id=group_id), Place(), limit=MOST_RECIPIENTS + 1)
    return [one.contact_id for one in found]
