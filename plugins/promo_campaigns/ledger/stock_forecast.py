"""Codes wanted against codes in stock, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from promo_campaigns.ledger.chains.forecast import weigh_chain
from promo_campaigns.ledger.matching.contacts import skip_short
from promo_campaigns.ledger.start_checks import stock_problem
from promo_campaigns.model.forecast import Forecast, StockPolicy
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from promo_campaigns.model.run_spec import CodeRequest, Pool, RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
STRANGERS = "strangers"
"""Kept with a run's numbers if its audience lists ids that are nobody's."""


def weigh_stock(connection: Connection, run_id: int, spec: RunSpec, policy: StockPolicy) -> Forecast:
    """Weigh what the open runs want against what there is, with the pool locked, and do as the policy says.

    A run with a fallback code goes out to everybody, whatever there is.

    :raises PoolShortageError: there are too few codes, and the policy is ``fail``
    :raises StockAwaitedError: there are too few codes, and the policy is ``wait``
    """
    forecast = weigh(connection, spec.codes, run_id=run_id)
    if spec.fallback is not None:
        return forecast
    if forecast.shortfall and policy is StockPolicy.PARTIAL and forecast.values:
        skip_short(connection, run_id, {value.kept or "": value.short for value in forecast.values})
    elif forecast.shortfall and policy is StockPolicy.PARTIAL:
        connection.execute(_SQL["skip_without_code"], {"run_id": run_id, "shortfall": forecast.shortfall})
    elif problem := stock_problem(forecast, spec.codes, policy):
        raise problem
    return forecast


def keep_forecast(
    connection: Connection, run_id: int, forecast: Forecast, policy: StockPolicy, *, strangers: int = 0
) -> None:
    """Keep the numbers and the policy with the run, for its report and for the claims of its codes.

    :param strangers: ids that the audience lists and that are nobody's
    """
    numbers = {**forecast.as_dict(), **({STRANGERS: strangers} if strangers else {})}
    kept = {"run_id": run_id, "forecast": Jsonb(numbers), "stock_policy": policy.value}
    connection.execute(_SQL["keep_forecast"], kept)


def compact_stock(connection: Connection, pool: Pool) -> None:
    """Merge the rows whose sum is the pool's stock, so that they stay few; the pool must be locked."""
    connection.execute(_SQL["compact_stock"], {"type": pool.type, "discount": pool.discount})


def count_demand(connection: Connection, run_id: int) -> None:
    """Keep how many codes a run that was opened in this transaction has to claim."""
    connection.execute(_SQL["count_demand"], {"run_id": run_id})


def weigh(
    connection: Connection,
    codes: CodeRequest,
    *,
    run_id: int | None = None,
    at: datetime | None = None,
    wanted: Mapping[str, int] | None = None,
) -> Forecast:
    """Return what open runs have still to claim of the pool or the chain, and its free codes, from kept counts.

    :param run_id: the run whose demand it is; what the others want is ahead of it
    :param at: when codes are given out, if that is later than now
    :param wanted: how many contacts want a code, by what they have, where codes must match them and no run is open
    """
    if not codes.next_pools and not codes.match:
        asked = {"run_id": run_id, "at": at, "type": codes.type, "discount": codes.discount, "days": codes.days}
        found = connection.execute(_SQL["weigh"], asked).fetchall()[0]
        if not found.pop("is_chained"):
            return Forecast(**found)
    return weigh_chain(connection, codes, run_id=run_id, at=at, wanted=wanted)
