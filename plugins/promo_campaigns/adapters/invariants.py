"""The promises of the ledger, as queries that anybody can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.core.errors import InvariantBroken
from promo_campaigns.sql import invariants

if TYPE_CHECKING:
    from promo_campaigns.adapters.postgres import Connection

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that does not hold.

    :ivar invariant: its name in ``invariants.sql``
    :ivar rows: what breaks it, by ids, the first 20
    :ivar count: how many rows break it
    """

    invariant: str
    rows: tuple[str, ...]
    count: int


def check_invariants(connection: Connection, run_id: int | None = None) -> list[Violation]:
    """Run every invariant over the store, or over one run, and return those that do not hold."""
    broken: list[Violation] = []
    with connection.transaction():
        for name, query in invariants().items():
            rows = connection.execute(query, {"run_id": run_id}).fetchall()
            if rows:
                shown = tuple(str(row["broken"]) for row in rows[:SHOWN])
                broken.append(Violation(name, shown, len(rows)))
    return broken


def require_invariants(connection: Connection, run_id: int) -> None:
    """Stop if a promise does not hold for a run.

    :raises InvariantBroken: it names the first of them
    """
    broken = check_invariants(connection, run_id)
    if broken:
        first = broken[0]
        msg = (
            f"{len(broken)} invariants do not hold for run {run_id}: {first.invariant}: {first.rows[0]} "
            f"({first.count} rows); see promo check"
        )
        raise InvariantBroken(msg)
