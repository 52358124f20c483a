"""The stock of codes with what becomes of it: what runs out soon, what is reserved, how long it lasts."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import groupby
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.code_files.stock import shown_stock
from promo_campaigns.ledger.chains.forecast import reserved_by_chains
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    ``days_left`` is None where nothing was given lately. ``values`` says how many codes are free that carry the same
    attributes, where any do.
    """
    start_codes(connection)
    chained = reserved_by_chains(connection)
    rows = connection.execute(_SQL["read_pools"]).fetchall()
    pools = [_pool(list(rows)) for _, rows in groupby(rows, key=lambda row: (row["type"], row["discount"]))]
    return [
        _outlook(connection, pool | {"reserved": chained.get((pool["type"], pool["discount"]), pool["reserved"])})
        for pool in pools
    ]


def _pool(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the numbers of a pool, of the rows of its attributes."""
    counts = ("issued", "retired", "free", "expired", "expiring_in_7", "expiring_in_30")
    pool = dict(rows[0]) | {name: sum(row[name] for row in rows) for name in counts}
    carried = [row for row in rows if row["attributes"]]
    values = [{"attributes": row["attributes"], "free": row["free"]} for row in shown_stock(carried)]
    del pool["attributes"]
    return {**pool, "values": values}


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
