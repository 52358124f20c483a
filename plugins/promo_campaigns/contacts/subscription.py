"""What a form of a website asks for: a contact subscribes, or an address is never to be written to again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promo_campaigns.contacts.addresses import put_address
from promo_campaigns.contacts.deletion import restore_contact
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.contacts.groups import add_subscriptions, ensure_groups, join_groups
from promo_campaigns.contacts.store import find_owner, put_contact, read_contacts, update_contact
from promo_campaigns.contacts.unsubscribed import close_locators, open_locators
from promo_campaigns.model.contacts import SINGLE_CHANNELS, Channel, Contact
from promo_campaigns.model.errors import ContactError
from promo_campaigns.model.events import Event, Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from promo_campaigns.postgres.connection import Connection

NEW, KNOWN = "subscribeFromApi", "subscribeUpdateFromApi"
"""Types of the event that a subscription makes, by whether its contact is new; the vendor's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A form that was sent.

    :ivar contact: who subscribes
    :ivar groups: names of groups that the contact is put into
    :ivar categories: names of categories that it subscribes to, besides those it is subscribed to already
    :ivar params: further parameters of the event
    :ivar token: the same for a form that is sent again
    """

    contact: Contact
    groups: Sequence[str]
    categories: Sequence[str] = ()
    params: Mapping[str, Any]
    token: UUID


def subscribe(connection: Connection, form: Subscription) -> int:
    """Create or update the contact of a form, open its channels, and store the event; return the contact's id.

    A contact that is known keeps its address and its number: a form does not prove whose they are.

    :raises ContactError: see ``contacts.store.put_contact``
    """
    known = find_owner(connection, form.contact)
    if known is None:
        contact_id = put_contact(connection, form.contact)
    else:
        restore_contact(connection, known)
        contact_id = (
            update_contact(connection, known, _without_other_locators(connection, known, form.contact)) or known
        )
    put_address(connection, contact_id, form.contact.address)
    for channel in form.contact.channels:
        open_locators(connection, channel.type, [channel.value])
    if form.groups:
        join_groups(connection, contact_id, ensure_groups(connection, form.groups))
    add_subscriptions(connection, contact_id, form.categories)
    event = Event(
        type=NEW if known is None else KNOWN,
        key=str(contact_id),
        identity=Identity(contact_id=contact_id),
        params={"contactId": contact_id, **form.params},
        token=form.token,
    )
    add_event(connection, event)
    return contact_id


def _without_other_locators(connection: Connection, contact_id: int, sent: Contact) -> Contact:
    found = read_contacts(connection, [contact_id])
    held = {one["type"] for contact in found for one in contact["channels"]} & SINGLE_CHANNELS
    return replace(sent, channels=tuple(one for one in sent.channels if one.type not in held))


def unsubscribe_addresses(connection: Connection, addresses: Sequence[str]) -> None:
    """Never write to these addresses again; one that nobody holds becomes a contact whose address is closed.

    An address that was erased is left as it is: nothing is sent to it in any case.
    """
    held = close_locators(connection, "email", addresses)
    for address in sorted(set(addresses) - held):
        try:
            put_contact(connection, Contact(channels=(Channel("email", address),)))
        except ContactError:
            continue
        close_locators(connection, "email", [address])
