"""Runs as a person looks for them: newest first, by workflow and state, by the beginning of a key, or stuck."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING

from promo_campaigns.ledger.runs import read_run_by_key
from promo_campaigns.model.errors import LedgerError, RunUnknownError
from promo_campaigns.model.oversight.run_line import RunLine, RunState
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_NEWEST = 2**63 - 1
_NAMED = 5
_CLOSE = 200
HOW_A_RUN_BEGINS = "a run begins with a DAG run of its workflow, which waits while the DAG is paused"
STILL = timedelta(hours=1)
"""How long nothing moves in a run before it counts as stuck."""


def list_runs(
    connection: Connection,
    *,
    workflow: str = "",
    state: RunState | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[RunLine]:
    """Return a page of runs, newest first. What it costs follows the page.

    :param workflow: of this workflow only; empty for all
    :param state: in this state only
    :param before: the ``run_id`` of the last run of the page before
    """
    asked = {"workflow": workflow or None, "before": _NEWEST if before is None else before, "limit": limit}
    if state in {RunState.OPEN, RunState.AWAITING, RunState.PAUSED, RunState.RESTORED}:
        return _lines(connection, "list_open", asked | {"state": state.value})
    if state is RunState.CANCELLED:
        return _lines(connection, "list_cancelled", asked)
    which = "closed" if state is RunState.CLOSED else "runs"
    return _lines(connection, f"list_{which}_of_workflow" if workflow else f"list_{which}", asked)


def list_runs_of(
    connection: Connection,
    workflows: Sequence[str],
    *,
    state: RunState | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[RunLine]:
    """Return a page of the runs of some workflows, newest first. What it costs follows the page and their number."""
    if state is None:
        asked = {"workflows": list(workflows), "before": _NEWEST if before is None else before, "limit": limit}
        return _lines(connection, "list_runs_of_workflows", asked)
    each = (list_runs(connection, workflow=one, state=state, limit=limit, before=before) for one in workflows)
    return sorted(chain.from_iterable(each), key=lambda line: -line.run_id)[:limit]


def list_under_way(connection: Connection, limit: int) -> list[RunLine]:
    """Return the newest runs that are not closed."""
    return _lines(connection, "list_under_way", {"limit": limit})


def newest_of_workflows(connection: Connection, workflows: Collection[str]) -> list[RunLine]:
    """Return the newest run of each of these workflows that ever had one."""
    return _lines(connection, "newest_of_workflows", {"workflows": list(workflows)})


def list_stuck(connection: Connection, still: timedelta = STILL) -> list[RunLine]:
    """Return the open runs in which nothing has moved for so long, newest first.

    Mostly their DAG runs were marked failed, or deleted. Those that a person paused or is to approve are not among
    them, nor those that wait for the end of quiet hours. Cancelling one gives back the codes that it reserves.
    """
    return _lines(connection, "list_stuck", {"still": still})


def read_line(connection: Connection, run_id: int) -> RunLine:
    """Return a run as a list shows it.

    :raises RunUnknownError: there is no such run
    """
    found = _lines(connection, "read_line", {"run_id": run_id})
    if not found:
        raise RunUnknownError(run_id)
    return found[0]


def find_run(connection: Connection, start: str = "") -> Run:
    """Return the run whose key is a text, or the only one whose key begins with it; without one, the newest run.

    :raises LedgerError: there is none, or there are several
    """
    asked = {"start": start, "limit": _NAMED + 1}
    keys = [row["run_key"] for row in connection.execute(_SQL["find_keys"], asked)] if start else []
    if start in keys[:1] or len(keys) == 1:
        return read_run_by_key(connection, keys[0])
    newest = [row["run_key"] for row in connection.execute(_SQL["newest_keys"], {"limit": _CLOSE})]
    if not start and newest:
        return read_run_by_key(connection, newest[0])
    raise LedgerError(_no_run(start, keys, newest))


def _no_run(start: str, keys: list[str], newest: list[str]) -> str:
    if not start:
        return f"there is no run yet; {HOW_A_RUN_BEGINS}"
    if keys:
        more = " and others" if len(keys) > _NAMED else ""
        return f"several runs begin with {start}: {', '.join(keys[:_NAMED])}{more}; give more of the key"
    close = get_close_matches(start, newest, 1)
    hint = f"; did you mean {close[0]}?" if close else "; promo runs list names them"
    return f"there is no run {start}{hint}"


def _lines(connection: Connection, query: str, asked: Mapping[str, object]) -> list[RunLine]:
    rows: Iterable[dict[str, object]] = connection.execute(_SQL[query], asked).fetchall()
    return [RunLine(**{**row, "state": RunState(row["state"])}) for row in rows]  # type: ignore[arg-type]  # as the store has them
