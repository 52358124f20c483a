"""The codes that a preview gives out: those of each pool in turn, as claims would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg.rows import tuple_row

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

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
    """

    def __init__(
        self, connection: Connection, codes: CodeRequest, *, forecast: Forecast | None, at: datetime | None
    ) -> None:
        self._cursors = []
        for place, (pool, ahead) in enumerate(zip(codes.pools, _ahead(codes, forecast), strict=True)):
            cursor = connection.cursor(f"codes_{place}", row_factory=tuple_row)
            terms = {"type": pool.type, "discount": pool.discount, "days": codes.days, "at": at, "ahead": ahead}
            cursor.execute(_SQL["codes"], terms)
            self._cursors.append(cursor)

    def close(self) -> None:
        """Stop reading."""
        for cursor in self._cursors:
            cursor.close()

    def take(self, wanted: int) -> Iterator[PoolCode]:
        """Return the next so many codes, fewer where there are not as many."""
        taken: list[PoolCode] = []
        for place, cursor in enumerate(self._cursors):
            if missing := wanted - len(taken):
                rows = cursor.fetchmany(missing)
                taken += [PoolCode(code, expires_at, zone, place) for code, expires_at, zone in rows]
        return iter(taken)


def _ahead(codes: CodeRequest, forecast: Forecast | None) -> Sequence[int]:
    if forecast is None:
        return [0] * len(codes.pools)
    return [pool.ahead for pool in forecast.pools] if forecast.pools else [forecast.ahead]
