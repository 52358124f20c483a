"""Keeps the orders of shops, and makes an event of each state that an order comes to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from promo_campaigns.contacts.event_store import add_event, contact_of
from promo_campaigns.model.events import KEY_LENGTH, Event, Identity
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
STATUSES = ("INITIALIZED", "IN_PROGRESS", "DELIVERED", "CANCELLED", "ABANDONED_SHOPPING_CART")
_TOKENS = UUID("0c9c3c4e-3a55-4f2e-9d55-7a0b5c0b7f31")
_NOT_IN_KEYS = re.compile(r"[^\w .:#@+=()-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as a shop tells of it. Never logged.

    :ivar external_id: as the shop calls it: the same one again is the same order
    :ivar status: one of ``STATUSES``
    :ivar details: whatever else was said of it, as JSON values
    """

    external_id: str = field(repr=False)
    identity: Identity
    status: str
    ordered_at: datetime
    total: Decimal
    currency: str
    details: Mapping[str, Any] = field(repr=False)


def put_order(connection: Connection, order: Order) -> int:
    """Keep an order, or what is new of it, and make the event of its status once; return its id.

    :raises ContactError: its contact was erased
    """
    contact_id = contact_of(connection, order.identity)
    row = connection.execute(
        _SQL["put_order"],
        {
            "external_id": order.external_id,
            "contact_id": contact_id,
            "status": order.status,
            "ordered_at": order.ordered_at,
            "total": order.total,
            "currency": order.currency,
            "details": Jsonb(dict(order.details)),
        },
    ).fetchone()
    add_event(connection, _event(order, contact_id))
    return int(row["shop_order_id"]) if row else 0


def _event(order: Order, contact_id: int | None) -> Event:
    params = {
        **order.details,
        "externalOrderId": order.external_id,
        "status": order.status,
        "date": order.ordered_at.isoformat(),
        "totalCost": str(order.total),
        "currency": order.currency,
    }
    return Event(
        type=f"order{order.status}",
        key=_NOT_IN_KEYS.sub("-", order.external_id)[:KEY_LENGTH],
        identity=order.identity if contact_id is None else Identity(contact_id=contact_id),
        params=params,
        # An order comes to a status once, however often it is told of.
        token=uuid5(_TOKENS, f"{order.status}\n{order.external_id}"),
    )


def read_order(connection: Connection, external_id: str) -> dict[str, Any] | None:
    """Return an order by the shop's id for it, or None. It holds what the shop has said of a person: never log it."""
    return connection.execute(_SQL["read_order"], {"external_id": external_id}).fetchone()


def delete_order(connection: Connection, external_id: str) -> bool:
    """Delete an order; return whether there was one. The events that it made stay."""
    return connection.execute(_SQL["delete_order"], {"external_id": external_id}).rowcount > 0


def count_orders(connection: Connection, contact_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return ``count`` and ``last`` (a time) of the orders of those contacts that have any."""
    rows = connection.execute(_SQL["count_orders"], {"contact_ids": contact_ids}).fetchall()
    return {row["contact_id"]: row for row in rows}
