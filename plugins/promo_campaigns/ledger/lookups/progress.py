"""How far a run is: kept counts, so that looking costs the same however large it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.interventions import read_stop
from promo_campaigns.ledger.oversight.first_share import read_first_share
from promo_campaigns.ledger.reports import failing_receivers
from promo_campaigns.ledger.run_list import read_line
from promo_campaigns.model.oversight.run_line import RunState
from promo_campaigns.model.run_spec import receivers_of
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.model.oversight.first_share import FirstShare
    from promo_campaigns.model.oversight.halt import Halt
    from promo_campaigns.model.oversight.run_line import RunLine
    from promo_campaigns.model.run_report import FailingReceiver
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_RATE_S = 60.0
_ALARMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    :ivar states: contacts by state
    :ivar rate_per_s: contacts that came to an outcome a second in the last minute
    :ivar facts: run_key, workflow, definition (without the audience), mode, send_by, records, approval, halt,
        halted_at, time_zone, quiet_until
    :ivar receivers: those that take no calls just now
    :ivar stop: who stopped all sending; None if nobody did
    :ivar first_share: how far it is with those it goes to first; None if it goes to everybody at once
    """

    line: RunLine
    states: dict[str, int]
    rate_per_s: float
    facts: dict[str, Any]
    receivers: tuple[FailingReceiver, ...]
    stop: Halt | None
    first_share: FirstShare | None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate, a tenth of a second at least; None if nothing moves or nobody waits."""
        if not self.rate_per_s or not self.line.waiting:
            return None
        return max(round(self.line.waiting / self.rate_per_s, 1), 0.1)


def list_workflows(connection: Connection) -> list[str]:
    """Return the workflows that have runs, in order."""
    return [row["workflow"] for row in connection.execute(_SQL["list_workflows"]).fetchall()]


def read_progress(connection: Connection, run_id: int) -> Progress | None:
    """Return how far a run is; None if there is no such run."""
    if read_name(connection, run_id) is None:
        return None
    line = read_line(connection, run_id)
    which = {"run_id": run_id, "seconds": _RATE_S}
    rate = connection.execute(_SQL["read_rate"], which).fetchone() or {}
    facts = connection.execute(_SQL["read_facts"], which).fetchone() or {}
    is_open = line.state not in {RunState.CLOSED, RunState.CANCELLED}
    names = receivers_of(facts["definition"]) if is_open else []
    moving = is_open and rate["seconds"] and rate["outcomes"] > 0
    return Progress(
        line=line,
        states=read_states(connection, run_id),
        rate_per_s=round(rate["outcomes"] / rate["seconds"], 2) if moving else 0.0,
        facts=facts,
        receivers=failing_receivers(connection, names) if names else (),
        stop=read_stop(connection),
        first_share=read_first_share(connection, run_id) if is_open else None,
    )


def read_states(connection: Connection, run_id: int) -> dict[str, int]:
    """Return how many contacts of a run are in each state."""
    row = connection.execute(_SQL["read_states"], {"run_id": run_id}).fetchone() or {}
    return {state: count or 0 for state, count in row.items()}


def read_alarms(connection: Connection) -> list[dict[str, Any]]:
    """Return what somebody was told of low stock: subject (``type/level/amount``) and told_at, the newest first."""
    return connection.execute(_SQL["read_alarms"], {"limit": _ALARMS}).fetchall()


def read_name(connection: Connection, run_id: int) -> dict[str, Any] | None:
    """Return what a run is called: run_id, run_key, workflow, closed_at, halt, mode; None if there is no such run."""
    return connection.execute(_SQL["read_name"], {"run_id": run_id}).fetchone()


def read_ids(connection: Connection, key: str, limit: int) -> list[dict[str, Any]]:
    """Return the newest runs, run_id and workflow, of a run key and of the keys below it (``<key>/...``)."""
    return connection.execute(_SQL["read_ids"], {"key": key, "limit": limit}).fetchall()
