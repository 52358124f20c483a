"""Runs that nobody works on any more: nothing moves in them, or their DAG run is over or gone while they are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.run_list import list_stuck, list_under_way
from promo_campaigns.model.oversight.dag_run import DagRunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from promo_campaigns.model.oversight.run_line import RunLine
    from promo_campaigns.postgres.connection import Connection

    ReadDagRuns = Callable[[Iterable[tuple[str, str]]], "dict[str, DagRunState] | str"]

_MOST = 1_000
"""So many open runs are looked at; there are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRuns:
    """The runs that nobody works on, newest first.

    :ivar lines: of each run what the ledger says, and what Airflow says of its DAG run
    :ivar not_asked: why Airflow was not asked; empty if it was, or if no run is open
    """

    lines: list[tuple[RunLine, DagRunState]]
    not_asked: str

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the runs as plain values."""
        return [{**line.as_dict(), "dag_run": state.value} for line, state in self.lines]


def find_stuck_runs(connection: Connection, read_dag_runs: ReadDagRuns) -> StuckRuns:
    """Return the open runs in which nothing has moved for an hour, and those whose DAG run is over or gone.

    An open run reserves codes until it is closed: by its End block, or by cancelling it.

    :param read_dag_runs: asks Airflow
    """
    under_way = list_under_way(connection, _MOST)
    if not under_way:
        return StuckRuns(lines=[], not_asked="")
    still = {line.run_id for line in list_stuck(connection)}
    told = read_dag_runs([(line.workflow, line.run_key) for line in under_way])
    states = {} if isinstance(told, str) else told
    each = [(line, states.get(line.run_key, DagRunState.NOT_ASKED)) for line in under_way]
    stuck = [(line, state) for line, state in each if line.run_id in still or state.is_over]
    return StuckRuns(lines=stuck, not_asked=told if isinstance(told, str) else "")
