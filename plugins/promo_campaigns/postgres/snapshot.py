"""Reading the store as it was at one moment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection


_SQL = queries(__name__)


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Open a transaction that sees one moment and can write nothing."""
    with connection.transaction():
        connection.execute(_SQL["begin_reading"])
        yield
