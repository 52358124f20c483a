"""Sends of unknown outcome, page by page, and what a person decides about them: audited, and in small transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from promo_campaigns.ledger.runs import read_run
from promo_campaigns.ledger.unknown_sends import record_unknown, resend_unknown
from promo_campaigns.model.errors import LedgerError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

    Decision = Literal["accept", "refuse", "resend"]

_SQL = queries(__name__)
_AT_ONCE = 1_000
"""Sends that are decided in one transaction, so that a worker that records an outcome waits for it no longer."""


def list_unknown_page(connection: Connection, run_id: int, *, after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """Return the next sends of unknown outcome of a run: contact_id, code, since, attempts.

    :param after: the last contact of the page before
    """
    asked = {"run_id": run_id, "after": after, "limit": limit}
    return connection.execute(_SQL["list_unknown_page"], asked).fetchall()


def count_unknown(connection: Connection, run_id: int, contact_ids: Sequence[int]) -> int:
    """Return how many of some contacts of a run have a send of unknown outcome."""
    return sum(len(part) for part in _chosen(connection, run_id, contact_ids))


def decide_unknown(  # noqa: PLR0913  (who decides what of whom, one keyword each)
    connection: Connection,
    run_id: int,
    decision: Decision,
    contact_ids: Sequence[int] | None,
    *,
    by: str,
    reason: str = "",
) -> int:
    """Record what a person says of sends of unknown outcome, and return of how many.

    :param decision: ``accept``: they arrived; ``refuse``: they did not and will not, and their codes go back;
        ``resend``: they are due again, at the risk of a second message
    :param contact_ids: of these contacts; None for all of the run
    :raises LedgerError: there is no such run, or it was cancelled and cannot be sent again
    """
    run = read_run(connection, run_id)
    if decision == "resend" and run.cancelled:
        msg = f"run {run.run_key} was cancelled, so nothing of it is sent again; resume it first"
        raise LedgerError(msg)
    parts = _all(connection, run_id) if contact_ids is None else _chosen(connection, run_id, contact_ids)
    with audited(connection, f"{decision} unknown", f"run {run.run_key}", actor=by, reason=reason) as entry:
        for part in parts:
            entry.rows += _decide(connection, run, decision, part, by)
    return entry.rows


def _decide(connection: Connection, run: Run, decision: Decision, contact_ids: list[int], by: str) -> int:
    if decision == "resend":
        return resend_unknown(connection, run.run_id, contact_ids)
    outcome = Outcome.OK if decision == "accept" else Outcome.REFUSED
    return record_unknown(connection, run.run_id, contact_ids, outcome, detail=f"by hand, {by}")


def _chosen(connection: Connection, run_id: int, contact_ids: Sequence[int]) -> Iterator[list[int]]:
    for first in range(0, len(contact_ids), _AT_ONCE):
        asked = {"run_id": run_id, "contact_ids": list(contact_ids[first : first + _AT_ONCE])}
        yield [row["contact_id"] for row in connection.execute(_SQL["chosen_unknown"], asked).fetchall()]


def _all(connection: Connection, run_id: int) -> Iterator[list[int]]:
    after = 0
    while True:
        asked = {"run_id": run_id, "after": after, "limit": _AT_ONCE}
        part = [row["contact_id"] for row in connection.execute(_SQL["next_unknown"], asked).fetchall()]
        if not part:
            return
        after = part[-1]
        yield part
