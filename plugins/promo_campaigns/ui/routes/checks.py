"""Whether the promises of the ledger hold: what the last check of the whole store found, and checking it now."""

from __future__ import annotations

import time
from typing import Any

import anyio
from fastapi import APIRouter, Depends

from promo_campaigns.ledger.invariants import check_store, promises_in_words
from promo_campaigns.ledger.restores.restoring import read_restore
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.background_jobs import begin_job, newest_job, newest_result, work_off
from promo_campaigns.postgres.connection import Connection, connect
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import PageStore, StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep, Right, needs

router = APIRouter()
_KIND, _STORE = "check", "store"


@router.get("/checks")
async def read_checks(store: StoreDep) -> dict[str, Any]:
    """Return the promises, and what the last check that came to an end found of each; it may be of another server."""

    def read(connection: Connection) -> dict[str, Any]:
        restore = read_restore(connection)
        newest, last = newest_job(connection, _KIND, _STORE), newest_result(connection, _KIND, _STORE)
        found = {one["invariant"]: one for one in (last.result or {})["broken"]} if last else {}
        told = [
            {
                "name": name,
                "text": text,
                "broken": found.get(name, {}).get("count", 0) if last else None,
                "rows": found.get(name, {}).get("rows", []),
            }
            for name, text in promises_in_words().items()
        ]
        return {
            "invariants": told,
            "at": last.finished_at if last else None,
            "took_s": (last.result or {})["took_s"] if last else None,
            "by": newest.actor if newest else None,
            "begun_at": newest.begun_at if newest else None,
            "state": newest.state if newest else "never",
            "error": newest.problem if newest else None,
            "restored_to": restore.restored_to if restore and restore.lifted_at is None else None,
        }

    return await store.read(read)


@router.post("/checks/run", status_code=202, dependencies=[Depends(needs(Right.ACT))])
async def run_checks(caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Begin a check of the whole store in the background. It reads all that there is, so it may take minutes."""
    return await anyio.to_thread.run_sync(_begun, caller, store)


def _begun(caller: Caller, store: PageStore) -> dict[str, Any]:
    dsn = store.address()
    with connect(dsn) as connection:
        job = begin_job(connection, _KIND, _STORE, actor=caller.name, terms={})
        if job is None:
            other = newest_job(connection, _KIND, _STORE)
            by = f", begun by {other.actor}" if other else ""
            raise PageError(409, f"a check is under way{by}; wait for what it finds")
        with audited(connection, "check", "the whole store", actor=caller.name):
            pass  # it is begun: what it finds is told on the page
    work_off(dsn, job, lambda _: _checked(dsn))
    return {"state": job.state, "begun_at": job.begun_at}


def _checked(dsn: str) -> dict[str, Any]:
    begun = time.monotonic()
    broken = check_store(dsn, lambda _: None)
    found = [{"invariant": one.invariant, "count": one.count, "rows": list(one.rows)} for one in broken]
    return {"broken": found, "took_s": round(time.monotonic() - begun, 1)}
