"""Runs that are not closed, and for how long they have stood still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is not closed.

    :param awaits_approval: a person has yet to approve it
    :param moved_at: when something last moved in it, and
    :param still_s: how many seconds ago that is, by the clock of the store
    """

    run_id: int
    run_key: str
    workflow: str
    awaits_approval: bool
    moved_at: datetime
    still_s: float


def open_runs(connection: Connection) -> list[OpenRun]:
    """Return the runs that are not closed, oldest first."""
    return [OpenRun(**row) for row in connection.execute(_SQL["read_open_runs"])]


def count_waiting(connection: Connection, run: OpenRun, still_s: float) -> int:
    """Count the contacts of a run who wait, and could have been written to for so many seconds."""
    row = connection.execute(_SQL["count_waiting"], {"run_id": run.run_id, "still_s": still_s}).fetchone()
    return int(row["contacts"]) if row else 0
