"""The inbox transport: messages are kept in the store, where `promo inbox` shows them. Nothing leaves."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import psycopg

from promo_campaigns.delivery.transports.base import BaseTransport, TransportSettings
from promo_campaigns.model.errors import CallRefusedError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.reconnecting import reconnecting, retried
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)
_END_OF_TIME, _LAST_KEY = datetime.max.replace(tzinfo=timezone.utc), "ffffffff-ffff-ffff-ffff-ffffffffffff"
_FOREVER_S = 10 * 365 * 86400.0
_COLUMNS = {
    "keys": "idempotency_key",
    "channels": "channel",
    "locators": "locator",
    "titles": "title",
    "bodies": "body",
    "htmls": "html",
}


class InboxTransport(BaseTransport):
    """A receiver that honours idempotency keys for ever and takes any channel and any option."""

    name = "inbox"
    options = None
    needs_connection = False
    batch_size = 1000
    concurrency = 1
    key_window_s = _FOREVER_S
    looks_up = True

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        self._open = ExitStack()
        self._kept: Store | None = None

    @classmethod
    def over(cls, connection: Store) -> InboxTransport:
        """Return one that needs no opening, over a connection of its own: a receiver is not the ledger."""
        transport = cls(TransportSettings())
        transport._kept = connection
        return transport

    async def __aenter__(self) -> Self:
        """Connect to the store, apart from the ledger, as to a real receiver."""
        self._kept = self._open.enter_context(reconnecting(self.settings.dsn))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._open.close()

    async def call(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryResult]:
        """Keep the messages in one statement."""
        try:
            retried(self._store, lambda: keep_messages(self._store, messages))
        except (psycopg.DataError, UnicodeEncodeError):
            detail = "a text that Postgres cannot keep"
            raise CallRefusedError(detail) from None
        return [DeliveryResult(contact_id=message.contact_id, outcome=Outcome.OK) for message in messages]

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return the keys of messages that have arrived."""
        asked = {"keys": list(keys)}
        rows = retried(self._store, lambda: self._store.execute(_SQL["known_keys"], asked).fetchall())
        return {row["key"] for row in rows}

    @property
    def _store(self) -> Store:
        if self._kept is None:
            msg = "the inbox is not open: use it inside `async with`"
            raise RuntimeError(msg)
        return self._kept


def keep_messages(store: Store | Connection, messages: Sequence[OutgoingMessage]) -> None:
    """Keep messages in one statement; one whose key is known is the same message again and changes nothing."""
    texts = {column: [getattr(message, field) for message in messages] for column, field in _COLUMNS.items()}
    rows = {column: text_array(each) for column, each in texts.items()}
    rows["contact_ids"] = bigint_array(message.contact_id for message in messages)
    store.execute(_SQL["keep_messages"], rows)


def known_messages(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of these keys under which a message has arrived."""
    rows = connection.execute(_SQL["known_keys"], {"keys": list(keys)}).fetchall()
    return {row["key"] for row in rows}


def inbox_page(connection: Connection, *, before: tuple[datetime, str] | None, limit: int) -> list[dict[str, Any]]:
    """Return a page of the messages, newest first. They hold codes and addresses: never log them.

    Keys: key, contact_id, channel, locator, title, body, received_at.

    :param before: ``received_at`` and ``key`` of the last message of the page before
    """
    at, key = before or (_END_OF_TIME, _LAST_KEY)
    return connection.execute(_SQL["messages_before"], {"at": at, "key": key, "limit": limit}).fetchall()


def inbox_message(connection: Connection, key: str) -> dict[str, Any] | None:
    """Return one message, its HTML included; None if there is none. It holds codes and addresses: never log it.

    Keys: those of a page, and html.

    :param key: as a page has it
    """
    return connection.execute(_SQL["message_of_key"], {"key": key}).fetchone()


def read_inbox(connection: Connection, *, contact_id: int | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest messages, at most ``limit``, of one contact or of all.

    Keys: contact_id, channel, locator, title, body, received_at.
    """
    query = "read_messages" if contact_id is None else "read_messages_of_contact"
    return connection.execute(_SQL[query], {"contact_id": contact_id, "limit": limit}).fetchall()
