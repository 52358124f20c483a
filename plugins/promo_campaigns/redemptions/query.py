"""Reads redemptions from a table elsewhere, by a SELECT and from where it was read up to."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from promo_campaigns.code_files.expiration_date import pool_time_zone
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.load_report import Rejects
from promo_campaigns.postgres.sql import queries
from promo_campaigns.redemptions.rules import COLUMNS, NEEDED, RedemptionRuleError, parse_redemption
from promo_campaigns.redemptions.store import RedemptionsReport, add_redemptions, make_report
from promo_campaigns.tables.sheet_text import fold_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.redemptions.rules import Redemption

_SQL = queries("promo_campaigns.redemptions.store")
PLACE = ":since"
"""Stands in a SELECT for the moment from which on redemptions are wanted."""
OVERLAP = timedelta(hours=1)
"""How much is read again each time, since a row may be committed later than the moment it tells of."""
_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FETCHED = 5_000
_BY_FOLDED_NAME = {fold_header(name): name for name in COLUMNS}


class Elsewhere(Protocol):
    """A connection to a database, as PEP 249 has it."""

    def cursor(self) -> Any:  # noqa: ANN401  (each driver has its own)
        """Return a cursor."""


def load_redemptions(
    connection: Connection, elsewhere: Elsewhere, select: str, *, source: str, time_zone: str = "UTC"
) -> RedemptionsReport:
    """Read redemptions by a SELECT, and keep those that are new, in one transaction with how far it was read.

    ``:since`` in the SELECT becomes the newest moment that was read, less an hour, as a text in quotes in UTC:
    ``'2027-03-31 18:05:00'``. What is read twice is kept once.

    :param select: yields columns that are named as those of a file of redemptions, however they are written
    :param source: the name under which it is noted how far it was read
    :param time_zone: IANA name of the zone in which a time without an offset is read
    :raises DefinitionError: a column is missing or unknown; nothing was kept
    """
    zone, rejects = pool_time_zone(time_zone), Rejects()
    with connection.transaction():
        connection.execute(_SQL["lock_source"], {"name": source})
        known = connection.execute(_SQL["read_watermark"], {"name": source}).fetchone()
        mark = _Mark(known["watermark"] if known else _FIRST)
        with closing(elsewhere.cursor()) as cursor:
            cursor.execute(select.replace(PLACE, mark.since))
            redemptions = mark.moved_by(_rows(cursor, source, zone, rejects))
            rows, found = add_redemptions(connection, redemptions, f"select {source}")
        if rows:
            connection.execute(_SQL["move_watermark"], {"name": source, "watermark": mark.newest})
    return make_report(f"select {source}", rows, found, rejects)


class _Mark:
    """How far a table was read; a moment that is yet to come does not move it."""

    def __init__(self, newest: datetime) -> None:
        self.newest = newest
        self._now = datetime.now(timezone.utc)

    @property
    def since(self) -> str:
        return f"'{max(self.newest - OVERLAP, _FIRST):%Y-%m-%d %H:%M:%S}'"

    def moved_by(self, redemptions: Iterator[Redemption]) -> Iterator[Redemption]:
        for one in redemptions:
            self.newest = max(self.newest, min(one.redeemed_at, self._now))
            yield one


def _rows(cursor: Any, source: str, zone: tzinfo, rejects: Rejects) -> Iterator[Redemption]:  # noqa: ANN401  (as above)
    names = [_BY_FOLDED_NAME.get(fold_header(str(column[0])), "") for column in cursor.description or ()]
    _require_columns(names, source)
    number = 0
    while fetched := cursor.fetchmany(_FETCHED):
        for row in fetched:
            number += 1
            try:
                yield parse_redemption(dict(zip(names, row, strict=True)), zone)
            except RedemptionRuleError as broken:
                rejects.add(number, broken.column, str(broken))


def _require_columns(names: Sequence[str], source: str) -> None:
    missing = [name for name in NEEDED if name not in names]
    if not missing and all(names):
        return
    problem = (
        f"the SELECT yields no {', '.join(missing)}" if missing else "the SELECT yields a column that is not known"
    )
    raise DefinitionError(
        problem, file=source, hint=f"Its columns are {', '.join(COLUMNS)}; the first three are needed"
    )
