"""Runs: the list, one of them live, and who is in it."""

from __future__ import annotations

from typing import Any

import anyio
from fastapi import APIRouter

from promo_campaigns.ledger.lookups.people import list_people
from promo_campaigns.ledger.lookups.progress import read_ids, read_progress
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.run_list import list_runs, list_runs_of
from promo_campaigns.model.assignment_state import AssignmentState
from promo_campaigns.model.masking import mask
from promo_campaigns.model.oversight.run_line import RunLine, RunState
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.redemptions.report import count_redeemed
from promo_campaigns.ui.dag_runs import find_dag_run, key_of_dag_run
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page, page_of, read_after
from promo_campaigns.ui.rights import Caller, CallerDep, Right
from promo_campaigns.ui.run_access import visible_run
from promo_campaigns.ui.run_view import detail
from promo_campaigns.ui.shared_reads import SharedDep
from promo_campaigns.ui.snapshot import seen_by

router = APIRouter(prefix="/runs")
_NEWEST = 2**63 - 1
_OF_DAG_RUN = 50
REPORT_AGE_S = 15.0
"""A report counts every contact of a run by reason, so it is read less often than what is kept."""


@router.get("")
async def list_all(  # noqa: PLR0913  (one parameter each)
    *,
    caller: CallerDep,
    shared: SharedDep,
    workflow: str = "",
    state: RunState | None = None,
    after: AfterQuery = "",
    limit: LimitQuery = 50,
) -> dict[str, Any]:
    """Return a page of runs, newest first, of the workflows that the user may see."""
    seen = await seen_by(caller, shared)
    before = read_after(after, _NEWEST)
    if workflow and workflow not in seen.workflows:
        return page([], None)
    asked = {"state": state, "limit": limit + 1, "before": before}

    def read(connection: Connection) -> list[RunLine]:
        if workflow or seen.sees_all:
            return list_runs(connection, workflow=workflow, **asked)  # type: ignore[arg-type]  # as named
        return list_runs_of(connection, seen.workflows, **asked)  # type: ignore[arg-type]  # likewise

    whose = workflow or (True if seen.sees_all else seen.workflows)
    lines = await shared.get(("runs", whose, state, before, limit), read)
    return page_of([line.as_dict() for line in lines], [line.run_id for line in lines], limit)


@router.get("/by-dag-run")
async def find_by_dag_run(caller: CallerDep, store: StoreDep, dag_id: str, run_id: str) -> dict[str, Any]:
    """Return the runs that a DAG run opened, or found."""
    key = await anyio.to_thread.run_sync(key_of_dag_run, dag_id, run_id)
    if key is None:
        return {"run_ids": []}

    def read(connection: Connection) -> list[int]:
        found = read_ids(connection, key, _OF_DAG_RUN)
        visible = caller.visible({row["workflow"] for row in found})
        return [row["run_id"] for row in found if row["workflow"] in visible]

    return {"run_ids": await store.read(read)}


@router.get("/{run_id}")
async def read_one(caller: CallerDep, shared: SharedDep, run_id: int) -> dict[str, Any]:
    """Return a run as it stands: how far, how fast, what it waits for, and why contacts were left out."""
    progress = await shared.get(("run", run_id), lambda connection: read_progress(connection, run_id))
    if progress is None:
        raise PageError(404, f"there is no run {run_id}")
    key, workflow = progress.line.run_key, progress.line.workflow
    await anyio.to_thread.run_sync(caller.require_view_of, workflow, f"run {run_id}")
    report, redeemed = await shared.get(
        ("report", run_id, progress.line.closed_at),
        lambda connection: (read_report(connection, run_id), count_redeemed(connection, run_id)),
        age_s=REPORT_AGE_S,
    )
    return {
        **detail(progress, report, redeemed),
        "dag": {"dag_id": workflow, "run_id": await anyio.to_thread.run_sync(find_dag_run, workflow, key)},
        "can": await anyio.to_thread.run_sync(_rights, caller, workflow),
    }


@router.get("/{run_id}/people")
async def list_of_run(  # noqa: PLR0913  (one parameter each)
    *,
    caller: CallerDep,
    store: StoreDep,
    run_id: int,
    state: AssignmentState | None = None,
    after: AfterQuery = "",
    limit: LimitQuery = 50,
) -> dict[str, Any]:
    """Return a page of the contacts of a run. One in a rare state may be empty and still have a next page."""
    begin = read_after(after, 0)

    def read(connection: Connection) -> dict[str, Any]:
        visible_run(connection, caller, run_id)
        asked = state.value if state else ""
        rows, next_after = list_people(connection, run_id, state=asked, after=begin, limit=limit)
        return page([_person(row) for row in rows], next_after)

    return await store.read(read)


def _person(row: dict[str, Any]) -> dict[str, Any]:
    code = row.pop("code")
    return {**row, "code_masked": mask(code) if code else None}


def _rights(caller: Caller, workflow: str) -> dict[str, bool]:
    return {
        "act": caller.acts_on(workflow),
        "reveal": caller.may(Right.REVEAL),
        "export": caller.may(Right.EXPORT),
    }
