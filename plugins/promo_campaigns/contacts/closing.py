"""Closes channels that nothing may be sent to any more, and opens them again.

All who hear that an address is dead, or that its owner wants no more, tell it here: transports by way of the ledger,
the profile API, the command. A closing touches the channel alone: what was sent is what it was, and a code that was
given stays given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.contacts import ClosedFor
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promo_campaigns.model.contacts import Closing
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)
MOST_BY = 120
"""Characters that are kept of who told."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of a closing.

    :ivar known: there is such a channel
    :ivar closed: it was open, and is closed now
    """

    known: bool
    closed: bool


def close_channels(store: Store, closings: Sequence[Closing], *, waits: bool = True) -> list[Closed]:
    """Close channels in one statement, and say what became of each closing, in their order.

    A channel that is closed stays as it is, but for one whose locator had failed and whose owner wants no more now.
    Told twice, a closing changes nothing.

    :param waits: for other writers of the channels; else those that are being written stay as they are
    """
    if not closings:
        return []
    told = {
        "contact_ids": [one.contact_id for one in closings],
        "types": [one.type for one in closings],
        "locators": [one.value or None for one in closings],
        "reasons": [one.reason.value for one in closings],
        "by": [one.by[:MOST_BY] or None for one in closings],
        "at": [one.at for one in closings],
    }
    rows = store.execute(_SQL["close_channels" if waits else "close_free_channels"], told).fetchall()
    return [Closed(known=row["known"], closed=row["closed"]) for row in rows]


def hear_notice(
    connection: Connection, signature: bytes, closings: Sequence[Closing], *, keep_s: float
) -> list[Closed] | None:
    """Close channels because a notice with this signature says so, once; return None if it was heard before.

    :param keep_s: seconds for which a notice could be sent again and be taken
    """
    with connection.transaction():
        connection.execute(_SQL["forget_notices"], {"keep_s": keep_s})
        if connection.execute(_SQL["hear_notice"], {"signature": signature}).fetchone() is None:
            return None
        return close_channels(connection, closings)


def close_by_hand(connection: Connection, closing: Closing, *, actor: str = "", reason: str = "") -> Closed:
    """Close a channel of a contact because a person says so, which is audited.

    :param actor: who; by default the account of this process
    :param reason: why, for the audit; never an address
    """
    subject = f"contact {closing.contact_id}, {closing.type}"
    with audited(connection, "close channel", subject, actor=actor, reason=reason) as entry:
        (done,) = close_channels(connection, [closing])
        entry.rows = int(done.closed)
    return done


def reopen_channel(store: Store, contact_id: int, channel: str, value: str = "") -> int:
    """Open the closed channels of one type of a contact, and return how many: its owner wants messages again.

    :param value: the locator; empty for all of this type
    """
    whose = {"contact_id": contact_id, "type": channel, "locator": value}
    return store.execute(_SQL["reopen_locator" if value else "reopen_channels"], whose).rowcount


def reopen_by_hand(connection: Connection, contact_id: int, channel: str, *, actor: str = "", reason: str = "") -> int:
    """Open the channels of one type of a contact because a person says so, which is audited; return how many.

    :param actor: as for ``close_by_hand``, like ``reason``
    """
    subject = f"contact {contact_id}, {channel}"
    with audited(connection, "reopen channel", subject, actor=actor, reason=reason) as entry:
        entry.rows = reopen_channel(connection, contact_id, channel)
    return entry.rows


def reopen_failed(  # noqa: PLR0913  (what is opened, and for the audit who and why)
    connection: Connection, channel: str, *, since: datetime, until: datetime, actor: str = "", reason: str = ""
) -> int:
    """Open what was closed in a span of time because its locator failed, such as by a mail server gone wrong.

    What owners want is not touched.

    :return: how many channels were opened
    """
    span = {"type": channel, "since": since, "until": until}
    subject = f"{channel} that failed from {since:%Y-%m-%dT%H:%M:%S%z} to {until:%Y-%m-%dT%H:%M:%S%z}"
    with audited(connection, "reopen channel", subject, actor=actor, reason=reason) as entry:
        entry.rows = connection.execute(_SQL["reopen_failed"], span).rowcount
    return entry.rows


def list_closed(connection: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the channels that were closed last: contact_id, type, closed_at, closed_for, closed_by."""
    return connection.execute(_SQL["list_closed"], {"limit": limit}).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingsAsked:
    """Which closed channels are listed: those that are still closed, in the order of their closing.

    :ivar reasons: why they were closed
    :ivar channel: type and locator of the one that is asked for; None for all
    :ivar after: when the last one that is known was closed, and its id
    """

    since: datetime
    until: datetime
    reasons: Sequence[ClosedFor]
    channel: tuple[str, str] | None = None
    after: tuple[datetime, int] | None = None


def list_closings(connection: Connection, asked: ClosingsAsked, *, limit: int) -> list[dict[str, Any]]:
    """Return channels that were closed in a span of time: whose, and why. They hold addresses: never log them."""
    after, after_id = asked.after or (asked.since, 0)
    kind, locator = asked.channel or ("", "")
    terms = {
        "since": asked.since,
        "until": asked.until,
        "after": after,
        "after_id": after_id,
        "reasons": [one.value for one in asked.reasons],
        "type": kind,
        "locator": locator,
        "limit": limit,
    }
    return connection.execute(_SQL["list_closings_of" if asked.channel else "list_closings"], terms).fetchall()


def parse_closed_for(text: str) -> ClosedFor:
    """Return a reason by its word.

    :raises ValueError: it is none; says which there are
    """
    try:
        return ClosedFor(text.strip().lower())
    except ValueError:
        msg = f"not one of {', '.join(one.value for one in ClosedFor)}"
        raise ValueError(msg) from None
