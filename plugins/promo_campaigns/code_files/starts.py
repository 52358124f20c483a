"""Codes with a start: they enter the pool when somebody asks what is in it, and their start has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)


def start_codes(connection: Connection | Store) -> bool:
    """Put codes whose start has come into their pools, and tell whether there were any.

    An account that only reads leaves that to the others.
    """
    found = connection.execute(_SQL["has_due_codes"]).fetchone()
    if not found or not found["due"]:
        return False
    connection.execute(_SQL["start_codes"])
    return True
