"""What the pools of a chain will give: the runs that were opened before take codes first, each of its pools in turn.

Codes of a pool that carry attributes are stock of their own: contacts who have these take of it first, in each pool of
the chain, and of the codes that suit everybody after it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.attributes import NO_ATTRIBUTES
from promo_campaigns.model.forecast import Forecast, PoolStock, ValueForecast, in_turn
from promo_campaigns.model.run_spec import Pool
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.postgres.connection import Connection

    Stock = tuple[Pool, str]
    """Codes of a pool that carry the same attributes, or none."""

_SQL = queries(__name__)


def weigh_chain(
    connection: Connection,
    codes: CodeRequest,
    *,
    run_id: int | None = None,
    at: datetime | None = None,
    wanted: Mapping[str, int] | None = None,
) -> Forecast:
    """Return what open runs have still to claim of the pools, and their free codes, from kept counts.

    It is asked of a chain, of one pool that is in the chain of an open run, and of codes that match their contacts.

    :param run_id: the run whose demand it is; what the others take is ahead of it
    :param at: when codes are given out, if that is later than now
    :param wanted: how many contacts want a code, by what they have; by default those of the run
    """
    found = _read(connection, codes.pools, days=codes.days, at=at, matches=bool(codes.match))
    if wanted is None:
        wanted = {run["attributes"]: run["codes"] for run in found["wanting"] if run["run_id"] == run_id}
    stock = _stock(found)
    ahead = _taken((run for run in found["wanting"] if run["run_id"] != run_id), stock)
    free = {one: stock[one, codes.days] - ahead[one] for one, days in stock if days == codes.days}
    values, given = _share(codes.pools, wanted, free)
    suiting = {*wanted, NO_ATTRIBUTES}
    pools = [_pool_stock(pool, codes.days, suiting, stock, ahead) for pool in codes.pools]
    fresh = sum(pool.stock for pool in pools)
    return Forecast(
        demand=sum(wanted.values()),
        # What others want in excess of what their chains hold counts where somebody must load it: in the last pool.
        ahead=sum(min(pool.ahead, pool.stock) for pool in pools[:-1]) + pools[-1].ahead,
        stock=fresh,
        expiring=sum(found["valid"].get(has, 0) for has in suiting) - fresh,
        pools=tuple(pools) if codes.next_pools else (),
        values=values if codes.match else (),
        given=tuple(given[pool] for pool in codes.pools) if codes.match and codes.next_pools else (),
    )


def free_by_value(connection: Connection, codes: CodeRequest) -> dict[str, int]:
    """Return how many codes of all pools no open run has still to claim, by the attributes that they carry."""
    found = _read(connection, codes.pools, days=codes.days, at=None, matches=True)
    stock = _stock(found)
    ahead = _taken(found["wanting"], stock)
    left: Counter[str] = Counter()
    for (pool, has), days in stock:
        if pool in codes.pools and days == codes.days:
            left[has] += max(0, stock[(pool, has), days] - ahead[pool, has])
    return dict(left)


def ahead_by_stock(
    connection: Connection, codes: CodeRequest, *, run_id: int | None = None, at: datetime | None = None
) -> Mapping[Stock, int]:
    """Return how many codes other open runs have still to claim of each pool, by the attributes that they carry."""
    found = _read(connection, codes.pools, days=codes.days, at=at, matches=True)
    return _taken((run for run in found["wanting"] if run["run_id"] != run_id), _stock(found))


def reserved_by_chains(connection: Connection) -> dict[tuple[str, int], int]:
    """Return how many codes open runs have still to claim of each pool that is in the chain of one; mostly empty."""
    chained = [Pool(**row) for row in connection.execute(_SQL["chained_pools"]).fetchall()]
    if not chained:
        return {}
    found = _read(connection, chained, days=0, at=None, matches=False)
    reserved: Counter[tuple[str, int]] = Counter({(one["type"], one["discount"]): 0 for one in found["stock"]})
    for (pool, _), codes in _taken(found["wanting"], _stock(found)).items():
        reserved[pool.type, pool.discount] += codes
    return dict(reserved)


def _read(
    connection: Connection, pools: Sequence[Pool], *, days: int, at: datetime | None, matches: bool
) -> dict[str, Any]:
    asked = {**pool_arrays(pools), "days": days, "at": at, "matches": matches}
    return connection.execute(_SQL["weigh_chain"], asked).fetchall()[0]


def pool_arrays(pools: Sequence[Pool]) -> dict[str, list[Any]]:
    """Return the pools as statements take them: their types and their discounts, in parallel."""
    return {"types": [pool.type for pool in pools], "discounts": [pool.discount for pool in pools]}


def _stock(found: Mapping[str, Any]) -> dict[tuple[Stock, int], int]:
    """Return the free codes of each pool that are valid for so many days, by the attributes that they carry."""
    return {
        ((Pool(type=one["type"], discount=one["discount"]), one["attributes"]), one["days"]): one["codes"]
        for one in found["stock"]
    }


def _turns(pools: Sequence[Pool], has: str) -> list[Stock]:
    """Return where contacts get their codes, in this order."""
    suiting = [has, NO_ATTRIBUTES] if has else [NO_ATTRIBUTES]
    return [(pool, carried) for carried in suiting for pool in pools]


def _taken(wanting: Iterable[Mapping[str, Any]], stock: Mapping[tuple[Stock, int], int]) -> Counter[Stock]:
    """Return how many codes some runs take, one run after the other; what they lack, of the last pool."""
    taken: Counter[Stock] = Counter()
    for run in wanting:
        pools = [Pool(type=name, discount=off) for name, off in zip(run["types"], run["discounts"], strict=True)]
        turns = _turns(pools, run["attributes"])
        gives = in_turn(run["codes"], [stock[turn, run["days"]] - taken[turn] for turn in turns])
        taken.update(dict(zip(turns, gives, strict=True)))
        taken[turns[-1]] += run["codes"] - sum(gives)
    return taken


def _share(
    pools: Sequence[Pool], wanted: Mapping[str, int], free: Mapping[Stock, int]
) -> tuple[tuple[ValueForecast, ...], Counter[Pool]]:
    """Return how contacts fare by what they have, and how many codes each pool gives."""
    taken: Counter[Stock] = Counter()
    values = []
    for has in sorted(wanted):
        turns = _turns(pools, has)
        gives = in_turn(wanted[has], [free.get(turn, 0) - taken[turn] for turn in turns])
        own = sum(max(0, free.get((pool, has), 0)) for pool in pools)
        taken.update(dict(zip(turns, gives, strict=True)))
        short = wanted[has] - sum(gives)
        values.append(ValueForecast(kept=has, demand=wanted[has], free=own, short=short))
    given: Counter[Pool] = Counter()
    for (pool, _), codes in taken.items():
        given[pool] += codes
    return tuple(values), given


def _pool_stock(
    pool: Pool,
    days: int,
    suiting: Iterable[str],
    stock: Mapping[tuple[Stock, int], int],
    ahead: Mapping[Stock, int],
) -> PoolStock:
    """Return what a pool holds for contacts who have some attributes."""
    each = [(pool, has) for has in suiting]
    held = sum(stock.get((one, days), 0) for one in each)
    return PoolStock(type=pool.type, discount=pool.discount, stock=held, ahead=sum(ahead.get(one, 0) for one in each))
