"""Keeps the contacts beyond a run's first share waiting, until each of them has an outcome and it did well enough.

All of it rests on rows: who is in the first share is drawn once when the run is opened, and that a run was let go on is
never taken back. So no retry, clear or kill, and no second worker, changes what comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors import FirstShareError
from promo_campaigns.model.oversight.first_share import FirstShare
from promo_campaigns.model.run import until
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.retry import retry_on_deadlock
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.oversight.first_share import StartWith
    from promo_campaigns.postgres.reconnecting import Store

_SQL = queries(__name__)
_LEAST_WAIT_S = 1.0
_POLL_S = 60.0
"""Seconds after which a task looks again that found the wait over and somebody of the first share under way again."""


class FirstShareGate:
    """Who of a run may be worked on, over one connection. It serves runs that begin with a first share."""

    def __init__(self, connection: Store) -> None:
        self._connection = connection
        self._kept_back: set[int] = set()

    @retry_on_deadlock
    def weigh(self, run_id: int) -> None:
        """Note that all of the first share have an outcome, and let the run go on or pause it when it is time."""
        self._connection.execute(_SQL["note_ended"], {"run_id": run_id})
        self._connection.execute(_SQL["let_go"], {"run_id": run_id})

    def first(self, run_id: int, contact_ids: Sequence[int]) -> list[int]:
        """Return who of the contacts may be worked on; of the others ``require_let_go`` tells."""
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        found = [row["contact_id"] for row in self._connection.execute(_SQL["read_first"], whose).fetchall()]
        if len(found) < len(contact_ids):
            self._kept_back.add(run_id)
        return found

    @retry_on_deadlock
    def require_let_go(self, run_id: int) -> None:
        """Make sure that nobody was kept back.

        :raises FirstShareError: somebody was; it says for how long at least the others wait
        """
        if run_id not in self._kept_back:
            return
        self._kept_back.discard(run_id)
        row = self._connection.execute(_SQL["read_first_share"], {"run_id": run_id}).fetchone() or {}
        wait_s = max(row["wait_s"], _LEAST_WAIT_S if row["let_go_at"] else _POLL_S if row["wait_s"] <= 0 else 0.0)
        state = "are waited for" if row["ended_at"] is None else "have an outcome"
        ends = "at least " if row["ended_at"] is None else ""
        msg = (
            f"run {row['run_key']} goes to a first share of {row['contacts']:,} contacts, who {state}; the others wait "
            f"{ends}{until(wait_s)}, and go on unless too many of the first were refused or are unknown"
        )
        raise FirstShareError(msg, wait_s=wait_s)


def draw_first_share(connection: Store, run_id: int, start_with: StartWith | None) -> None:
    """Decide whom a new run goes to first; None for everybody at once."""
    if start_with is None:
        return
    drawn = {"run_id": run_id, "percent": start_with.percent, "contacts": start_with.contacts}
    connection.execute(_SQL["draw_first_share"], drawn)


def read_first_share(connection: Store, run_id: int) -> FirstShare | None:
    """Return how far a run is with its first share; None for a run without one."""
    row = connection.execute(_SQL["read_first_share"], {"run_id": run_id}).fetchone()
    return FirstShare(**{name: row[name] for name in FirstShare.__dataclass_fields__}) if row else None
