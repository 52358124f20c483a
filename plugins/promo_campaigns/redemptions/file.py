"""Files of redemptions: CSV, JSON or XLSX in, redemptions and refusals out, one row at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NoReturn

from promo_campaigns.redemptions.rules import (
    COLUMNS,
    NEEDED,
    RedemptionFileError,
    RedemptionRuleError,
    parse_redemption,
)
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.sheet_text import fold_header, suggest
from promo_campaigns.tables.table import Column, Header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.redemptions.rules import Redemption
    from promo_campaigns.tables.table import Kind, Table

_KINDS: dict[str, Kind] = {"redeemedAt": "moment", "amount": "number"}
_COLUMNS = tuple(Column(name, _KINDS.get(name, "text")) for name in COLUMNS)
_BY_FOLDED_NAME = {fold_header(name): name for name in COLUMNS}


def open_redemption_file(
    stream: BinaryIO, *, file: str, zone: tzinfo, rejects: Rejects, sheet: str = ""
) -> RedemptionRows:
    """Return the redemptions of a file; its bytes tell the format, packed with gzip or not.

    :param stream: read once, from where it stands, and never closed
    :param file: base name, for errors
    :raises RedemptionFileError: the file cannot be read as such a table
    """
    return RedemptionRows(AnyTable(stream, RedemptionLayout(file, sheet)), zone=zone, rejects=rejects)


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


class RedemptionLayout:
    """What a table of redemptions is expected to hold."""

    max_line = 65_536
    max_row_lines = 100
    max_columns = 64
    names = COLUMNS

    def __init__(self, file: str, sheet: str = "") -> None:
        self.file = file
        self.sheet = sheet

    def knows(self, name: str) -> bool:
        """Tell whether a column of this name is expected."""
        return fold_header(name) in _BY_FOLDED_NAME

    def header(self, names: Sequence[str], line: int) -> Header:
        """Read the header.

        :raises RedemptionFileError: a column is missing, unknown, or stands twice
        """
        known = [_BY_FOLDED_NAME.get(fold_header(name), "") for name in names]
        for name, meant in zip(names, known, strict=True):
            if name.strip() and not meant:
                near = suggest(name, COLUMNS)
                hint = f"Did you mean {near}?" if near else f"Keep the columns {', '.join(COLUMNS)}"
                self.refuse(f"the column {name.strip()[:40]!r} is not known", line, hint)
        if missing := [name for name in NEEDED if name not in known]:
            self.refuse(f"the column {', '.join(missing)} is missing", line, f"Needed are {', '.join(NEEDED)}")
        if twice := [name for name in COLUMNS if known.count(name) > 1]:
            self.refuse(f"the column {', '.join(twice)} stands twice", line, "Keep one of them")
        places = [known.index(name) if name in known else None for name in COLUMNS]
        return Header(_COLUMNS, lambda cells: [cells[place] if place is not None else "" for place in places])

    def refuse(self, problem: str, line: int | None = None, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Refuse the whole file.

        :raises RedemptionFileError: always
        """
        raise RedemptionFileError(problem, file=self.file, line=line, hint=hint) from cause
