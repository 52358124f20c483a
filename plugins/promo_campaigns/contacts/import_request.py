"""A bulk request of the profile API while it is queued: plain values that fit a JSON column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.contacts import Channel, Contact, Matching, Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

MOST_CONTACTS = 3_000
"""Contacts in one request, at most: the vendor's limit."""


@dataclass(frozen=True, slots=True)
class ContactImport:
    """A bulk request.

    :param rows: contacts that can be tried, numbered by their position in the request
    """

    rows: Sequence[Row]
    matching: Matching

    def as_dict(self) -> dict[str, Any]:
        """Return the request as plain JSON values. They hold addresses: never log them."""
        return {
            "channels": self.matching.channels,
            "field_id": self.matching.field_id,
            "listed": self.matching.listed,
            "restores": self.matching.restores,
            "joins": self.matching.joins,
            "leaves": self.matching.leaves,
            "event_type": self.matching.event_type,
            "row_noun": self.matching.row_noun,
            "rows": [_row_as_list(row) for row in self.rows],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ContactImport:
        """Rebuild the request that the store holds."""
        matching = Matching(
            channels=None if stored["channels"] is None else tuple(stored["channels"]),
            field_id=stored["field_id"],
            listed=None if stored["listed"] is None else tuple(stored["listed"]),
            # A request that was queued by an earlier version has none of these.
            row_noun=stored.get("row_noun", "position"),
            restores=stored.get("restores", False),
            joins=tuple(stored.get("joins", ())),
            leaves=tuple(stored.get("leaves", ())),
            event_type=stored.get("event_type", ""),
        )
        return cls([_row_from_list(row) for row in stored["rows"]], matching)


@dataclass(frozen=True, slots=True)
class ImportStatus:
    """The status of a bulk request, or of a file.

    :param state: ``queued``, ``finished`` or ``failed``
    :param failed: how many contacts were refused
    :param changed_at: since when it is in this state
    :param failures: refused contacts, at acceptance or later, of a file the first ones; each row is a position in the
        request, from 0, or a line of the file
    """

    session_id: str
    state: str
    total: int
    inserted: int
    updated: int
    unchanged: int
    failed: int
    changed_at: datetime
    failures: list[Rejected]


def _row_as_list(row: Row) -> list[Any]:
    one = row.contact
    channels = [[channel.type, channel.value, channel.device] for channel in one.channels]
    names = [one.external_id, one.first_name, one.last_name, one.language, one.time_zone]
    return [row.number, row.contact_id, channels, list(one.values.items()), *names, dict(one.address)]


def _row_from_list(stored: Sequence[Any]) -> Row:
    number, contact_id, channels, values, external_id, first_name, last_name, language, *more = stored
    # A request that was queued by an earlier version has no more.
    time_zone, address = more or (None, {})
    contact = Contact(
        channels=tuple(Channel(*channel) for channel in channels),
        values={field_id: value for field_id, value in values},  # noqa: C416  (pairs are lists after JSON)
        external_id=external_id,
        first_name=first_name,
        last_name=last_name,
        language=language,
        time_zone=time_zone,
        address=address,
    )
    return Row(number, contact, contact_id)
