"""How far readers of other databases came, so that each reads only what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
Kind = Literal["number", "text"]


class Mark(NamedTuple):
    """The greatest value that was read.

    :ivar kind: how the value is written where a database compares it
    """

    kind: Kind
    value: str


def read_mark(connection: Connection, reader: str, digest: bytes | None = None) -> Mark | None:
    """Return how far a reader came; None if it has read nothing yet.

    :param digest: of what it asks; with another one it has read nothing
    """
    row = connection.execute(_SQL["read_mark"], {"reader": reader, "digest": digest}).fetchone()
    return Mark(row["kind"], row["value"]) if row else None


def move_mark(connection: Connection, reader: str, mark: Mark, digest: bytes | None = None) -> None:
    """Note how far a reader came."""
    connection.execute(_SQL["move_mark"], {"reader": reader, "digest": digest, **mark._asdict()})
