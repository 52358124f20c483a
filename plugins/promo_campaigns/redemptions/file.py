"""Files of redemptions: CSV, JSON or XLSX in, redemptions and refusals out, one row at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from promo_campaigns.redemptions.rules import (
    COLUMNS,
    NEEDED,
    RedemptionFileError,
    RedemptionRuleError,
    parse_redemption,
)
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.known_columns import KnownColumns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.redemptions.rules import Redemption
    from promo_campaigns.tables.table import Kind, Table

_KINDS: dict[str, Kind] = {"redeemedAt": "moment", "amount": "number"}


def open_redemption_file(
    stream: BinaryIO, *, file: str, zone: tzinfo, rejects: Rejects, sheet: str = ""
) -> RedemptionRows:
    """Return the redemptions of a file; its bytes tell the format, packed with gzip or not.

    :param stream: read once, from where it stands, and never closed
    :param file: base name, for errors
    :raises RedemptionFileError: the file cannot be read as such a table
    """
    return RedemptionRows(AnyTable(stream, redemption_layout(file, sheet)), zone=zone, rejects=rejects)


class RedemptionRows:
    """The redemptions that the rows of a table tell of, wherever they come from.

    :param table: read once
    :param zone: in which a time without an offset is read
    :param rejects: where rejected rows are noted
    """

    def __init__(self, table: Table, *, zone: tzinfo, rejects: Rejects) -> None:
        self._table = table
        self._zone = zone
        self._rejects = rejects

    @property
    def row_noun(self) -> str:
        """What numbers the rows."""
        return self._table.row_noun

    def __iter__(self) -> Iterator[Redemption]:
        for line, cells in self._table.rows(self._rejects):
            if not any(map(str.strip, cells)):
                continue
            try:
                yield parse_redemption(dict(zip(COLUMNS, cells, strict=True)), self._zone)
            except RedemptionRuleError as broken:
                self._rejects.add(line, broken.column, str(broken))


def redemption_layout(file: str, sheet: str = "") -> KnownColumns:
    """Return what a table of redemptions is expected to hold."""
    return KnownColumns(file=file, names=COLUMNS, kinds=_KINDS, lacks=_lacks, error=RedemptionFileError, sheet=sheet)


def _lacks(known: Sequence[str]) -> tuple[str, str] | None:
    missing = [name for name in NEEDED if name not in known]
    return (f"the column {', '.join(missing)} is missing", f"Needed are {', '.join(NEEDED)}") if missing else None
