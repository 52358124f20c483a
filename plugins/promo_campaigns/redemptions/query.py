"""Reads redemptions from a table elsewhere, by a SELECT and from where it was read up to."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.expiration_date import pool_time_zone
from promo_campaigns.model.load_report import Rejects
from promo_campaigns.postgres.sql import queries
from promo_campaigns.postgres.watermarks import Mark, move_mark, read_mark
from promo_campaigns.redemptions.file import RedemptionRows, redemption_layout
from promo_campaigns.redemptions.store import RedemptionsReport, add_redemptions, make_report
from promo_campaigns.tables.frame_table import FrameTable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.redemptions.rules import Redemption

    Ask = Callable[[str], Generator[Any]]
    """What yields the DataFrames of a SELECT."""

_SQL = queries("promo_campaigns.redemptions.store")
PLACE = ":since"
"""Stands in a SELECT for the moment from which on redemptions are wanted."""
OVERLAP = timedelta(hours=1)
"""How much is read again each time, since a row may be committed later than the moment it tells of."""
_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)


def load_redemptions(
    connection: Connection, ask: Ask, select: str, *, source: str, time_zone: str = "UTC"
) -> RedemptionsReport:
    """Read redemptions by a SELECT, and keep those that are new, in one transaction with how far it was read.

    ``:since`` in the SELECT becomes the newest moment that was read, less an hour, as a text in quotes in UTC:
    ``'2027-03-31 18:05:00'``. What is read twice is kept once.

    :param ask: returns the DataFrames that a SELECT yields, of bounded size
    :param select: yields columns that are named as those of a file of redemptions, however they are written
    :param source: the name under which it is noted how far it was read
    :param time_zone: IANA name of the zone in which a time without an offset is read
    :raises RedemptionFileError: a column is missing or unknown; nothing was kept
    """
    zone, rejects, reader = pool_time_zone(time_zone), Rejects(), f"redemptions {source}"
    with connection.transaction():
        connection.execute(_SQL["lock_source"], {"name": source})
        known = read_mark(connection, reader)
        newest = _Newest(datetime.fromisoformat(known.value) if known else _FIRST)
        with closing(ask(select.replace(PLACE, newest.since))) as frames:
            table = FrameTable(frames, redemption_layout(source), zone=None)
            redemptions = newest.moved_by(RedemptionRows(table, zone=zone, rejects=rejects))
            rows, found = add_redemptions(connection, redemptions, f"select {source}")
        if rows:
            move_mark(connection, reader, Mark("text", newest.moment.isoformat(sep=" ")))
    return make_report(f"select {source}", rows, found, rejects)


class _Newest:
    """How far a table was read; a moment that is yet to come does not move it, and it never goes back."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._now = datetime.now(timezone.utc)

    @property
    def since(self) -> str:
        return f"'{max(self.moment - OVERLAP, _FIRST):%Y-%m-%d %H:%M:%S}'"

    def moved_by(self, redemptions: Iterable[Redemption]) -> Iterator[Redemption]:
        for one in redemptions:
            self.moment = max(self.moment, min(one.redeemed_at, self._now))
            yield one
