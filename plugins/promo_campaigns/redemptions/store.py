"""Keeps redemptions in the store, each once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.code_files.expiration_date import pool_time_zone
from promo_campaigns.model.load_report import Reject, RejectGroup, Rejects, group_rejects
from promo_campaigns.postgres.sql import queries
from promo_campaigns.redemptions.file import open_redemption_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.redemptions.rules import Redemption

_SQL = queries(__name__)
_AT_ONCE = 5_000
FINDINGS = ("no such code", "never given", "not the owner", "before it was sent")
"""What may be odd about a redemption, the gravest first; of several the first is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionsReport:
    """What became of redemptions that were told of; the counts of rows add up: added + known + rejected_count.

    :ivar source: where they came from
    :ivar known: told of before, or twice: the same order and code
    :ivar findings: how many of the added ones are odd, by what is odd about them
    :ivar rejected: the first rows that were not kept
    :ivar row_noun: what the rows are numbered by
    """

    source: str
    rows: int
    added: int
    known: int
    findings: dict[str, int]
    rejected_count: int = 0
    rejected: tuple[Reject, ...] = ()
    rejected_by_reason: tuple[RejectGroup, ...] = field(default=())
    row_noun: str = "line"

    @property
    def is_refused(self) -> bool:
        """Whether there are rows, and none could be kept."""
        return 0 < self.rows == self.rejected_count

    def counts(self) -> dict[str, int]:
        """Return the counts of rows."""
        return {name: getattr(self, name) for name in ("rows", "added", "known", "rejected_count")}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values; it holds no code, order or address."""
        groups = [{"column": it.column, "reason": it.reason, "count": it.count} for it in self.rejected_by_reason]
        told = {"source": self.source, **self.counts(), "findings": self.findings}
        return {**told, "rejected": [asdict(one) for one in self.rejected], "rejected_by_reason": groups}


def add_redemptions(
    connection: Connection, redemptions: Iterable[Redemption], source: str
) -> tuple[int, dict[str, int]]:
    """Keep redemptions, the same order and code once; return how many there were, and the added ones by finding.

    A code that was redeemed leaves the pool: a free one is given to nobody any more, and one that is held is not given
    again. Who must keep all or nothing opens a transaction around it.

    :param source: where they come from, such as a file's name; never an address
    :return: the number of redemptions, and of those that are new by finding; nothing odd is the empty text
    """
    rows, found = 0, dict.fromkeys(("", *FINDINGS), 0)
    coming = iter(redemptions)
    while lot := list(islice(coming, _AT_ONCE)):
        rows += len(lot)
        for row in connection.execute(_SQL["add_redemptions"], _columns(lot) | {"source": source}).fetchall():
            found[row["finding"]] += row["redemptions"]
    return rows, found


def load_redemption_file(
    connection: Connection, stream: BinaryIO, *, file: str, time_zone: str = "UTC", sheet: str = ""
) -> RedemptionsReport:
    """Load a file of redemptions in one transaction: whole but for its rejected rows. The same file adds nothing.

    :param stream: CSV, JSON or XLSX with the columns of ``rules.COLUMNS``
    :param file: base name of the file, for the report and errors
    :param time_zone: IANA name of the zone in which a time without an offset is read
    :raises RedemptionFileError: it is no such file; nothing was kept
    :raises ConfigurationError: there is no such time zone
    """
    rejects = Rejects()
    read = open_redemption_file(stream, file=file, zone=pool_time_zone(time_zone), rejects=rejects, sheet=sheet)
    with connection.transaction():
        rows, found = add_redemptions(connection, read, f"file {file}")
    return make_report(f"file {file}", rows, found, rejects, read.row_noun)


def make_report(
    source: str, rows: int, found: dict[str, int], rejects: Rejects, row_noun: str = "row"
) -> RedemptionsReport:
    """Return the report of redemptions that were added.

    :param rows: how many could be read
    :param found: as ``add_redemptions`` returns it
    """
    added = sum(found.values())
    return RedemptionsReport(
        source=source,
        rows=rows + rejects.count,
        added=added,
        known=rows - added,
        findings={name: found[name] for name in FINDINGS if found[name]},
        rejected_count=rejects.count,
        rejected=tuple(rejects.kept),
        rejected_by_reason=tuple(group_rejects(rejects.kept, rejects.by_reason)),
        row_noun=row_noun,
    )


def _columns(lot: list[Redemption]) -> dict[str, list[Any]]:
    return {
        "codes": [one.code for one in lot],
        "orders": [one.order_id for one in lot],
        "times": [one.redeemed_at for one in lot],
        "amounts": [one.amount for one in lot],
        "currencies": [one.currency for one in lot],
        "contact_ids": [one.contact_id for one in lot],
        "external_ids": [one.external_id for one in lot],
        "types": [one.channel[0] if one.channel else None for one in lot],
        "locators": [one.channel[1] if one.channel else None for one in lot],
    }
