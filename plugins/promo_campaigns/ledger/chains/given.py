"""What each pool of a run's chain gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.run_report import PoolGiven
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def count_given(connection: Connection, run_id: int) -> tuple[PoolGiven, ...]:
    """Return how many contacts whose message was accepted hold a code of each pool, in the order of the chain.

    It is empty for a run of one pool.
    """
    rows = connection.execute(_SQL["count_given"], {"run_id": run_id}).fetchall()
    return tuple(PoolGiven(type=row["type"], discount=row["discount"], given=row["given"]) for row in rows)


def keep_given(connection: Connection, run_id: int) -> None:
    """Keep with a run that is being closed how many codes of each pool its contacts hold."""
    rows = connection.execute(_SQL["count_given"], {"run_id": run_id}).fetchall()
    connection.execute(_SQL["keep_given"], {"run_id": run_id, "given": [row["held"] for row in rows]})
