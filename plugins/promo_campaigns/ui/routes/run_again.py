"""Running a run again: for contacts it did not reach, or for the profiles only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from promo_campaigns.ledger.lookups.progress import read_states
from promo_campaigns.ledger.runs import set_mode
from promo_campaigns.model.run import Mode
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.dag_runs import clear_dag_run, find_dag_run, require_dag, trigger
from promo_campaigns.ui.effects import counted, effect
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep
from promo_campaigns.ui.run_access import acted_run

router = APIRouter(prefix="/runs/{run_id}/again")
_EDITION = "/edition/"


class Again(BaseModel):
    """How a run is run again."""

    mode: Mode


@router.get("/effect")
async def read_effect(caller: CallerDep, store: StoreDep, run_id: int, mode: Mode) -> dict[str, Any]:
    """Return what running a run again would do."""

    def read(connection: Connection) -> dict[str, Any]:
        acted_run(connection, caller, run_id)
        states = read_states(connection, run_id)
        if mode is Mode.PROFILES:
            profiles = states["accepted"] + states["recorded"]
            said = f"{counted(profiles, 'profile')} would be written again, and nobody is sent a message"
            return effect(said, profiles=profiles)
        missing = states["skipped"] + states["rejected"] + states["expired"]
        waiting = states["pending"] + states["assigned"] + states["sending"]
        said = (
            f"{counted(missing, 'contact')} who got nothing would be tried again, and {counted(waiting, 'contact')} "
            "who still wait; nobody is sent a second message"
        )
        return effect(said, missing=missing, waiting=waiting)

    return await store.read(read)


@router.post("")
async def run_again(caller: CallerDep, store: StoreDep, run_id: int, again: Again) -> dict[str, Any]:
    """Run a run again: its DAG run is cleared, or one is triggered for its edition if Airflow has it no more."""

    def act(connection: Connection) -> dict[str, Any]:
        run = acted_run(connection, caller, run_id)
        key, workflow = run["run_key"], run["workflow"]
        if again.mode is Mode.REFUSE:
            raise PageError(400, "mode is missing or profiles")
        if run["halt"] == "cancelled":
            raise PageError(409, f"run {key} was cancelled; resume it first, which lets it be run again")
        dag_run_id = find_dag_run(workflow, key)
        edition = key.removeprefix(f"{workflow}{_EDITION}")
        if dag_run_id is None and edition == key:
            raise PageError(409, f"Airflow has no DAG run of {key} any more, so it cannot be run again from here")
        require_dag(workflow)
        with audited(connection, "run again", f"run {key}", actor=caller.name, reason=again.mode.value):
            set_mode(connection, key, again.mode, by=caller.name)
            if dag_run_id is None:
                dag_run_id = trigger(workflow, {"edition": edition, "mode": again.mode.value}, by=caller.name)
            else:
                clear_dag_run(workflow, dag_run_id)
        return {"run_key": key, "dag": {"dag_id": workflow, "run_id": dag_run_id}}

    return await store.act(act)
