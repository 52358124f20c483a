"""Loads code files into the store, and withdraws them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from promo_campaigns.code_files.expiration_date import pool_time_zone
from promo_campaigns.code_files.marks import accepted_with_marks
from promo_campaigns.code_files.row_rules import RowRules
from promo_campaigns.model.errors import CodeFileRejectedError, UnknownCodeFileError
from promo_campaigns.model.load_report import KEPT_REJECTS, LoadReport, Reject, Rejects, group_rejects
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.frame_table import FrameTable
from promo_campaigns.tables.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, tzinfo

    from promo_campaigns.code_files.marks import MarkedRow
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.table import Table

_SQL = queries(__name__)
_ROWS_PER_BLOCK = 2_000
KEPT_ISSUED = 1_000
"""How many issued codes a withdrawal names, the first ones of the file; all are counted."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was given out, masked for display.

    :param code: masked
    :param line: 1-based line of its file
    :param issued_at: in UTC
    """

    code: str
    line: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawalReport:
    """The result of withdrawing one file.

    :param code_file_id: the file in the store
    :param file: its base name
    :param withdrawn: codes that left the pool
    :param issued_count: codes of the file that were given out
    :param issued: the first ``KEPT_ISSUED`` of them
    """

    code_file_id: int
    file: str
    withdrawn: int
    issued_count: int
    issued: tuple[IssuedCode, ...]


def load_code_file(  # noqa: PLR0913  (the options of a load, one keyword each)
    connection: Connection,
    file: BinaryIO,
    *,
    name: str,
    strict: bool = False,
    time_zone: str = "UTC",
    code_only_expiration: str | None = None,
    sheet: str = "",
) -> LoadReport:
    """Load one file of codes in one transaction: whole but for its rejected rows, or not at all.

    The same bytes with the same options are loaded once: a second time nothing changes, unless the file was withdrawn
    in between. With another time zone, expiration or sheet they are a file of their own. A file whose rows are all
    rejected is a failure. A known
    code takes what the newest file says of it and belongs to that file from then on. An issued code keeps what its
    owner was told (type, discount, expiration) and its file; a file can retire it, never free it. Of a code that
    stands twice in the file the first accepted line counts.

    Further columns ``attr:<name>`` are attributes that the code's contact must have; ``startDate`` keeps it out of
    the pool until then.

    Codes are added in alphabetical order, so codes of one expiration date are given out in that order.

    :param connection: an open store, outside a transaction
    :param file: any binary file object; it is read once, from where it stands, and never closed
    :param name: base name of the file, for the report and messages
    :param strict: refuse the whole file for one rejected row, and require the column inUse
    :param time_zone: IANA name of the zone in which dates are read
    :param code_only_expiration: the file holds the one column ``code``; its codes expire at this date and get the type
        ``General`` and the discount 0
    :param sheet: the sheet of a workbook to read; empty for its only one
    :raises CodeFileError: the file cannot be read
    :raises CodeFileRejectedError: all rows were rejected, or strict, and one was; it holds the report
    :raises ConfigurationError: there is no such time zone, or ``code_only_expiration`` is not a date
    """
    layout = Layout(name, strict=strict, expiration=code_only_expiration, sheet=sheet)
    return _load(connection, AnyTable(file, layout), layout, pool_time_zone(time_zone))


def load_code_frames(  # noqa: PLR0913  (the options of a load, one keyword each)
    connection: Connection,
    frames: Iterable[Any],
    *,
    name: str,
    strict: bool = False,
    time_zone: str = "UTC",
    code_only_expiration: str | None = None,
) -> LoadReport:
    """Load DataFrames of codes as ``load_code_file`` loads a file with the same table; rows are numbered from 1.

    :param frames: parts of one table, read once and one at a time; its columns are those of a code file. A time that
        has a zone is that moment, whatever ``time_zone`` is
    :param name: what the report and the list of files call it
    :raises CodeFileError: it has not the columns of a code file
    :raises CodeFileRejectedError: all rows were rejected, or strict, and one was; it holds the report
    :raises ConfigurationError: there is no such time zone, or ``code_only_expiration`` is not a date
    """
    layout = Layout(name, strict=strict, expiration=code_only_expiration)
    zone = pool_time_zone(time_zone)
    return _load(connection, FrameTable(frames, layout, zone=zone), layout, zone)


def _load(connection: Connection, table: Table, layout: Layout, zone: tzinfo) -> LoadReport:
    with connection.transaction():
        connection.execute(_SQL["tune_load"])
        connection.execute(_SQL["create_staging"])
        load = _stage(connection, table, layout, zone)
        if report := load.earlier():
            return report
        if load.rejects.count and (layout.strict or not load.staged):
            load.refuse()
        return load.merge()


@dataclass(frozen=True, slots=True)
class _Load:
    """One load under way: its rows wait in the staging table, its rejected rows in ``rejects``.

    :ivar time_zone: IANA name of the zone in which dates are read
    :ivar key: what makes two loads the same: the bytes, and options that change what they mean
    """

    connection: Connection
    layout: Layout
    rules: RowRules
    rejects: Rejects
    row_noun: str
    time_zone: str
    sha256: bytes
    key: bytes
    rows: int
    staged: int

    def earlier(self) -> LoadReport | None:
        """Return what an earlier load of the same bytes says, after waiting for one under way."""
        self.connection.execute(_SQL["lock_file"], {"lock": int.from_bytes(self.key[:8], "big", signed=True)})
        known = self.connection.execute(_SQL["find_file"], {"sha256": self.key}).fetchone()
        if known is None:
            return None
        which = {"code_file_id": known["code_file_id"]}
        rejects = [Reject(**reject) for reject in self.connection.execute(_SQL["file_rejects"], which).fetchall()]
        return LoadReport(
            file=self.layout.file,
            sha256=self.sha256.hex(),
            rows=known["row_count"],
            unchanged=known["row_count"] - known["rejected"],
            rejected=tuple(rejects),
            rejected_count=known["rejected"],
            types=self.rules.types,
            code_file_id=known["code_file_id"],
            already_loaded=True,
            row_noun=self.row_noun,
            rejected_by_reason=tuple(group_rejects(rejects, self.rejects.by_reason)),
        )

    def merge(self) -> LoadReport:
        """Bring the staged rows into the stock."""
        self.connection.execute(_SQL["analyze_staging"])
        withdrawn: bool = _one(self.connection, "was_withdrawn", {"sha256": self.key})["withdrawn"]
        file = {"name": self.layout.file, "sha256": self.key, "time_zone": self.time_zone}
        added = _one(self.connection, "add_file", file)
        file_id: int = added["code_file_id"]
        written = _one(self.connection, "merge_staging", added)
        inserted, updated = written["inserted"], written["updated"]
        if inserted + updated < self.staged:
            self._reject_duplicates()
        if self.rules.saw_retired:
            updated += self.connection.execute(_SQL["retire_issued"]).rowcount
        report = self._report(inserted=inserted, updated=updated, code_file_id=file_id, withdrawn_before=withdrawn)
        if self.layout.strict and self.rejects.count:
            raise CodeFileRejectedError(self._report())
        self._record(report)
        return report

    def refuse(self) -> NoReturn:
        """Report all rejected rows and load nothing."""
        self._reject_duplicates()
        raise CodeFileRejectedError(self._report())

    def _reject_duplicates(self) -> None:
        found = self.connection.execute(_SQL["staged_duplicates"], {"limit": KEPT_REJECTS}).fetchall()
        reason = ""
        for row in found:
            reason = f"the code stands in {self.row_noun} {row['first_line']} already"
            self.rejects.add(row["line"], "code", reason, mask(row["code"]))
        if found:
            self.rejects.add_uncounted("code", reason, found[0]["total"] - len(found))

    def _report(
        self,
        *,
        inserted: int = 0,
        updated: int = 0,
        code_file_id: int | None = None,
        withdrawn_before: bool = False,
    ) -> LoadReport:
        kept_out = self.rows if code_file_id is None else self.rejects.count
        return LoadReport(
            file=self.layout.file,
            sha256=self.sha256.hex(),
            rows=self.rows,
            inserted=inserted,
            updated=updated,
            unchanged=self.rows - kept_out - inserted - updated,
            rejected=tuple(self.rejects.kept),
            rejected_count=self.rejects.count,
            types=self.rules.types if self.staged else (),
            code_file_id=code_file_id,
            row_noun=self.row_noun,
            withdrawn_before=withdrawn_before,
            expired=self._expired() if code_file_id is not None else 0,
            rejected_by_reason=tuple(group_rejects(self.rejects.kept, self.rejects.by_reason)),
        )

    def _expired(self) -> int:
        """Count the codes that are over; most files have no such date, and are not counted."""
        now = _one(self.connection, "read_clock", {})["now"]
        if not self.rules.saw_expired(now):
            return 0
        expired: int = _one(self.connection, "count_expired", {"now": now})["expired"]
        return expired

    def _record(self, report: LoadReport) -> None:
        file_id = {"code_file_id": report.code_file_id}
        counts = {name: getattr(report, name) for name in ("rows", "inserted", "updated", "unchanged")}
        self.connection.execute(_SQL["finish_file"], file_id | counts | {"rejected": report.rejected_count})
        columns = {
            "lines": [reject.line for reject in report.rejected],
            "columns": [reject.column for reject in report.rejected],
            "reasons": [reject.reason for reject in report.rejected],
        }
        self.connection.execute(_SQL["add_rejects"], file_id | columns)


def _stage(connection: Connection, table: Table, layout: Layout, zone: tzinfo) -> _Load:
    rejects = Rejects()
    rules = RowRules(layout, zone, rejects)
    rows = table.rows(rejects)
    with connection.cursor() as cursor:
        # The header is read with the first row.
        rows = chain(list(islice(rows, 1)), rows)
        fill, blocks = "fill_staging", _blocks(rules.accepted(rows))
        if layout.further:
            fill = "fill_staging_with_marks"
            blocks = _marked_blocks(accepted_with_marks(rules, rows, layout, zone, rejects))
        with cursor.copy(_SQL[fill]) as copy:
            for block in blocks:
                copy.write(block)
        staged = cursor.rowcount
    sha256 = table.sha256()
    key, count = _key(sha256, layout, zone), staged + rejects.count
    return _Load(connection, layout, rules, rejects, table.row_noun, str(zone), sha256, key, count, staged)


def _key(sha256: bytes, layout: Layout, zone: tzinfo) -> bytes:
    """Return the digest of the bytes and the options that change what they mean; without options, that of the bytes."""
    options = [str(zone) if str(zone) != "UTC" else "", layout.expiration or "", layout.sheet.strip().casefold()]
    return hashlib.sha256(sha256 + json.dumps(options).encode()).digest() if any(options) else sha256


def _blocks(rows: Iterator[tuple[int, str, str, str, str, str]]) -> Iterator[bytes]:
    """Write rows in the text format of COPY; no field holds a tab or a line break, so only backslashes are escaped."""
    lines: list[str] = []
    for line, code, expires_at, discount, name, retired in rows:
        lines.append(f"{line}\t{code}\t{expires_at}\t{discount}\t{name}\t{retired}\n")
        if len(lines) == _ROWS_PER_BLOCK:
            yield _encoded(lines)
            lines.clear()
    yield _encoded(lines)


def _marked_blocks(rows: Iterator[MarkedRow]) -> Iterator[bytes]:
    """Write rows with attributes and start likewise."""
    while lines := ["\t".join(map(str, row)) + "\n" for row in islice(rows, _ROWS_PER_BLOCK)]:
        yield _encoded(lines)


def _encoded(lines: list[str]) -> bytes:
    return "".join(lines).replace("\\", "\\\\").encode()


def _one(connection: Connection, name: str, values: dict[str, Any]) -> dict[str, Any]:
    row = connection.execute(_SQL[name], values).fetchone()
    if row is None:
        msg = f"the query {name} returned no row"
        raise AssertionError(msg)
    return row


def withdraw_code_file(
    connection: Connection, code_file_id: int, *, by: str = "", reason: str = ""
) -> WithdrawalReport:
    """Take the codes of a file out of the pool; running it again changes nothing. The audit notes who did it.

    Its free codes are no longer given out. Issued codes stay with their contacts, and are not given out again if they
    come back. Codes that a newer file changed belong to that file and are not touched.
    The file may be loaded again later.

    :param connection: an open store, outside a transaction
    :param by: who does it; by default the account of this process
    :param reason: why, where somebody said it
    :raises UnknownCodeFileError: there is no such file
    """
    which = {"code_file_id": code_file_id}
    entry_of = audited(connection, "withdraw", f"code file {code_file_id}", actor=by, reason=reason)
    with entry_of as entry, connection.transaction():
        file = connection.execute(_SQL["lock_for_withdrawal"], which).fetchone()
        if file is None:
            msg = f"there is no code file {code_file_id}; promo codes files lists them"
            raise UnknownCodeFileError(msg)
        if file["withdrawn_at"] is None:
            connection.execute(_SQL["withdraw_file"], which)
        entry.rows = withdrawn = _one(connection, "retire_file", which)["withdrawn"]
        issued = connection.execute(_SQL["issued_codes"], which | {"limit": KEPT_ISSUED}).fetchall()
    return WithdrawalReport(
        code_file_id=code_file_id,
        file=file["name"],
        withdrawn=withdrawn,
        issued_count=issued[0]["total"] if issued else 0,
        issued=tuple(IssuedCode(mask(row["code"]), row["line"], row["issued_at"]) for row in issued),
    )
