"""Groups of contacts: named lists that callers of the profile API put contacts into, and audiences select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import ContactError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
MOST_GROUPS = 10_000
"""Groups there may be: a search looks at all of their names."""
NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Group:
    """A group."""

    group_id: int
    name: str


def clean_group_name(text: str) -> str:
    """Return the name of a group, trimmed.

    :raises ValueError: empty, over 255 characters, or with a control character
    """
    value = text.strip()
    if not value or len(value) > NAME_LENGTH or not value.isprintable():
        msg = f"the name of a group has 1 to {NAME_LENGTH} characters and no control characters"
        raise ValueError(msg)
    return value


def find_groups(connection: Connection, names: Sequence[str]) -> list[int]:
    """Return the ids of those groups that exist, ascending; names are compared in any case."""
    rows = connection.execute(_SQL["find_groups"], {"names": list(names)}).fetchall()
    return [row["group_id"] for row in rows]


def ensure_groups(connection: Connection, names: Sequence[str]) -> list[int]:
    """Return the ids of these groups, ascending; those that do not exist are created.

    :param names: cleaned by ``clean_group_name``
    :raises ContactError: there would be too many groups
    """
    wanted: dict[str, str] = {}
    for name in names:
        wanted.setdefault(name.lower(), name)
    found = find_groups(connection, list(wanted.values()))
    if len(found) == len(wanted):
        return found
    connection.execute(_SQL["add_groups"], {"names": list(wanted.values()), "most": MOST_GROUPS})
    found = find_groups(connection, list(wanted.values()))
    if len(found) < len(wanted):
        problem = f"there are {MOST_GROUPS} groups, and may be no more"
        raise ContactError(problem, place="groups")
    return found


def find_group(connection: Connection, group_id: int) -> Group | None:
    """Return a group by its id, or None."""
    row = connection.execute(_SQL["find_group"], {"group_id": group_id}).fetchone()
    return None if row is None else Group(**row)


def list_groups(connection: Connection, *, name: str = "", after: int = 0, limit: int) -> list[Group]:
    """Return groups by id, those after one.

    :param name: a part of the name, in any case; empty for all
    """
    query = "list_groups_by_name" if name else "list_groups"
    rows = connection.execute(_SQL[query], {"name": name, "after": after, "limit": limit}).fetchall()
    return [Group(**row) for row in rows]


def join_groups(connection: Connection, contact_id: int, group_ids: Sequence[int]) -> None:
    """Put a contact into groups; one that it is in already changes nothing."""
    connection.execute(_SQL["join_groups"], {"contact_id": contact_id, "group_ids": list(group_ids)})


def add_subscriptions(connection: Connection, contact_id: int, names: Sequence[str]) -> list[int]:
    """Subscribe a contact to categories, which are made by naming them; return the ids of their groups.

    :param names: cleaned by ``clean_group_name``
    :raises ContactError: there would be too many groups
    """
    group_ids = ensure_groups(connection, names)
    if group_ids:
        connection.execute(_SQL["make_subscriptions"], {"group_ids": group_ids})
        join_groups(connection, contact_id, group_ids)
    return group_ids


def set_subscriptions(connection: Connection, contact_id: int, names: Sequence[str]) -> None:
    """Subscribe a contact to these categories, and to no others; see ``add_subscriptions``."""
    with connection.transaction():
        group_ids = add_subscriptions(connection, contact_id, names)
        connection.execute(_SQL["leave_subscriptions"], {"contact_id": contact_id, "group_ids": group_ids})


def subscriptions_of(connection: Connection, contact_id: int) -> list[Group]:
    """Return the categories that a contact is subscribed to."""
    rows = connection.execute(_SQL["subscriptions_of"], {"contact_id": contact_id}).fetchall()
    return [Group(**row) for row in rows]


def list_subscriptions(connection: Connection) -> list[dict[str, Any]]:
    """Return all categories: group_id, name, created_at."""
    return connection.execute(_SQL["list_subscriptions"]).fetchall()


def attach(connection: Connection, group_id: int, contact_ids: Sequence[int]) -> list[int]:
    """Put contacts into a group; return those that exist and were not in it."""
    named = {"group_id": group_id, "contact_ids": sorted(set(contact_ids))}
    return sorted(row["contact_id"] for row in connection.execute(_SQL["attach"], named).fetchall())


def detach(connection: Connection, group_id: int, contact_ids: Sequence[int]) -> list[int]:
    """Take contacts out of a group; return those that were in it."""
    named = {"group_id": group_id, "contact_ids": sorted(set(contact_ids))}
    return sorted(row["contact_id"] for row in connection.execute(_SQL["detach"], named).fetchall())
