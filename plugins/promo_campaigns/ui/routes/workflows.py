"""Workflows: each as the blocks it is, when it runs, what its last run came to, and how far its codes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from fastapi import APIRouter

from promo_campaigns.ledger.run_list import newest_of_workflows
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.oversight.run_line import RunLine
from promo_campaigns.model.parameters import code_request
from promo_campaigns.model.run_spec import CodeRequest, note_on_transport, receivers_of
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.preview.workflow_check import Remark, find_faults, remarks_on
from promo_campaigns.preview.workflow_outline import audience_in_words, codes_in_words, list_blocks, schedule_in_words
from promo_campaigns.ui.airflow_dags import DagState, coming_runs, dag_states, trigger_form
from promo_campaigns.ui.campaign_files import CampaignFiles, Outline, campaign_files, find_connection
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep

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
    """Return the workflows of the include folder whose DAGs the caller may read, checked as far as files say."""

    def read(connection: Connection) -> list[dict[str, Any]]:
        files = campaign_files()
        visible = caller.visible(files.outlines)
        outlines = [one for one in files.outlines.values() if one.workflow_id in visible]
        seen = _look(connection, outlines)
        return [_listed(one, seen) for one in outlines]

    return await store.read(read)


@router.get("/workflows/{dag_id}")
async def read_workflow(dag_id: str, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Return one workflow, checked with the store and Airflow's connections, and what its coming runs will find."""
    files = await anyio.to_thread.run_sync(_files_for, caller, dag_id)

    def read(connection: Connection) -> dict[str, Any]:
        outline = files.outline(dag_id)
        seen = _look(connection, [outline])
        remarks: list[Remark] = []
        faults = list(find_faults(files.folder, dag_id, find_connection, store=connection, remarks=remarks))
        if not faults:
            remarks += remarks_on(files.folder, dag_id)
        coming = [] if outline.workflow is None or outline.workflow.event else coming_runs(dag_id, _COMING)
        told = _listed(outline, seen)
        return {
            **told,
            "next_runs": coming or told["next_runs"],
            "faults": [_fault(fault) for fault in faults],
            "notes": [{"file": one.file, "line": one.line, "text": one.text} for one in remarks],
            "receivers": _receivers(outline),
            "form": [one._asdict() for one in trigger_form(dag_id)],
            "coming": _stock_of(connection, outline, coming, told["forecast"]),
            "can": {"act": caller.acts_on(dag_id), "turn_on": caller.may_turn_on(dag_id)},
        }

    return await store.read(read)


def _files_for(caller: Caller, dag_id: str) -> CampaignFiles:
    caller.require_view_of(dag_id, f"workflow {dag_id}")
    return campaign_files()


def _look(connection: Connection, outlines: list[Outline]) -> _Seen:
    names = [one.workflow_id for one in outlines]
    pools = {_pool(one) for one in outlines}
    free = {pool: weigh(connection, pool) for pool in pools if pool}
    return _Seen(
        dags=dag_states(names),
        last={line.workflow: line for line in newest_of_workflows(connection, names)},
        free={pool: max(0, found.stock - found.ahead) for pool, found in free.items()},
    )


def _pool(outline: Outline) -> CodeRequest | None:
    if outline.workflow is None:
        return None
    code = outline.workflow.promo_code
    return code_request(code.type, code.discount, code.days)


def _listed(outline: Outline, seen: _Seen) -> dict[str, Any]:
    dag, last = seen.dags.get(outline.workflow_id), seen.last.get(outline.workflow_id)
    shown = {
        "dag_id": outline.workflow_id,
        "paused": dag.paused if dag else None,
        "next_runs": [dag.next_run] if dag and dag.next_run else [],
        "last": last.as_dict() if last else None,
        "faults": [_fault(outline.fault)] if outline.fault else [],
    }
    return {**shown, **_described(outline, seen, last)}


def _described(outline: Outline, seen: _Seen, last: RunLine | None) -> dict[str, Any]:
    workflow, message, pool = outline.workflow, outline.message, _pool(outline)
    if workflow is None or message is None or pool is None:
        names = ("description", "channel", "transport", "is_inbox", "schedule", "audience", "codes", "message", "event")
        return {"name": outline.workflow_id, **dict.fromkeys(names), "blocks": [], "forecast": None}
    return {
        "name": workflow.name or outline.workflow_id,
        "description": workflow.description,
        "channel": message.channel,
        "transport": workflow.transport,
        "is_inbox": bool(note_on_transport(workflow.transport)),
        "schedule": schedule_in_words(workflow),
        "audience": audience_in_words(workflow),
        "codes": codes_in_words(workflow),
        "message": message.name,
        "event": workflow.event or None,
        "blocks": [block._asdict() for block in list_blocks(workflow, message, outline.sources)],
        "forecast": _forecast(last, seen.free[pool]),
    }


def _forecast(last: RunLine | None, free: int) -> dict[str, int | None]:
    """Return for how many runs like the last one there are codes."""
    wanted = last.given if last and last.given else None
    return {"wanted": wanted, "free": free, "enough_for": free // wanted if wanted else None}


def _stock_of(
    connection: Connection, outline: Outline, coming: list[datetime], forecast: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return what each coming run finds if all before it are like the last one, and codes run out meanwhile."""
    pool = _pool(outline)
    if pool is None or forecast is None:
        return []
    wanted, told = forecast["wanted"] or 0, []
    for before, at in enumerate(coming):
        found = weigh(connection, pool, at=at)
        free = max(0, found.stock - found.ahead - before * wanted)
        told.append({"at": at, "wanted": forecast["wanted"], "free": free, "short": max(0, wanted - free)})
    return told


def _receivers(outline: Outline) -> list[str]:
    """Return the names of the receivers that a run calls, as the page of receivers has them."""
    workflow, message = outline.workflow, outline.message
    if workflow is None or message is None:
        return []
    try:
        spec = campaign_files().spec(outline.workflow_id, contact_ids=[1])
    except DefinitionError:
        return []
    return receivers_of(spec.as_dict())


def _fault(error: DefinitionError) -> dict[str, Any]:
    text = error.problem + (f". {error.hint}" if error.hint else "")
    return {"file": error.file, "line": error.line, "text": text}
