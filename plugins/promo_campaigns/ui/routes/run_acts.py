"""What a person does to a run or to all: cancel, pause, resume, stop and start sending. The ledger audits each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from promo_campaigns.ledger.interventions import (
    cancel_run,
    pause_run,
    read_stop,
    resume_run,
    start_sending,
    stop_sending,
)
from promo_campaigns.ledger.lookups.progress import list_workflows, read_states
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.effects import counted, effect
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep
from promo_campaigns.ui.run_access import acted_run
from promo_campaigns.ui.snapshot import told_stop

router = APIRouter()


class Why(BaseModel):
    """Why somebody does it, for the audit and for those who find it done."""

    reason: Annotated[str, Field(max_length=500)] = ""


@router.get("/runs/{run_id}/cancel/effect")
async def read_cancel_effect(caller: CallerDep, store: StoreDep, run_id: int) -> dict[str, Any]:
    """Return what cancelling a run would do."""

    def read(connection: Connection) -> dict[str, Any]:
        acted_run(connection, caller, run_id)
        states = read_states(connection, run_id)
        skipped = states["pending"] + states["assigned"]
        sent = states["accepted"] + states["recorded"]
        sentence = (
            f"{counted(skipped, 'contact')} who wait would be sent nothing, and codes that nobody has seen go back; "
            f"{counted(sent, 'message')} that were sent stay as they are"
        )
        return effect(sentence, skipped=skipped, under_way=states["sending"], unknown=states["unknown"], sent=sent)

    return await store.read(read)


@router.post("/runs/{run_id}/cancel")
async def cancel(caller: CallerDep, store: StoreDep, run_id: int, why: Why) -> dict[str, Any]:
    """Cancel a run; calls that are under way come to their end."""

    def act(connection: Connection) -> dict[str, Any]:
        run = acted_run(connection, caller, run_id)
        return asdict(cancel_run(connection, run["run_key"], by=caller.name, reason=why.reason))

    return await store.act(act)


@router.post("/runs/{run_id}/pause")
async def pause(caller: CallerDep, store: StoreDep, run_id: int, why: Why) -> dict[str, Any]:
    """Let nobody new of a run be given a code or sent to."""

    def act(connection: Connection) -> dict[str, Any]:
        run = acted_run(connection, caller, run_id)
        pause_run(connection, run["run_key"], by=caller.name, reason=why.reason)
        return {"run_key": run["run_key"], "paused": True}

    return await store.act(act)


@router.post("/runs/{run_id}/resume")
async def resume(caller: CallerDep, store: StoreDep, run_id: int, why: Why) -> dict[str, Any]:
    """Let a run go on that is paused or cancelled."""

    def act(connection: Connection) -> dict[str, Any]:
        run = acted_run(connection, caller, run_id)
        resumed = resume_run(connection, run["run_key"], by=caller.name, reason=why.reason)
        return {"run_key": run["run_key"], "resumed": resumed}

    return await store.act(act)


@router.post("/sending/stop")
async def stop(caller: CallerDep, store: StoreDep, why: Why) -> dict[str, Any]:
    """Stop all sending, in whatever run; it needs the right to act on every workflow."""

    def act(connection: Connection) -> dict[str, Any]:
        caller.require_act_on_all(list_workflows(connection))
        stopped = stop_sending(connection, by=caller.name, reason=why.reason)
        return {"sending_stopped": told_stop(stopped)}

    return await store.act(act)


@router.post("/sending/start")
async def start(caller: CallerDep, store: StoreDep, why: Why) -> dict[str, Any]:
    """Let runs send again; it needs the right to act on every workflow."""

    def act(connection: Connection) -> dict[str, Any]:
        caller.require_act_on_all(list_workflows(connection))
        start_sending(connection, by=caller.name, reason=why.reason)
        return {"sending_stopped": told_stop(read_stop(connection))}

    return await store.act(act)
