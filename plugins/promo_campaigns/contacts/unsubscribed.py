"""The list of the unsubscribed: locators that are closed, whoever has them, and open again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.contact_rules import clean_locator
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def close_locators(connection: Connection, channel_type: str, locators: Sequence[str]) -> set[str]:
    """Close these locators; return those that a contact holds, as they were named.

    One that is closed already keeps when that was. That of a deleted contact stays closed when the contact comes back.

    :param locators: cleaned by ``model.contact_rules.clean_locator``
    """
    named = _named(channel_type, locators)
    held = {row["value"] for row in connection.execute(_SQL["which_are_held"], named).fetchall()}
    connection.execute(_SQL["close_locators"], named)
    return held


def open_locators(connection: Connection, channel_type: str, locators: Sequence[str]) -> set[str]:
    """Open these locators again; return those that were closed, as they were named.

    Those of deleted contacts stay closed until the contact comes back.
    """
    rows = connection.execute(_SQL["open_locators"], _named(channel_type, locators)).fetchall()
    return {row["value"] for row in rows}


def _named(channel_type: str, locators: Sequence[str]) -> dict[str, object]:
    # In one order, so that two requests that name the same ones cannot wait for each other.
    return {"type": channel_type, "values": sorted({clean_locator(channel_type, one) for one in locators})}
