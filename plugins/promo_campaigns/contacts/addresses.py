"""Where contacts live: written with one contact here, and in bulk by ``bulk_store``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.contacts import ADDRESS_PARTS
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def put_address(connection: Connection, contact_id: int, address: Mapping[str, str]) -> None:
    """Write the parts of an address that were sent; the others stay as they are.

    :param address: by ``model.contacts.ADDRESS_PARTS``
    """
    if address:
        parts = {part: address.get(part) for part in ADDRESS_PARTS}
        connection.execute(_SQL["put_address"], {"contact_id": contact_id, **parts})
