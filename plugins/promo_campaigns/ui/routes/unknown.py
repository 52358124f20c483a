"""Sends of which nobody knows whether they arrived, and what a person decides about them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from promo_campaigns.ledger.lookups.progress import read_states
from promo_campaigns.ledger.lookups.unknown_pages import count_unknown, decide_unknown, list_unknown_page
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.effects import counted, effect
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page_of, read_after
from promo_campaigns.ui.rights import CallerDep
from promo_campaigns.ui.run_access import acted_run, visible_run

router = APIRouter(prefix="/runs/{run_id}/unknown")
Decision = Literal["accept", "refuse", "resend"]
_EVERYBODY = "all"
_MOST = 1_000
_MEANING: dict[Decision, str] = {
    "accept": "count as sent: the messages arrived, and their profiles can be written",
    "refuse": "count as refused: the messages did not and will not arrive, and their codes go back to the pool",
    "resend": "are due again when the run is run again, at the risk of a second message",
}


class Decided(BaseModel):
    """What is decided, and of whom."""

    decision: Decision
    contact_ids: Annotated[list[int], Field(min_length=1, max_length=_MOST)] | Literal["all"]
    reason: Annotated[str, Field(max_length=500)] = ""


@router.get("")
async def list_all(
    *, caller: CallerDep, store: StoreDep, run_id: int, after: AfterQuery = "", limit: LimitQuery = 50
) -> dict[str, Any]:
    """Return a page of the sends of unknown outcome of a run, with all that was tried."""
    begin = read_after(after, 0)

    def read(connection: Connection) -> dict[str, Any]:
        visible_run(connection, caller, run_id)
        rows = list_unknown_page(connection, run_id, after=begin, limit=limit + 1)
        shown = [{**row, "code_masked": mask(row["code"])} for row in rows]
        for row in shown:
            del row["code"]
        return page_of(shown, [row["contact_id"] for row in rows], limit)

    return await store.read(read)


@router.get("/effect")
async def read_effect(
    caller: CallerDep,
    store: StoreDep,
    run_id: int,
    decision: Decision,
    contact_ids: Annotated[str, Query(description="Ids with commas between, or all")] = _EVERYBODY,
) -> dict[str, Any]:
    """Return what a decision would do."""

    def read(connection: Connection) -> dict[str, Any]:
        acted_run(connection, caller, run_id)
        if contact_ids == _EVERYBODY:
            sends = read_states(connection, run_id)["unknown"]
        else:
            sends = count_unknown(connection, run_id, _ids(contact_ids))
        return effect(f"{counted(sends, 'send')} {_MEANING[decision]}", sends=sends)

    return await store.read(read)


@router.post("")
async def decide(caller: CallerDep, store: StoreDep, run_id: int, decided: Decided) -> dict[str, Any]:
    """Record a decision about sends of unknown outcome."""
    whom = None if decided.contact_ids == _EVERYBODY else decided.contact_ids

    def act(connection: Connection) -> dict[str, Any]:
        acted_run(connection, caller, run_id)
        sends = decide_unknown(
            connection,
            run_id,
            decided.decision,
            whom,  # type: ignore[arg-type]  # the word for all is gone
            by=caller.name,
            reason=decided.reason,
        )
        return {"decision": decided.decision, "sends": sends}

    return await store.act(act)


def _ids(text: str) -> list[int]:
    """Return the contact ids that a query names.

    :raises PageError: these are none, or too many
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST or not all(part.isdecimal() and part.isascii() for part in parts):
        raise PageError(400, f"contact_ids are up to {_MOST:,} numbers with commas between, or all")
    return [int(part) for part in parts]
