"""The inbox transport: messages are kept in the store, where `promo inbox` shows them. Nobody is bothered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.core.models import Outcome, Verdict
from promo_campaigns.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.adapters.postgres import Connection
    from promo_campaigns.core.models import OutgoingMessage

_SQL = queries("inbox")
_FOREVER_S = 10 * 365 * 86400.0
_COLUMNS = {
    "keys": "idempotency_key",
    "contact_ids": "contact_id",
    "channels": "channel",
    "locators": "locator",
    "titles": "title",
    "bodies": "body",
}


class InboxTransport:
    """A receiver that honours idempotency keys for ever and takes any channel.

    :param connection: a connection of its own, apart from the ledger's, as a real receiver would be
    """

    name = "inbox"
    in_flight = 500
    resend_within_s = _FOREVER_S

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[Verdict]:  # noqa: ARG002  (one local statement, bounded by the connection's own limits)
        """Keep the messages in one statement."""
        rows = {column: [getattr(message, field) for message in messages] for column, field in _COLUMNS.items()}
        self._connection.execute(_SQL["keep_messages"], rows)
        return [Verdict(contact_id=message.contact_id, outcome=Outcome.OK) for message in messages]

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return the keys of messages that have arrived."""
        rows = self._connection.execute(_SQL["known_keys"], {"keys": list(keys)}).fetchall()
        return {row["key"] for row in rows}


def read_inbox(connection: Connection, *, contact_id: int | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest messages, at most ``limit``, of one contact or of all.

    Keys: contact_id, channel, locator, title, body, received_at.
    """
    return connection.execute(_SQL["read_messages"], {"contact_id": contact_id, "limit": limit}).fetchall()
