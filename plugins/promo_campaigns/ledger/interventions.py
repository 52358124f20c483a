"""What a person says of a run or of all: cancel, pause, resume, stop and start sending. Each is audited.

Once one of them has returned, no intent is committed against it: workers share a lock that it takes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.halts import end_cancelled, hold_intents, parse_halt
from promo_campaigns.ledger.runs import close_run, read_run_by_key
from promo_campaigns.model.errors import LedgerError, RunNotFinishedError
from promo_campaigns.model.oversight.halt import HaltKind
from promo_campaigns.postgres.audit import account, audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.model.oversight.halt import Halt
    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

_SQL = queries("promo_campaigns.ledger.halts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The result of cancelling a run.

    :ivar skipped: contacts who waited, and are sent nothing now
    :ivar under_way: what keeps the run open, in words; empty if it is closed
    """

    run_key: str
    skipped: int
    under_way: str = ""


def cancel_run(connection: Connection, run_key: str, *, by: str = "", reason: str = "") -> Cancelled:
    """Send to no more contacts, skip those who wait, give back codes that nobody can have seen, and close the run.

    What was sent, or may have been, stays as it is. Calls that are under way come to their end, and keep the run open:
    its DAG run closes it, or cancelling it again. Cancelling it again changes nothing that is done.

    :param by: who says so; by default the account of this process
    :raises LedgerError: there is no such run, or it was closed before
    """
    run = read_run_by_key(connection, run_key)
    with audited(connection, "cancel", run_key, actor=by, reason=reason) as entry:
        _halt(connection, run, HaltKind.CANCELLED, by=by, reason=reason)
        entry.rows = end_cancelled(connection, run.run_id)
    try:
        close_run(connection, run.run_id)
    except RunNotFinishedError as unfinished:
        return Cancelled(run_key=run_key, skipped=entry.rows, under_way=unfinished.named)
    return Cancelled(run_key=run_key, skipped=entry.rows)


def pause_run(connection: Connection, run_key: str, *, by: str = "", reason: str = "") -> None:
    """Give no more contacts of a run a code or a message until it is resumed.

    :param by: who says so; by default the account of this process
    :raises LedgerError: there is no such run, or it is closed or cancelled
    """
    run = read_run_by_key(connection, run_key)
    with audited(connection, "pause", run_key, actor=by, reason=reason):
        _halt(connection, run, HaltKind.PAUSED, by=by, reason=reason)


def resume_run(connection: Connection, run_key: str, *, by: str = "", reason: str = "") -> bool:
    """Resume a run that is paused or cancelled; return whether it was.

    Contacts who were skipped when it was cancelled are sent to when the run, once closed, is run again.

    :param by: who says so; by default the account of this process
    :raises LedgerError: there is no such run
    """
    run = read_run_by_key(connection, run_key)
    with audited(connection, "resume", run_key, actor=by, reason=reason) as entry:
        entry.rows = connection.execute(_SQL["lift_halt"], {"run_id": run.run_id}).rowcount
    return entry.rows > 0


def stop_sending(connection: Connection, *, by: str = "", reason: str = "") -> Halt:
    """Give out no code and send nothing, in any run, until sending is started again; return the halt that holds.

    :param by: who says so; by default the account of this process
    """
    with audited(connection, "stop sending", "all runs", actor=by, reason=reason), connection.transaction():
        hold_intents(connection)
        said = {"by": by or account(), "reason": reason or None}
        return parse_halt(connection.execute(_SQL["stop_sending"], said).fetchall()[0])


def start_sending(connection: Connection, *, by: str = "", reason: str = "") -> bool:
    """Let runs send again, and return whether sending was stopped.

    :param by: who says so; by default the account of this process
    """
    with audited(connection, "start sending", "all runs", actor=by, reason=reason):
        return connection.execute(_SQL["start_sending"]).fetchone() is not None


def read_stop(connection: Connection) -> Halt | None:
    """Return since when, by whom and why all sending is stopped; None if it is not."""
    row = connection.execute(_SQL["read_stop"]).fetchone()
    return parse_halt(row) if row else None


def _halt(connection: Connection, run: Run, kind: HaltKind, *, by: str, reason: str) -> None:
    said: dict[str, Any] = {
        "run_id": run.run_id,
        "halt": kind.value,
        "by": by or account(),
        "reason": reason or None,
    }
    with connection.transaction():
        hold_intents(connection, run.run_id)
        connection.execute(_SQL["halt_run"], said)
    now = read_run_by_key(connection, run.run_key)
    if now.cancelled and kind is not HaltKind.CANCELLED:
        msg = f"run {run.run_key} was cancelled, so nobody of it is sent to; promo runs resume {run.run_key} lifts that"
        raise LedgerError(msg)
    if now.closed and not now.cancelled:
        msg = f"run {run.run_key} is closed: everybody in it has an outcome, and nothing can be {kind.value} any more"
        raise LedgerError(msg)
