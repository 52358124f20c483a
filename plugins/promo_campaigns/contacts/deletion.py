"""Deletes contacts without erasing them: they are neither found nor sent to until they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def delete_contact(connection: Connection, contact_id: int) -> bool:
    """Delete a contact, and close its channels; return whether there was one that was not deleted before.

    It keeps its identifiers and its codes: one who comes back is the same contact, and gets no second code.
    """
    return connection.execute(_SQL["delete_contact"], {"contact_id": contact_id}).fetchone() is not None


def restore_contact(connection: Connection, contact_id: int) -> bool:
    """Take a deleted contact back, with those channels open that the deletion closed; return whether it was one."""
    return connection.execute(_SQL["restore_contact"], {"contact_id": contact_id}).fetchone() is not None
