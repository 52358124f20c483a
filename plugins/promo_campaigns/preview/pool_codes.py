"""The codes that a preview gives out: those of each pool in turn, as claims would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.rows import tuple_row

from promo_campaigns.ledger.chains.forecast import ahead_by_stock
from promo_campaigns.model.attributes import NO_ATTRIBUTES
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from psycopg import ServerCursor

    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.postgres.connection import Connection

_SQL = queries("promo_campaigns.preview.dry_run")


class PoolCode(NamedTuple):
    """A code that a contact would be given, or holds and would be given again.

    :ivar time_zone: of the file it came from
    :ivar place: of its pool in the chain, from 0
    """

    code: str
    expires_at: datetime
    time_zone: str
    place: int


class PoolCodes:
    """The free codes of a run's pools, but for those that open runs have still to claim; nothing is claimed.

    :param forecast: what the others take of each pool; None for nothing
    :param run_id: the open run, if there is one
    """

    def __init__(
        self,
        connection: Connection,
        codes: CodeRequest,
        *,
        forecast: Forecast | None,
        at: datetime | None,
        run_id: int | None = None,
    ) -> None:
        self._connection = connection
        self._codes = codes
        self._at = at
        self._cursors: dict[tuple[int, str], ServerCursor[Any]] = {}
        self._ahead = {
            (place, NO_ATTRIBUTES): ahead
            for place, (_, ahead) in enumerate(zip(codes.pools, _ahead(codes, forecast), strict=True))
        }
        if codes.match and forecast is not None:
            ahead = ahead_by_stock(connection, codes, run_id=run_id, at=at)
            places = {pool: place for place, pool in enumerate(codes.pools)}
            self._ahead = {(places[pool], has): codes for (pool, has), codes in ahead.items() if pool in places}
        for place in range(len(codes.pools)):  # before the audience is read, as all is of one snapshot
            self._cursor(place, NO_ATTRIBUTES)

    def close(self) -> None:
        """Stop reading."""
        for cursor in self._cursors.values():
            cursor.close()

    def take(self, wanting: Sequence[str]) -> Iterator[PoolCode | None]:
        """Return a code for each of some contacts; None where there is none for them any more.

        :param wanting: what each has that codes must match, as the store keeps it; empty for nothing
        """
        given: list[PoolCode | None] = [None] * len(wanting)
        for has in dict.fromkeys(wanting):
            if has:
                self._give(given, [place for place, one in enumerate(wanting) if one == has], has)
        self._give(given, [place for place, one in enumerate(given) if one is None], NO_ATTRIBUTES)
        return iter(given)

    def _give(self, given: list[PoolCode | None], whom: Sequence[int], has: str) -> None:
        """Give codes that carry these attributes to some of the contacts, in their order."""
        waiting = list(whom)
        for place in range(len(self._codes.pools)):
            if waiting:
                rows = self._cursor(place, has).fetchmany(len(waiting))
                for contact, (code, expires_at, zone) in zip(waiting, rows, strict=False):
                    given[contact] = PoolCode(code, expires_at, zone, place)
                del waiting[: len(rows)]

    def _cursor(self, place: int, has: str) -> ServerCursor[Any]:
        """Return where the codes of a pool that carry these attributes are read on."""
        if (place, has) not in self._cursors:
            pool = self._codes.pools[place]
            cursor = self._connection.cursor(f"codes_{len(self._cursors)}", row_factory=tuple_row)
            terms = {"type": pool.type, "discount": pool.discount, "attributes": has, "days": self._codes.days}
            cursor.execute(_SQL["codes"], {**terms, "at": self._at, "ahead": self._ahead.get((place, has), 0)})
            self._cursors[place, has] = cursor
        return self._cursors[place, has]


def _ahead(codes: CodeRequest, forecast: Forecast | None) -> Sequence[int]:
    if forecast is None:
        return [0] * len(codes.pools)
    return [pool.ahead for pool in forecast.pools] if forecast.pools else [forecast.ahead]
