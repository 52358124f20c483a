"""Who got which code: by contact, by run, by code; and in full for who may see codes. Codes never stand in a URL."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from promo_campaigns.ledger.lookups.people import (
    NEWEST,
    find_code,
    find_contacts,
    list_attempts,
    list_codes,
    read_code,
    read_person,
)
from promo_campaigns.model.assignment_state import AssignmentState
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page, read_after
from promo_campaigns.ui.rights import Caller, CallerDep, Right, needs
from promo_campaigns.ui.run_access import visible_run

router = APIRouter()
_MAY_REVEAL = [Depends(needs(Right.REVEAL))]


class Search(BaseModel):
    """What a contact is looked for by."""

    text: Annotated[str, Field(min_length=1, max_length=500)]


class Code(BaseModel):
    """A code as somebody reads it out."""

    code: Annotated[str, Field(min_length=1, max_length=500)]


@router.post("/people/search")
async def search(caller: CallerDep, store: StoreDep, wanted: Search) -> dict[str, Any]:
    """Find contacts by their whole id, external id, address or number. A POST, so that no log holds an address."""

    def read(connection: Connection) -> dict[str, Any]:
        found = find_contacts(connection, wanted.text)
        return {"contacts": [_contact(row, reveal=caller.may(Right.REVEAL)) for row in found]}

    return await store.read(read)


@router.get("/people/{contact_id}/codes")
async def list_of_contact(
    *, caller: CallerDep, store: StoreDep, contact_id: int, after: AfterQuery = "", limit: LimitQuery = 50
) -> dict[str, Any]:
    """Return a page of the runs that a contact was in, newest first, without workflows that one may not see."""
    before = read_after(after, NEWEST)

    def read(connection: Connection) -> dict[str, Any]:
        rows = list_codes(connection, contact_id, before=before, limit=limit + 1)
        more = len(rows) > limit
        return page(_visible(caller, rows[:limit]), rows[limit - 1]["run_id"] if more else None)

    return await store.read(read)


@router.get("/runs/{run_id}/people/{contact_id}")
async def read_one(caller: CallerDep, store: StoreDep, run_id: int, contact_id: int) -> dict[str, Any]:
    """Return a contact of a run: its state and why, and every call that was made for it."""

    def read(connection: Connection) -> dict[str, Any]:
        visible_run(connection, caller, run_id)
        row = read_person(connection, run_id, contact_id)
        if row is None:
            raise PageError(404, f"there is no contact {contact_id} in run {run_id}")
        why = row["reason"] or AssignmentState(row["state"]).meaning
        return {**_shown(row), "why": why, "attempts": list_attempts(connection, run_id, contact_id)}

    return await store.read(read)


@router.post("/codes/find", dependencies=_MAY_REVEAL)
async def find(caller: CallerDep, store: StoreDep, wanted: Code) -> dict[str, Any]:
    """Return who was given a code, in any letter case; it is audited, with the code masked."""

    def act(connection: Connection) -> dict[str, Any]:
        with audited(connection, "find code", f"code {mask(wanted.code.strip())}", actor=caller.name) as entry:
            found = find_code(connection, wanted.code)
            if found is None:
                return {"code": None, **page([], None)}
            code, rows = found
            items = _visible(caller, rows)
            entry.rows = len(items)
            return {"code": _code(code), **page(items, None)}

    return await store.act(act)


@router.post("/runs/{run_id}/people/{contact_id}/reveal", dependencies=_MAY_REVEAL)
async def reveal(caller: CallerDep, store: StoreDep, run_id: int, contact_id: int) -> dict[str, Any]:
    """Return the code of a contact in full; it is audited before it leaves."""

    def act(connection: Connection) -> dict[str, Any]:
        run = visible_run(connection, caller, run_id)
        subject = f"run {run['run_key']}, contact {contact_id}"
        with audited(connection, "reveal", subject, revealed=True, actor=caller.name) as entry:
            row = read_code(connection, run_id, contact_id)
            if row is None or row["code"] is None:
                raise PageError(404, f"contact {contact_id} holds no code of run {run_id}")
            entry.rows = 1
            return {"code": row["code"]}

    return await store.act(act)


def _visible(caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the workflows that a user may see, as they are shown."""
    workflows = caller.visible({row["workflow"] for row in rows})
    return [_shown(row) for row in rows if row["workflow"] in workflows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = dict(row)
    code = shown.pop("code")
    return {**shown, "code_masked": mask(code) if code else None}


def _code(row: dict[str, Any]) -> dict[str, Any]:
    state = "given" if row["issued_at"] else "retired" if row["retired"] else "free"
    told = {name: row[name] for name in ("type", "discount", "expires_at", "file", "line")}
    return {"code_masked": mask(row["code"]), "state": state, **told}


def _contact(row: dict[str, Any], *, reveal: bool) -> dict[str, Any]:
    """Return a contact that was found; a user who looked for it by an address knows that, and sees it masked."""
    show = str if reveal else mask_value
    return {
        "contact_id": row["contact_id"],
        "external_id": row["external_id"] and show(row["external_id"]),
        "channel": row["type"],
        "shown": row["value"] and show(row["value"]),
        "erased": row["erased"],
    }
