"""What became of a run, read from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.ledger.chains.given import count_given
from promo_campaigns.ledger.fallback import count_fallback
from promo_campaigns.ledger.oversight.first_share import read_first_share
from promo_campaigns.ledger.stock_forecast import STRANGERS
from promo_campaigns.model.errors import RunUnknownError
from promo_campaigns.model.run_report import FailingReceiver, RunReport, Tally
from promo_campaigns.model.run_spec import note_on_transport, receivers_of
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def read_report(connection: Connection, run_id: int) -> RunReport:
    """Report a run as it stands, open or closed.

    :raises RunUnknownError: there is no such run
    """
    with connection.transaction():
        run = connection.execute(_SQL["read_run"], {"run_id": run_id}).fetchone()
        if run is None:
            raise RunUnknownError(run_id)
        stock = connection.execute(_SQL["count_stock"], {"run_id": run_id}).fetchall()
        counted = "count_kept" if run["is_archived"] else "count_states"
        counts = connection.execute(_SQL[counted], {"run_id": run_id}).fetchall()
        called = receivers_of(run["definition"]) if run["is_open"] else []
        first_share = read_first_share(connection, run_id)
        failing = failing_receivers(connection, called)
        fallback = count_fallback(connection, run_id) if run["definition"].get("fallback") else 0
        pools = count_given(connection, run_id) if len(stock) > 1 else ()
    forecast = dict(run["forecast"] or {})
    strangers = forecast.pop(STRANGERS, 0)
    return RunReport(
        run_key=run["run_key"],
        workflow=run["workflow"],
        data_sources=tuple(run["data_sources"]),
        tally=Tally.of_rows(counts),
        pool_left=sum(pool["codes"] for pool in stock),
        expiring_soon=sum(pool["expiring_soon"] for pool in stock),
        seconds=round(run["seconds"], 3),
        forecast=forecast or None,
        strangers=strangers,
        note=note_on_transport(run["transport"]),
        receivers=failing,
        first_share=first_share,
        fallback=fallback,
        pools=pools,
    )


def failing_receivers(connection: Connection, names: Sequence[str]) -> tuple[FailingReceiver, ...]:
    """Return those of some receivers that take no calls just now."""
    rows = connection.execute(_SQL["read_receivers"], {"names": list(names)}).fetchall()
    return tuple(FailingReceiver(**row) for row in rows)
