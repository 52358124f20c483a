"""The list of the unsubscribed: locators that are closed, and open again, by any contact that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.contacts.closing import close_channels
from promo_campaigns.model.contact_rules import clean_locator
from promo_campaigns.model.contacts import ClosedFor, Closing
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_TELLER = "profile API"


def close_locators(connection: Connection, channel_type: str, locators: Sequence[str]) -> set[str]:
    """Close these locators, since their owners want no more; return those that a contact holds.

    One that is closed already keeps when that was. That of a deleted contact stays closed when the contact comes back.

    :param locators: cleaned by ``model.contact_rules.clean_locator``
    """
    closings = [
        Closing(type=channel_type, value=one, reason=ClosedFor.UNSUBSCRIBED, by=_TELLER)
        for one in _cleaned(channel_type, locators)
    ]
    done = close_channels(connection, closings)
    return {closing.value for closing, one in zip(closings, done, strict=True) if one.known}


def open_locators(connection: Connection, channel_type: str, locators: Sequence[str]) -> set[str]:
    """Open these locators again; return those that were closed, as they were named.

    Those of deleted contacts stay closed until the contact comes back.
    """
    named = {"type": channel_type, "values": _cleaned(channel_type, locators)}
    return {row["value"] for row in connection.execute(_SQL["open_locators"], named).fetchall()}


def _cleaned(channel_type: str, locators: Sequence[str]) -> list[str]:
    # In one order, so that two requests that name the same ones cannot wait for each other.
    return sorted({clean_locator(channel_type, one) for one in locators})
