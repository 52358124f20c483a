"""The stock of codes with what becomes of it: what runs out soon, what is reserved, how long it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
USED_DAYS = 30
"""The days before now whose runs say how fast a pool is used up."""


def read_pools(connection: Connection) -> list[dict[str, Any]]:
    """Return each pool: type, discount, free, issued, retired, expired, expiring, reserved, per_day, days_left.

    Free codes that open runs have still to claim are reserved. ``days_left`` is None where nothing was given lately.
    """
    return [_outlook(row) for row in connection.execute(_SQL["read_pools"], {"days": USED_DAYS}).fetchall()]


def read_burn(connection: Connection, code_type: str, discount: int, days: int) -> list[dict[str, Any]]:
    """Return how many codes of a pool were given in the runs of each day that has any: day, given."""
    asked = {"type": code_type, "discount": discount, "days": days}
    return connection.execute(_SQL["read_burn"], asked).fetchall()


def _outlook(row: dict[str, Any]) -> dict[str, Any]:
    given, days = row.pop("given"), row.pop("days")
    per_day = given / max(days, 1.0) if given and days is not None else 0.0
    row["expiring"] = {"7": row.pop("expiring_in_7"), "30": row.pop("expiring_in_30")}
    left = max(row["free"] - row["reserved"], 0)
    return {**row, "per_day": round(per_day, 1), "days_left": round(left / per_day, 1) if per_day else None}
