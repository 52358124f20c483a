"""Codes wanted against codes in stock, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from promo_campaigns.core.errors import PoolShortage, StockAwaited
from promo_campaigns.core.forecast import Forecast, StockPolicy
from promo_campaigns.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.adapters.postgres import Connection
    from promo_campaigns.core.models import CodeRequest

_SQL = queries("forecast")


@dataclass(frozen=True, slots=True)
class Pool:
    """The free codes of a pool: valid long enough, or not."""

    stock: int
    expiring: int


def weigh_stock(connection: Connection, run_id: int, codes: CodeRequest, policy: StockPolicy) -> Forecast:
    """Weigh what the open runs want against what there is, with the pool locked, and do as the policy says.

    :raises PoolShortage: there are too few codes, and the policy is ``fail``
    :raises StockAwaited: there are too few codes, and the policy is ``wait``
    """
    wanted = _row(connection, "count_demand", run_id=run_id, **_parameters(codes))
    pool = count_codes(connection, codes)
    forecast = Forecast(demand=wanted["demand"], ahead=wanted["ahead"], stock=pool.stock, expiring=pool.expiring)
    if forecast.shortfall and policy is StockPolicy.PARTIAL:
        connection.execute(_SQL["skip_without_code"], {"run_id": run_id, "shortfall": forecast.shortfall})
    elif forecast.shortfall:
        _refuse(forecast, codes, policy)
    return forecast


def keep_forecast(connection: Connection, run_id: int, forecast: Forecast, policy: StockPolicy) -> None:
    """Keep the numbers and the policy with the run, for its report and for whoever claims its codes."""
    kept = {"run_id": run_id, "forecast": Jsonb(forecast.as_dict()), "stock_policy": policy.value}
    connection.execute(_SQL["keep_forecast"], kept)


def count_ahead(connection: Connection, codes: CodeRequest, *, besides: int | None = None) -> int:
    """Return how many codes of the pool open runs have still to claim.

    :param besides: the run that is not counted
    """
    return int(_row(connection, "count_demand", run_id=besides, **_parameters(codes))["ahead"])


def count_codes(connection: Connection, codes: CodeRequest, *, at: datetime | None = None) -> Pool:
    """Count the free codes of the pool.

    :param at: when they are given out, if that is later than now
    """
    return Pool(**_row(connection, "count_codes", at=at, **_parameters(codes)))


def _refuse(forecast: Forecast, codes: CodeRequest, policy: StockPolicy) -> None:
    needed = forecast.demand + forecast.ahead
    msg = (
        f"the pool {codes.type!r} with discount {codes.discount} holds {forecast.stock} free codes valid for "
        f"{codes.days} more days, and {needed} are needed"
        + (f", {forecast.ahead} of them for runs opened before" if forecast.ahead else "")
        + f"; nobody was sent anything: load at least {forecast.shortfall} more codes"
    )
    raise StockAwaited(msg) if policy is StockPolicy.WAIT else PoolShortage(msg)


def _parameters(codes: CodeRequest) -> dict[str, Any]:
    return {"type": codes.type, "discount": codes.discount, "days": codes.days}


def _row(connection: Connection, query: str, **parameters: object) -> dict[str, Any]:
    return connection.execute(_SQL[query], parameters).fetchall()[0]
