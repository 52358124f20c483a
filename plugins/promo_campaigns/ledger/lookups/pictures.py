"""What the links to pictures of codes are signed with, and which code a link shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors import LedgerError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)


def picture_key(store: Store) -> bytes:
    """Return the key of the store with which links to pictures are signed. Never logged.

    :raises LedgerError: it was deleted; every link that was signed with it has ended
    """
    row = store.execute(_SQL["picture_key"]).fetchone()
    if row is None:
        msg = "the store has no key for links to pictures: table promo.picture_key is empty, see docs/barcodes.md"
        raise LedgerError(msg)
    return bytes(row["key"])


def pictured_code(connection: Connection, run_id: int, contact_id: int) -> str | None:
    """Return the code that a contact holds in a run; None if it holds none any more, or was erased."""
    whose = {"run_id": run_id, "contact_id": contact_id}
    row = connection.execute(_SQL["pictured_code"], whose).fetchone()
    return row["code"] if row else None
