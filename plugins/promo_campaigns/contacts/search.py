"""Finds contacts for callers of the profile API: by locator, by name, by group, page by page.

A page begins after the last contact of the one before, so its cost does not depend on how far it is from the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """The last contact of a page.

    :ivar name: its first name in lower case, where that decides the order
    """

    contact_id: int = 0
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a search is for. Locators are cleaned; names are compared in any case; empty is not asked for."""

    email: str = field(default="", repr=False)
    sms: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    group_id: int = 0

    @property
    def query(self) -> str:
        """The statement that finds them."""
        if self.email or self.sms:
            return "by_locator"
        if self.group_id:
            return "by_group"
        if self.last_name:
            return "by_names" if self.first_name else "by_last_name"
        return "by_first_name" if self.first_name else "everybody"


def find_page(connection: Connection, wanted: Wanted, after: Place, *, limit: int) -> list[Place]:
    """Return the contacts after one, at most ``limit``. Erased and deleted ones are not found."""
    rows = connection.execute(_SQL[wanted.query], {**_terms(wanted), **_after(after), "limit": limit}).fetchall()
    return [Place(row["contact_id"], row["name"]) for row in rows]


def _terms(wanted: Wanted) -> dict[str, object]:
    locators = [(kind, value) for kind, value in (("email", wanted.email), ("sms", wanted.sms)) if value]
    return {
        "types": [kind for kind, _ in locators],
        "locators": [value for _, value in locators],
        "first_name": wanted.first_name,
        "last_name": wanted.last_name,
        "group_id": wanted.group_id,
    }


def _after(place: Place) -> dict[str, object]:
    return {"after": place.contact_id, "after_name": place.name}


def read_shown(connection: Connection, contact_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return contacts as the profile API shows them, by id; erased and deleted ones are left out.

    Like ``contacts.store.read_contacts``, and ``groups: [{id, name}]``, ``address`` or None, and of each channel
    ``closed_at``, ``closed_for`` and ``closed_by``. They hold addresses: never log them.
    """
    return connection.execute(_SQL["read_shown"], {"contact_ids": list(contact_ids)}).fetchall()


def read_emails(connection: Connection, contact_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return ``contact_id`` and ``email`` of those contacts that have an address."""
    return connection.execute(_SQL["read_emails"], {"contact_ids": list(contact_ids)}).fetchall()
