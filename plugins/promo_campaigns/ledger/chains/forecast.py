"""What the pools of a chain will give: the runs that were opened before take codes first, each of its pools in turn."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.forecast import Forecast, PoolStock, in_turn
from promo_campaigns.model.run_spec import Pool
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def weigh_chain(
    connection: Connection, codes: CodeRequest, *, run_id: int | None = None, at: datetime | None = None
) -> Forecast:
    """Return what open runs have still to claim of the pools, and their free codes, from kept counts.

    It is asked of a chain, and of one pool that is in the chain of an open run.

    :param run_id: the run whose demand it is; what the others take is ahead of it
    :param at: when codes are given out, if that is later than now
    """
    found = _read(connection, codes.pools, days=codes.days, at=at)
    own = [run for run in found["wanting"] if run["run_id"] == run_id]
    stock = _stock(found)
    ahead = _taken((run for run in found["wanting"] if run["run_id"] != run_id), stock)
    pools = [
        PoolStock(type=pool.type, discount=pool.discount, stock=stock[pool, codes.days], ahead=ahead[pool])
        for pool in codes.pools
    ]
    fresh = sum(pool.stock for pool in pools)
    return Forecast(
        demand=sum(run["codes"] for run in own),
        # What others want in excess of what their chains hold counts where somebody must load it: in the last pool.
        ahead=sum(min(pool.ahead, pool.stock) for pool in pools[:-1]) + pools[-1].ahead,
        stock=fresh,
        expiring=found["valid"] - fresh,
        pools=tuple(pools) if codes.next_pools else (),
    )


def reserved_by_chains(connection: Connection) -> dict[tuple[str, int], int]:
    """Return how many codes open runs have still to claim of each pool that is in the chain of one; mostly empty."""
    chained = [Pool(**row) for row in connection.execute(_SQL["chained_pools"]).fetchall()]
    if not chained:
        return {}
    found = _read(connection, chained, days=0, at=None)
    taken = _taken(found["wanting"], _stock(found))
    return {(one["type"], one["discount"]): taken[_pool_of(one)] for one in found["stock"]}


def _read(connection: Connection, pools: Sequence[Pool], *, days: int, at: datetime | None) -> dict[str, Any]:
    asked = {**pool_arrays(pools), "days": days, "at": at}
    return connection.execute(_SQL["weigh_chain"], asked).fetchall()[0]


def pool_arrays(pools: Sequence[Pool]) -> dict[str, list[Any]]:
    """Return the pools as statements take them: their types and their discounts, in parallel."""
    return {"types": [pool.type for pool in pools], "discounts": [pool.discount for pool in pools]}


def _stock(found: Mapping[str, Any]) -> dict[tuple[Pool, int], int]:
    """Return the free codes of each pool that are valid for so many days."""
    return {(_pool_of(one), one["days"]): one["codes"] for one in found["stock"]}


def _pool_of(one: Mapping[str, Any]) -> Pool:
    return Pool(type=one["type"], discount=one["discount"])


def _taken(wanting: Iterable[Mapping[str, Any]], stock: Mapping[tuple[Pool, int], int]) -> Counter[Pool]:
    """Return how many codes of each pool some runs take, one run after the other; what they lack of the last."""
    taken: Counter[Pool] = Counter()
    for run in wanting:
        chain = [Pool(type=name, discount=off) for name, off in zip(run["types"], run["discounts"], strict=True)]
        gives = in_turn(run["codes"], [stock[pool, run["days"]] - taken[pool] for pool in chain])
        taken.update(dict(zip(chain, gives, strict=True)))
        taken[chain[-1]] += run["codes"] - sum(gives)
    return taken
