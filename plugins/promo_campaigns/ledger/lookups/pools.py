"""The stock of codes with what becomes of it: what runs out soon, what is reserved, how long it lasts."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.chains.forecast import reserved_by_chains
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
USED_DAYS = 30
"""The days before now whose runs say how fast a pool is used up."""
MOST_RUNS = 2_000
"""Of these the newest so many are looked at: a stream of events opens thousands a day."""
_DAY_S = 86_400.0


def read_pools(connection: Connection) -> list[dict[str, Any]]:
    """Return each pool: type, discount, free, issued, retired, expired, expiring, reserved, per_day, days_left.

    Free codes that open runs have still to claim are reserved; a run with a chain takes them of each pool in turn.
    ``days_left`` is None where nothing was given lately.
    """
    chained = reserved_by_chains(connection)
    rows = connection.execute(_SQL["read_pools"]).fetchall()
    return [
        _outlook(connection, row | {"reserved": chained.get((row["type"], row["discount"]), row["reserved"])})
        for row in rows
    ]


def read_burn(connection: Connection, code_type: str, discount: int, days: int) -> list[dict[str, Any]]:
    """Return how many codes of a pool were given in the runs of each day that has any: day, given, runs, since.

    Of very many runs the newest are counted, so that the first day may be a part of one.
    """
    asked = {"type": code_type, "discount": discount, "days": days, "limit": MOST_RUNS}
    return connection.execute(_SQL["read_burn"], asked).fetchall()


def _outlook(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    burnt = read_burn(connection, row["type"], row["discount"], USED_DAYS)
    given = sum(day["given"] or 0 for day in burnt)
    span_s = (datetime.now(timezone.utc) - burnt[0]["since"]).total_seconds() if burnt else 0.0
    per_day = given / max(span_s / _DAY_S, 1.0)
    expiring = {"7": row.pop("expiring_in_7"), "30": row.pop("expiring_in_30")}
    left = max(row["free"] - row["reserved"], 0)
    days_left = round(left / per_day, 1) if per_day else None
    return {**row, "expiring": expiring, "per_day": round(per_day, 1), "days_left": days_left}
