"""Stores, lists and erases events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from promo_campaigns.contacts.store import TRIES, put_contact
from promo_campaigns.model.contacts import WAS_ERASED, Contact
from promo_campaigns.model.errors import ConfigurationError, ContactError, StoreUnavailableError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from promo_campaigns.model.events import Event, Identity
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
COUNTED_WAITING = 10_000
"""So many waiting events of a workflow are counted; of more it is only said that they are more."""


def add_event(connection: Connection, event: Event) -> int:
    """Store an event, and queue it for every workflow that listens to its type; return its id.

    An unknown contact is created. A known one is not changed: an event is no profile update.

    :raises ContactError: the contact was erased
    :raises StoreUnavailableError: another transaction is writing the contact or the same event
    """
    return _keep(connection, event, "add_event", {})


def add_past_event(connection: Connection, event: Event, occurred_at: datetime) -> int:
    """Store an event that happened earlier, as ``add_event`` does, but queue it for nobody; return its id."""
    return _keep(connection, event, "add_past_event", {"occurred_at": occurred_at})


def _keep(connection: Connection, event: Event, query: str, more: Mapping[str, object]) -> int:
    row: dict[str, object] = {
        **more,
        "type": event.type,
        "key": event.key,
        "params": Jsonb(dict(event.params)),
        "token": event.token,
    }
    for _ in range(TRIES):
        row["contact_id"] = contact_of(connection, event.identity)
        kept = connection.execute(_SQL[query], row).fetchone()
        if kept is not None:
            return int(kept["event_id"])
    problem = "the same request is in progress; try again"
    raise StoreUnavailableError(problem)


def contact_of(connection: Connection, identity: Identity) -> int | None:
    """Return the contact that an event or an order names; an unknown one is created, a known one is not changed.

    :raises ContactError: the contact was erased
    """
    wanted = {
        "contact_id": identity.contact_id,
        "external_id": identity.external_id,
        "types": [channel.type for channel in identity.channels],
        "locators": [channel.value for channel in identity.channels],
    }
    found = connection.execute(_SQL["find_contact"], wanted).fetchone() or {}
    if found["erased"]:
        raise ContactError(WAS_ERASED, place="params")
    if found["contact_id"] is not None:
        return int(found["contact_id"])
    free = tuple(channel for place, channel in enumerate(identity.channels) if place not in found["held"])
    if not free and not identity.external_id:
        return None
    return put_contact(connection, Contact(channels=free, external_id=identity.external_id))


def list_events(
    connection: Connection, *, type_name: str | None = None, waiting: bool = False, limit: int = 20
) -> list[dict[str, Any]]:
    """Return the newest events, at most ``limit``, with the workflows that they were queued for.

    Keys: event_id, type, key (it may be an address: mask it), contact_id, received_at, erased, and workflows: a list of
    workflow, run_key and refused, the last two None while the event waits.

    :param waiting: only events that wait for some workflow
    """
    query = ("newest_waiting" if waiting else "newest") + ("_of_type" if type_name is not None else "")
    newest = connection.execute(_SQL[query], {"type": type_name, "limit": limit}).fetchall()
    return connection.execute(_SQL["list_events"], {"event_ids": [row["event_id"] for row in newest]}).fetchall()


def list_listeners(connection: Connection) -> list[dict[str, Any]]:
    """Return the workflows that listen: workflow, type, since, waiting (a count), oldest (of those that wait).

    A count above ``COUNTED_WAITING`` says that there are more than that.
    """
    return connection.execute(_SQL["list_listeners"], {"limit": COUNTED_WAITING + 1}).fetchall()


def purge_events(connection: Connection, *, days: int) -> dict[str, int]:
    """Erase keys and parameters of events older than so many days; return the counts refused, erased and deleted.

    Events that still wait after so long are refused. Which event made which contact enter a workflow is kept, for the
    rules of re-entry.

    :raises ConfigurationError: fewer than one day
    """
    if days < 1:
        msg = f"events are kept for at least 1 day, not {days}"
        raise ConfigurationError(msg)
    done: dict[str, int] = {}
    with connection.transaction():
        for word in ("refused", "erased", "deleted"):
            query = {"refused": "refuse_old", "erased": "erase_old", "deleted": "delete_old"}[word]
            done[word] = connection.execute(_SQL[query], {"days": days}).rowcount
    return done
