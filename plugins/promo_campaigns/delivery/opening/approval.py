"""Whether a person must be asked about a run that was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.ledger.approvals import read_approval
from promo_campaigns.ledger.halts import read_halt
from promo_campaigns.model.errors import LedgerConflictError, RunCancelledError

if TYPE_CHECKING:
    from promo_campaigns.model.approval import Approval
    from promo_campaigns.postgres.connection import Connection


def read_open_approval(connection: Connection, run_id: int) -> Approval:
    """Return what is known of a run's approval; nobody need be asked where it is ``settled``.

    :raises RunCancelledError: the run was cancelled; it says by whom
    :raises LedgerConflictError: the run was opened when nobody was to be asked about it
    """
    require_not_cancelled(connection, run_id)
    approval = read_approval(connection, run_id)
    if approval.status is None and not approval.settled:
        msg = (
            f"run {approval.run_key} was opened when nobody was to be asked about it; "
            "put this block behind its Start block, and give the send an edition of its own"
        )
        raise LedgerConflictError(msg)
    return approval


def require_not_cancelled(connection: Connection, run_id: int) -> None:
    """Make sure that nobody has cancelled a run while a person was asked about it.

    :raises RunCancelledError: somebody has; it says who
    """
    halt = read_halt(connection, run_id)
    if halt is not None and halt.is_final:
        raise RunCancelledError(str(halt))
