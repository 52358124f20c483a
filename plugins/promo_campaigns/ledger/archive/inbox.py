"""Old messages of the inbox transport."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_MESSAGES_AT_ONCE = 2_000
_FIRST_KEY = "00000000-0000-0000-0000-000000000000"


def drop_old_messages(connection: Connection, days: int) -> int:
    """Drop the messages that were received so many days ago, and return how many they were.

    Those of contacts for whom a send is under way or of unknown outcome stay: the inbox knows a repeat by them.
    """
    dropped, after, key = 0, datetime.min.replace(tzinfo=timezone.utc), _FIRST_KEY
    while True:
        asked = {"days": days, "after": after, "after_key": key, "limit": _MESSAGES_AT_ONCE}
        last = connection.execute(_SQL["next_messages"], asked).fetchone()
        if last is None:
            return dropped
        ends = {"last": last["received_at"], "last_key": last["idempotency_key"]}
        dropped += connection.execute(_SQL["drop_messages"], {**asked, **ends}).rowcount
        after, key = last["received_at"], last["idempotency_key"]


def count_old_messages(connection: Connection, *, inbox_days: int, event_days: int) -> tuple[int, int]:
    """Return how many messages of the inbox are as old, and how many events that hold what callers said."""
    row = connection.execute(_SQL["count_messages"], {"inbox_days": inbox_days, "event_days": event_days}).fetchall()[0]
    return int(row["messages"]), int(row["events"])
