"""What keeps a run from sending, as the ledger reads and sets it; ``interventions`` is what persons do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import RunHaltedError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.oversight.halt import HALT_POLL_S, Halt, HaltKind
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)
_ASSIGNMENT = queries("promo_campaigns.ledger.assignments")
_ATTEMPT = queries("promo_campaigns.ledger.attempts")
_FAILING = (Outcome.REFUSED.value, Outcome.UNKNOWN.value)
_AT_ONCE = 5_000
"""Contacts of a run that are skipped in one transaction, so that who records an outcome waits for it no longer."""


def read_halt(connection: Store, run_id: int) -> Halt | None:
    """Return what keeps a run from sending; inside a transaction it stays so until the transaction ends.

    A halt waits for that end: what the transaction writes was there before the halt.
    """
    row = connection.execute(_SQL["read_halt"], {"run_id": run_id}).fetchone()
    return parse_halt(row) if row else None


def hold_intents(connection: Store, run_id: int | None = None) -> None:
    """Wait for intents of a run that are under way, and let no other begin until the transaction ends; None for all."""
    connection.execute(_SQL["hold_intents"], {"run_id": run_id})


def parse_halt(row: Mapping[str, Any]) -> Halt:
    """Return a halt from its row ``{kind, run_key, at, by, reason}``."""
    return Halt(
        kind=HaltKind(row["kind"]), run_key=row["run_key"], by=row["by"], at=row["at"], reason=row["reason"] or ""
    )


def require_no_halt(halt: Halt) -> None:
    """Raise while a halt lasts, so that the task waits for its end; a final halt raises nothing.

    :raises RunHaltedError: the run is paused, or all sending is stopped
    """
    if not halt.is_final:
        raise RunHaltedError(str(halt), wait_s=HALT_POLL_S)


def pause_failing(connection: Store, told: Mapping[str, Any]) -> None:
    """Let a run pause itself if too many were refused or are unknown, now that there is this evidence."""
    if any(outcome in told["outcomes"] for outcome in _FAILING):
        connection.execute(_SQL["pause_failing"], {"run_id": told["run_id"]})


def end_cancelled(connection: Connection, run_id: int) -> int:
    """Skip the contacts who wait in a cancelled run, and return how many did; what nobody can have seen goes back.

    Calls that are under way are left to their workers.
    """
    after, skipped = 0, 0
    while rows := connection.execute(
        _SQL["next_in_flight"], {"run_id": run_id, "after": after, "limit": _AT_ONCE}
    ).fetchall():
        whose = {"run_id": run_id, "contact_ids": bigint_array([row["contact_id"] for row in rows])}
        with connection.transaction():
            connection.execute(_ATTEMPT["fold_lapsed"], whose)
            skipped += connection.execute(_ASSIGNMENT["skip_cancelled"], whose).rowcount
        after = rows[-1]["contact_id"]
    return skipped
