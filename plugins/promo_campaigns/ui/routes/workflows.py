"""Workflows: each as the blocks it is, when it runs, what its last run came to, and how far its codes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from promo_campaigns.ledger.lookups.progress import list_workflows as workflows_with_runs
from promo_campaigns.ledger.run_list import newest_of_workflows
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.oversight.run_line import RunLine
from promo_campaigns.model.run_spec import CodeRequest
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.preview.workflow_check import Remark, find_faults, remarks_on
from promo_campaigns.ui.airflow_dags import DagState, coming_runs, dag_states, trigger_form
from promo_campaigns.ui.campaign_files import CampaignFiles, Outline, campaign_files, find_connection
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.python_workflows import list_python_workflows
from promo_campaigns.ui.rights import CallerDep
from promo_campaigns.ui.workflow_entries import Entry, describe_dag, describe_file, tell_fault

router = APIRouter()
_COMING = 5


@dataclass(frozen=True)
class _Seen:
    """What Airflow and the store say of workflows, by their names."""

    dags: Mapping[str, DagState]
    last: Mapping[str, RunLine]
    free: Mapping[CodeRequest, int]


@router.get("/workflows")
async def list_workflows(caller: CallerDep, store: StoreDep) -> list[dict[str, Any]]:
    """Return the workflows whose DAGs the caller may read: those of the include folder, then those in Python.

    Files are checked as far as they say themselves. A DAG in Python is listed if it has the tag ``promo`` and a block
    that starts a run, or if it had a run.
    """

    def read(connection: Connection) -> list[dict[str, Any]]:
        files = campaign_files()
        entries = [*map(describe_file, files.outlines.values()), *_in_python(connection, files)]
        visible = caller.visible(one.workflow_id for one in entries)
        shown = [one for one in entries if one.workflow_id in visible]
        seen = _look(connection, shown)
        return [_listed(one, seen) for one in shown]

    return await store.read(read)


@router.get("/workflows/{dag_id}")
async def read_workflow(dag_id: str, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Return one workflow, checked with the store and Airflow's connections, and what its coming runs will find."""

    def read(connection: Connection) -> dict[str, Any]:
        caller.require_view_of(dag_id, f"workflow {dag_id}")
        files = campaign_files()
        outline = files.outlines.get(dag_id)
        [entry] = [describe_file(outline)] if outline else _in_python(connection, files, dag_id)
        told = _listed(entry, _look(connection, [entry]))
        checked = _checked(connection, files, outline) if outline else {"notes": entry.notes, "receivers": []}
        coming = [] if entry.described["event"] or not entry.described["blocks"] else coming_runs(dag_id, _COMING)
        return {
            **told,
            **checked,
            "next_runs": coming or told["next_runs"],
            "form": [one._asdict() for one in trigger_form(dag_id)],
            "coming": _stock_of(connection, entry.pool, coming, told["forecast"]),
            "can": {"act": caller.acts_on(dag_id), "turn_on": caller.may_turn_on(dag_id)},
        }

    return await store.read(read)


def _in_python(connection: Connection, files: CampaignFiles, dag_id: str | None = None) -> list[Entry]:
    """Return the workflows that are written in Python, or the one that is asked for.

    :raises PageError: it is asked for, and there is none
    """
    found = list_python_workflows(workflows_with_runs(connection), apart_from=files.outlines, only=dag_id)
    if dag_id is not None and not found:
        raise PageError(404, f"there is no workflow {dag_id} in the include folder, nor a DAG of one")
    states = dag_states(found)
    return [describe_dag(one, files, broken=name in states and states[name].broken) for name, one in found.items()]


def _checked(connection: Connection, files: CampaignFiles, outline: Outline) -> dict[str, Any]:
    """Return what the check of a file finds, and whom its runs call."""
    remarks: list[Remark] = []
    name = outline.workflow_id
    faults = list(find_faults(files.folder, name, find_connection, store=connection, remarks=remarks))
    if not faults:
        remarks += remarks_on(files.folder, name)
    return {
        "faults": [tell_fault(fault) for fault in faults],
        "notes": [{"file": one.file, "line": one.line, "text": one.text} for one in remarks],
        "receivers": files.receivers[name],
    }


def _look(connection: Connection, entries: list[Entry]) -> _Seen:
    names = [one.workflow_id for one in entries]
    found = {pool: weigh(connection, pool) for pool in {one.pool for one in entries} if pool}
    return _Seen(
        dags=dag_states(names),
        last={line.workflow: line for line in newest_of_workflows(connection, names)},
        free={pool: max(0, stock.free) for pool, stock in found.items()},
    )


def _listed(entry: Entry, seen: _Seen) -> dict[str, Any]:
    dag, last = seen.dags.get(entry.workflow_id), seen.last.get(entry.workflow_id)
    return {
        "dag_id": entry.workflow_id,
        "written": entry.written,
        "paused": dag.paused if dag else None,
        "next_runs": [dag.next_run] if dag and dag.next_run else [],
        "last": last.as_dict() if last else None,
        "faults": entry.faults,
        **entry.described,
        "forecast": _forecast(last, seen.free[entry.pool]) if entry.pool else None,
    }


def _forecast(last: RunLine | None, free: int) -> dict[str, int | None]:
    """Return for how many runs like the last one there are codes."""
    wanted = last.given if last and last.given else None
    return {"wanted": wanted, "free": free, "enough_for": free // wanted if wanted else None}


def _stock_of(
    connection: Connection, pool: CodeRequest | None, coming: list[datetime], forecast: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return what each coming run finds if all before it are like the last one, and codes run out meanwhile."""
    if pool is None or forecast is None:
        return []
    wanted, told = forecast["wanted"] or 0, []
    for before, at in enumerate(coming):
        found = weigh(connection, pool, at=at)
        free = max(0, found.free - before * wanted)
        told.append({"at": at, "wanted": forecast["wanted"], "free": free, "short": max(0, wanted - free)})
    return told
