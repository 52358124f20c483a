"""Contacts, their channels and fields, and which contact a request means; ``contact_rules`` checks the values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ContactError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SINGLE_CHANNELS = frozenset({"email", "sms"})
"""Types a contact has one of: a new value replaces the old. Of any other type it may have several (devices). Ours."""

OTHER_CONTACT = "this channel belongs to another contact"
OTHER_EXTERNAL_ID = "this channel belongs to a contact with another external id"
UNKNOWN_ZONE = "the database's server does not know this time zone; name another, or update its time zone data"
WAS_ERASED = "this contact was erased and is not taken up again; promo contacts readmit allows it"
_CODE_WITHIN = 40
"""A reply begins with its codes; what stands further behind is free text."""
WAS_DELETED = "this contact was deleted; send it with restoreDeleted: true, or by itself, to take it back"
HELD_BY_OTHERS = "other transactions kept this contact locked for too long; send it again"


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a contact.

    :param type: lower-case name, see ``clean_channel_type``
    :param value: the locator, see ``clean_locator``
    :param device: what the caller sent about the device of a token, stored unchanged
    """

    type: str
    value: str = field(repr=False)
    device: Mapping[str, Any] | None = field(default=None, repr=False)


class ClosedFor(str, Enum):
    """Why nothing is sent to a channel any more."""

    UNSUBSCRIBED = "unsubscribed"
    """Its owner does not want it."""
    COMPLAINED = "complained"
    """Its owner reported a message as spam."""
    BOUNCED = "bounced"
    """The receiver says that there is no such address or number, and there will be none."""
    UNREGISTERED = "unregistered"
    """The receiver says that the token is none any more."""


DEAD_ADDRESS = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")
"""Enhanced status codes by which an address is dead: no such mailbox, no such domain, no address at all, moved without
a forwarding address (RFC 3463, section 3.2), a domain that takes no mail (RFC 7505). Not 5.2.1, which some servers say
when an address gets too much, nor 5.2.2, a full mailbox, nor 5.7.x, which means the sender; nor a bare 550."""
_DEAD = re.compile(rf"(?<![\d.])(?:{'|'.join(map(re.escape, DEAD_ADDRESS))})(?![\d.]*\d)")


def status_of_dead(reply: str) -> str:
    """Return the enhanced status code in a mail server's reply by which an address is dead; empty for other replies."""
    found = _DEAD.search(reply[:_CODE_WITHIN])
    return found[0] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What was told of a channel: that nothing may be sent to it any more. Never logged.

    :ivar contact_id: whose it is; None where the locator says it
    :ivar value: the locator; empty for all of the contact's channels of this type
    :ivar by: who or what told, in words free of addresses
    :ivar at: when it happened, if the teller says so; what is older than the last opening of a channel closes nothing
    """

    type: str
    reason: ClosedFor
    by: str
    contact_id: int | None = None
    value: str = field(default="", repr=False)
    at: datetime | None = None


ADDRESS_PARTS = ("region", "town", "address", "postcode")
"""The parts of an address, in the order in which they are stored."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of a request or a row. ``None`` means "not sent": an existing contact keeps its value.

    :param values: additional fields by id; ``None`` empties the field
    :param address: parts of the postal address by their names in ``ADDRESS_PARTS``; those that are absent are not sent
    """

    channels: tuple[Channel, ...] = ()
    values: Mapping[int, str | None] = field(default_factory=dict, repr=False)
    external_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    address: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """An additional field of the profile."""

    field_id: int
    name: str
    type: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """A stored contact that holds one of the identifiers of a request.

    :param position: 0 for the external id, else the 1-based position of the channel in the request
    :param as_sent: whether the stored identifier equals the sent one exactly, spelling and device included
    :param is_deleted: whether the contact was deleted, and not erased
    """

    position: int
    contact_id: int
    external_id: str | None
    as_sent: bool = True
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One contact of a batch.

    :param number: its line in a file or its position in a request; rows come in ascending order
    :param contact_id: the contact, if the caller names it by the store's id
    """

    number: int
    contact: Contact
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """How the contacts of a batch are recognised, and which of their values are written.

    :param channels: channel types that name a contact; None for all
    :param field_id: additional field whose value names a contact
    :param listed: standard fields to write, absent ones emptied; None to write what was sent
    :param row_noun: the caller's word for a row ("line", "contact"), used in reasons of refusals
    :param restores: take deleted contacts back; otherwise their rows are refused
    :param joins: ids of the groups that the contacts are put into
    :param leaves: ids of the groups that they are taken out of
    :param event_type: type of an event that is stored for each contact that is new; empty for none
    """

    channels: tuple[str, ...] | None = None
    field_id: int | None = None
    listed: tuple[str, ...] | None = None
    row_noun: str = "row"
    restores: bool = False
    joins: tuple[int, ...] = ()
    leaves: tuple[int, ...] = ()
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was rejected.

    :param row: its line in a file, or its position in a request
    :param place: the column or channel at fault, or empty
    :param reason: a sentence without a full stop; never holds a value
    :param value: what stood there, where it cannot say who somebody is; else empty
    """

    row: int
    place: str
    reason: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """The result of a batch of contacts: four counts that add up to its rows, and the first refusals."""

    inserted: int
    updated: int
    unchanged: int
    rejected: int
    rejects: list[Rejected]


def check_identity(contact: Contact) -> None:
    """Check that the contact can be found again, and that its parts agree.

    :raises ContactError: it has neither external id nor channel, two addresses or two numbers, or a locator twice
    """
    if not contact.channels and not contact.external_id:
        problem = "neither a channel nor an external id"
        raise ContactError(problem)
    seen: set[str | tuple[str, str]] = set()
    for position, channel in enumerate(contact.channels):
        key = channel.type if channel.type in SINGLE_CHANNELS else (channel.type, channel.value)
        if key in seen:
            problem = (
                f"a second channel of type {channel.type}" if key == channel.type else "the same channel a second time"
            )
            raise ContactError(problem, place=f"channels[{position}]")
        seen.add(key)


def check_recognisable(contact: Contact, contact_id: int | None, matching: Matching, named: str) -> None:
    """Check that the contact has an identifier by which a batch recognises contacts; an external id always suffices.

    :param contact_id: the store's id of it, if it counts
    :param named: what the caller calls these identifiers
    :raises ContactError: it has none, or its parts do not agree
    """
    if contact.channels or contact.external_id:
        check_identity(contact)
    by_channel = any(channel.type in (matching.channels or ()) for channel in contact.channels)
    by_field = matching.field_id is not None and contact.values.get(matching.field_id) is not None
    if not (contact.external_id or contact_id or by_channel or by_field):
        problem = f"nothing to recognise it by ({named})"
        raise ContactError(problem)


def choose_owner(contact: Contact, owners: Sequence[Owner]) -> int | None:
    """Return the contact that the request speaks of, or None for a new one.

    The external id decides, then the channels in the order they were sent. A channel is never taken from another
    contact. Ours: the documentation does not say what happens when identifiers disagree.

    :raises ContactError: the identifiers belong to different contacts
    """
    if not owners:
        return None
    first = min(owners, key=lambda owner: owner.position)
    if contact.external_id and first.position and first.external_id not in {None, contact.external_id}:
        raise ContactError(OTHER_EXTERNAL_ID, place=f"channels[{first.position - 1}]")
    for owner in owners:
        if owner.contact_id != first.contact_id:
            raise ContactError(OTHER_CONTACT, place=f"channels[{owner.position - 1}]")
    return first.contact_id
