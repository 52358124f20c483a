"""The approvals of runs, as the ledger holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.approval import Approval, ApprovalStatus
from promo_campaigns.model.errors import LedgerError, RunUnknownError
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def read_approval(connection: Connection, run_id: int) -> Approval:
    """Return the approval of a run.

    :raises RunUnknownError: there is no such run
    """
    row = connection.execute(_SQL["read_approval"], {"run_id": run_id}).fetchone()
    if row is None:
        raise RunUnknownError(run_id)
    return Approval(
        run_id=run_id,
        run_key=row["run_key"],
        status=ApprovalStatus(row["state"]) if row["state"] else None,
        by=row["approved_by"] or "",
        at=row["approved_at"],
        closed=row["closed"],
        left_s=row["left_s"],
    )


def decide(connection: Connection, run_id: int, *, approved: bool, by: str) -> Approval:
    """Record the answer about a run that waits for one, and return the answer that holds, which is the first.

    If the run is rejected, its waiting contacts are skipped.

    :param by: who says it, empty where nobody answered in time
    :raises RunUnknownError: there is no such run
    :raises LedgerError: nobody says that it may go
    """
    if approved and not by:
        msg = f"run {run_id} is approved by somebody or not at all: say who"
        raise LedgerError(msg)
    status = ApprovalStatus.GIVEN if approved else ApprovalStatus.REFUSED
    action, actor = ("approve" if approved else "reject"), by or "nobody answered in time"
    subject = f"run {read_approval(connection, run_id).run_key}"
    with audited(connection, action, subject, actor=actor) as entry, connection.transaction():
        decision = {"run_id": run_id, "state": status.value, "approved_by": by or None}
        kept = connection.execute(_SQL["decide"], decision).fetchone()
        entry.rows = int(kept is not None)
        if kept is not None and not approved:
            connection.execute(_SQL["skip_refused"], {"run_id": run_id})
        return read_approval(connection, run_id)


def count_left_out(connection: Connection, run_id: int) -> dict[str, int]:
    """Return how many contacts a run is not going to reach, by reason."""
    rows = connection.execute(_SQL["count_left_out"], {"run_id": run_id}).fetchall()
    return {row["reason"]: row["contacts"] for row in rows}
