"""Says that the store was brought back to an earlier moment: whatever may have been sent since waits for a decision.

A contact who held a code and was not sent to yet may have been sent to since; one who waited for a code may have been
given one of those that are free. So all sending waits until somebody has said what became of the free codes, and each
run that was open until somebody has decided it; ``halt_of`` looks at that once a batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.ledger.halts import hold_intents
from promo_campaigns.model.errors import ConfigurationError, LedgerError, RestoredRunError
from promo_campaigns.postgres.audit import account, audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_SKIPPED = 100_000_000
"""Numbers that are left out, more than can have been given since a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRun:
    """A run that waits for a decision.

    :ivar pending: contacts who wait for a code
    :ivar unknown: contacts of whom nobody knows whether they were sent to
    """

    run_id: int
    run_key: str
    pending: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The newest restore, and what is left to be decided of it.

    :ivar free_codes: ``withdraw`` or ``release``; None until it is said
    :ivar rest: ``sent`` or ``unsent``; None until it is said
    :ivar lifted_at: when all was decided; None while something waits
    """

    restore_id: int
    restored_to: datetime
    said_at: datetime
    said_by: str
    reason: str
    free_codes: str | None
    rest: str | None
    lifted_at: datetime | None
    claim_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left to be decided.

    :ivar runs: that wait
    :ivar free: codes that may have been given since
    :ivar events: that were put off
    :ivar forgotten_sends: what receivers told of runs that the store does not know
    """

    runs: tuple[WaitingRun, ...]
    free: int
    events: int
    forgotten_sends: int
    forgotten_runs: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "runs": [asdict(run) for run in self.runs]}


def say_restored(connection: Connection, restored_to: datetime, *, by: str = "", reason: str = "") -> Restore:
    """Freeze what may have been sent since a moment to which the store was brought back, in one transaction.

    Said again before it is decided, it freezes what was opened in between as well, and counts from the earlier moment.

    :param restored_to: the last moment that the store knows
    :param by: who says so; by default the account of this process
    :raises ConfigurationError: the moment is yet to come
    """
    if restored_to >= connection.execute(_SQL["read_clock"]).fetchall()[0]["now"]:
        msg = f"--to {restored_to.isoformat()} is yet to come; give the last moment that the restored store knows"
        raise ConfigurationError(msg)
    subject = f"to {restored_to.isoformat()}"
    with audited(connection, "restored", subject, actor=by, reason=reason) as entry, connection.transaction():
        hold_intents(connection)
        said = {"restored_to": restored_to, "by": by or account(), "reason": reason or None}
        said |= connection.execute(_SQL["say_restored"], said).fetchall()[0]
        connection.execute(_SQL["skip_numbers"], {"skipped": _SKIPPED})
        connection.execute(_SQL["put_off_events"])
        start_codes(connection)  # those whose start has come may have been given since, as all that are free
        entry.rows = _freeze(connection, said)
        return require_restore(connection)


def _freeze(connection: Connection, said: Mapping[str, Any]) -> int:
    """Freeze the runs that are open, and return how many of their contacts may have been sent to."""
    runs = connection.execute(_SQL["freeze_runs"], said).fetchall()
    return sum(connection.execute(_SQL["freeze_sends"], {**said, **run}).rowcount for run in runs)


def read_restore(connection: Connection) -> Restore | None:
    """Return the newest restore, decided or not; None if the store was never said to be restored."""
    row = connection.execute(_SQL["read_restore"]).fetchone()
    return Restore(**row) if row else None


def require_restore(connection: Connection) -> Restore:
    """Return the newest restore.

    :raises LedgerError: the store was never said to be restored
    """
    found = read_restore(connection)
    if found is None:
        msg = "nobody has said that this store was restored; say it first: promo db restored --to TIME"
        raise LedgerError(msg)
    return found


def read_left(connection: Connection) -> Left:
    """Return what is left to be decided; it looks at the runs that wait, and at what was put off."""
    forgotten = connection.execute(_SQL["count_forgotten"]).fetchall()[0]
    return Left(
        runs=tuple(WaitingRun(**row) for row in connection.execute(_SQL["waiting_runs"]).fetchall()),
        free=connection.execute(_SQL["count_free"]).fetchall()[0]["codes"],
        events=connection.execute(_SQL["count_put_off"]).fetchall()[0]["events"],
        forgotten_sends=forgotten["sends"],
        forgotten_runs=forgotten["runs"],
    )


def require_decided(connection: Connection, run_id: int, run_key: str, due_at: datetime | None = None) -> None:
    """Refuse to open a run that may have been sent before the store was restored, or that was decided to be sent.

    :param due_at: when Airflow was to run it first; None for when the run was opened
    :raises RestoredRunError: it may have been, or was
    """
    asked = {"run_id": run_id, "due_at": due_at}
    found = connection.execute(_SQL["find_decision"], asked).fetchone()
    if found is None:
        return
    to = f"{found['restored_to']:%Y-%m-%d at %H:%M %Z}"
    if found["waits"]:
        msg = (
            f"run {run_key} may have been sent before the store was restored to {to}, so it is not opened: "
            "promo db restored tells what is left to decide; clear this task once all is decided"
        )
    else:
        msg = (
            f"run {run_key} is not opened: the store was restored to {to}, and what was due before was decided to be "
            "sent; to send it all the same, give the send an edition of its own"
        )
    raise RestoredRunError(msg)
