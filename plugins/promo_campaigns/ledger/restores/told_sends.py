"""Reconciles a restored store with what receivers and exports tell: who was sent to, and with which code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

from promo_campaigns.ledger.fallback import give_fallback
from promo_campaigns.ledger.halts import hold_intents
from promo_campaigns.ledger.restores.deciding import take_for_unsent
from promo_campaigns.ledger.restores.restoring import require_restore
from promo_campaigns.ledger.restores.told_file import ToldSends
from promo_campaigns.ledger.unknown_sends import record_unknown
from promo_campaigns.model.load_report import KEPT_REJECTS, Reject, RejectGroup, Rejects, group_rejects
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run_spec import RunSpec
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_AT_ONCE = 5_000
_DETAIL = "a receiver told of it after a restore"
_WENT_BACK = "a receiver told after a restore that the code went back before it was sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What became of a file of sends; rows = told + rejected_count.

    :ivar told: rows that nothing speaks against
    :ivar forgotten: of these, rows of runs that the store does not know: a run of that key begins with them
    :ivar accepted: contacts who count as sent to from now on
    :ivar rejected: the first rows that were not kept, with what speaks against them
    """

    file: str
    rows: int
    told: int
    forgotten: int
    accepted: int
    rejected_count: int
    rejected: tuple[Reject, ...] = ()
    rejected_by_reason: tuple[RejectGroup, ...] = field(default=())
    row_noun: str = "line"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values; it holds no code."""
        counts = {name: getattr(self, name) for name in ("rows", "told", "forgotten", "accepted", "rejected_count")}
        groups = [{"column": it.column, "reason": it.reason, "count": it.count} for it in self.rejected_by_reason]
        rejected = [asdict(one) for one in self.rejected]
        return {"file": self.file, **counts, "rejected": rejected, "rejected_by_reason": groups}


def reconcile_file(
    connection: Connection, stream: BinaryIO, *, file: str, by: str = "", reason: str = ""
) -> Reconciled:
    """Take over what a file tells of sends, in one transaction; the same file adds nothing a second time.

    A code that was told of and cannot be held for its contact leaves the pool, so that nobody else is given it.

    :param stream: CSV, JSON or XLSX with the columns of ``told_file.COLUMNS``
    :param file: base name of the file, for the report and errors
    :raises ToldFileError: it is no such file; nothing was kept
    :raises LedgerError: the store was never said to be restored
    """
    restore, rejects = require_restore(connection), Rejects()
    sends = ToldSends(stream, file=file, rejects=rejects)
    with audited(connection, "reconcile", f"file {file}", actor=by, reason=reason) as entry, connection.transaction():
        _stage(connection, sends)
        hold_intents(connection)  # nobody claims a code, or begins a send, that the file tells of
        counts = _take_over(connection, restore.restore_id)
        runs = connection.execute(_SQL["told_runs"]).fetchall()
        entry.rows = accepted = sum(apply_told(connection, row["run_id"]) for row in runs)
        misread = rejects.count
        _note_problems(connection, rejects)
    return Reconciled(
        file=file,
        rows=counts["rows"] + misread,
        told=counts["told"],
        forgotten=counts["forgotten"],
        accepted=accepted,
        rejected_count=counts["rows"] + misread - counts["told"],
        rejected=tuple(rejects.kept),
        rejected_by_reason=tuple(group_rejects(rejects.kept, rejects.by_reason)),
        row_noun=sends.row_noun,
    )


def apply_told(connection: Connection, run_id: int) -> int:
    """Bring the contacts of a run to where receivers told that they are; return how many were found to be sent to.

    Doing it again changes nothing.
    """
    told = connection.execute(_SQL["has_told"], {"run_id": run_id}).fetchone()
    if told is None:
        return 0
    which = {"run_id": run_id, **{name: told[name] for name in ("restored_to", "said_at", "claim_id")}}
    for statement in ("reopen_told", "give_told"):
        connection.execute(_SQL[statement], which)
    _give_fallback(connection, run_id, told)
    for statement in ("intend_told", "let_go_told"):
        connection.execute(_SQL[statement], which)
    accepted = _accept(connection, run_id)
    connection.execute(_SQL["skip_told"], which)
    return accepted


def _stage(connection: Connection, sends: ToldSends) -> None:
    connection.execute(_SQL["tune_load"])
    connection.execute(_SQL["create_staging"])
    with connection.cursor() as cursor, cursor.copy(_SQL["fill_staging"]) as copy:
        for send in sends:
            copy.write_row(send)
    connection.execute(_SQL["analyze_staging"])


def _take_over(connection: Connection, restore_id: int) -> Mapping[str, int]:
    """Keep what nothing speaks against, and take out of the pool what else was told of; return the counts of rows."""
    for statement in ("find_people", "find_runs", "name_runs", "find_problems"):
        connection.execute(_SQL[statement])
    if _return_codes(connection):
        for statement in ("forget_contradictions", "find_problems"):
            connection.execute(_SQL[statement])
    connection.execute(_SQL["withdraw_told"])
    connection.execute(_SQL["keep_told"], {"restore_id": restore_id})
    return connection.execute(_SQL["count_staged"]).fetchall()[0]


def _return_codes(connection: Connection) -> int:
    """Take codes from those who gave them back since the backup, as the file proves; return how many."""
    found = connection.execute(_SQL["find_returns"]).fetchall()
    for run_id, rows in groupby(found, key=itemgetter("run_id")):
        contact_ids = [row["contact_id"] for row in rows]
        take_for_unsent(connection, run_id, contact_ids, detail=_WENT_BACK)
        connection.execute(_SQL["return_told"], {"run_id": run_id, "contact_ids": contact_ids})
    return len(found)


def _note_problems(connection: Connection, rejects: Rejects) -> None:
    totals: dict[str, list[int]] = {}
    for row in connection.execute(_SQL["list_problems"], {"limit": KEPT_REJECTS}).fetchall():
        rejects.add(row["line"], "", row["problem"])
        totals.setdefault(row["problem"], [row["total"], 0])[1] += 1
    for problem, (total, listed) in totals.items():
        rejects.add_uncounted("", problem, total - listed)


def _give_fallback(connection: Connection, run_id: int, told: Mapping[str, Any]) -> None:
    spec = RunSpec.from_dict(told["spec"])
    if spec.fallback is None:
        return
    whom = connection.execute(_SQL["told_of_fallback"], {"run_id": run_id}).fetchall()
    claim = {"run_id": run_id, "contact_ids": bigint_array([row["contact_id"] for row in whom]), "days": 0}
    give_fallback(connection, spec.fallback, {**claim, "at": told["said_at"], "claim_id": told["claim_id"]})


def _accept(connection: Connection, run_id: int) -> int:
    accepted, asked = 0, {"run_id": run_id, "after": 0, "limit": _AT_ONCE}
    while rows := connection.execute(_SQL["told_accepted"], asked).fetchall():
        contact_ids = [row["contact_id"] for row in rows]
        accepted += record_unknown(connection, run_id, contact_ids, Outcome.OK, detail=_DETAIL)
        asked["after"] = contact_ids[-1]
    return accepted
