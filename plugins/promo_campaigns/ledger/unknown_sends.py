"""Unknown sends, and their outcome as a person or a receiver knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

_ATTEMPT = queries("promo_campaigns.ledger.attempts")
_BY_HAND = "by hand"
_FROM_RECEIVER = "the receiver knows its key"


def list_unknown(
    connection: Connection, run_id: int | None = None, contact_ids: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Return the sends of unknown outcome, oldest first: run_key, run_id, contact_id, code, first_attempt, attempts.

    :param run_id: of this run only
    :param contact_ids: of the run, to these contacts only
    """
    if run_id is None:
        return connection.execute(_ATTEMPT["list_unknown"]).fetchall()
    if contact_ids is None:
        return connection.execute(_ATTEMPT["list_unknown_of_run"], {"run_id": run_id}).fetchall()
    chosen = {"run_id": run_id, "contact_ids": list(contact_ids)}
    return connection.execute(_ATTEMPT["list_unknown_of_contacts"], chosen).fetchall()


def record_unknown(
    connection: Connection, run_id: int, contact_ids: Sequence[int], outcome: Outcome, *, detail: str = _BY_HAND
) -> int:
    """Record the outcome of unknown sends, known from outside, and return how many they were.

    ``OK`` makes them accepted; ``REFUSED`` gives their codes back to the pool.
    """
    return fold_unknown(connection, run_id, contact_ids, outcome, detail=detail, write=_ATTEMPT["record_unknown"])


def fold_unknown(  # noqa: PLR0913  (of whom, what, and how it is written)
    connection: Connection, run_id: int, contact_ids: Sequence[int], outcome: Outcome, *, detail: str, write: str
) -> int:
    """Write evidence of unknown sends by a statement, and fold all attempts into states; return how many they were.

    :param outcome: the last word, where every attempt was refused: ``LATER`` makes them due again
    :param write: what writes the evidence
    """
    told = {"run_id": run_id, "contact_ids": list(contact_ids), "outcome": outcome.value, "detail": detail}
    fold = {
        **told,
        "outcomes": [outcome.value] * len(contact_ids),
        "details": [detail] * len(contact_ids),
        "token": None,
    }
    with connection.transaction():
        connection.execute(_ATTEMPT["lock_assignments"], told)
        connection.execute(write, told)
        return connection.execute(_ATTEMPT["fold_assignments"], fold).rowcount


def resend_unknown(connection: Connection, run_id: int, contact_ids: Sequence[int]) -> int:
    """Make sends of unknown outcome due again, at the risk of a second message, and return how many were."""
    chosen = {"run_id": run_id, "contact_ids": list(contact_ids)}
    return connection.execute(_ATTEMPT["resend_unknown"], chosen).rowcount


class KnowsKeys(Protocol):
    """A transport that can tell whether it knows an idempotency key."""

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return those of the idempotency keys under which the receiver has accepted a message."""


async def reconcile(connection: Connection, transport: KnowsKeys, run: Run) -> int:
    """Ask the receiver about the run's sends of unknown outcome, accept those it knows, and return how many.

    That it does not know one proves nothing, and leaves it unknown.
    """
    asked = {
        idempotency_key(run.run_key, row["contact_id"], Purpose.MESSAGE, row["resend_counter"]): row["contact_id"]
        for row in list_unknown(connection, run.run_id)
    }
    known = await transport.look_up(list(asked)) if asked else set()
    contact_ids = [asked[key] for key in known if key in asked]
    return record_unknown(connection, run.run_id, contact_ids, Outcome.OK, detail=_FROM_RECEIVER)
