"""A contact: its profile, what runs did for it, and erasing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from promo_campaigns.contacts.erasure import erase_contact, weigh_erasure
from promo_campaigns.contacts.store import read_contacts
from promo_campaigns.ledger.lookups.people import NEWEST, list_codes
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.effects import counted, effect
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page, read_after
from promo_campaigns.ui.rights import Caller, CallerDep, Right, needs

router = APIRouter()
ContactId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_NAMED = ("external_id", "first_name", "last_name", "language", "time_zone")


class Erasure(BaseModel):
    """Why a contact is erased; kept with the audit, so it names no address."""

    reason: str = Field(default="", max_length=500)


@router.get("/contacts/{contact_id}")
async def read_contact(  # noqa: PLR0913  (a profile and a page of its history, one keyword each)
    contact_id: ContactId,
    *,
    caller: CallerDep,
    store: StoreDep,
    reveal: bool = False,
    after: AfterQuery = "",
    limit: LimitQuery = 20,
) -> dict[str, Any]:
    """Return the profile of a contact, masked unless it is to be revealed, and a page of the runs that it was in."""

    def read(connection: Connection) -> dict[str, Any]:
        if reveal:
            caller.require(Right.REVEAL)
        found = read_contacts(connection, [contact_id])
        if not found:
            raise PageError(404, f"there is no contact {contact_id}, or it was erased")
        history = _history(connection, caller, contact_id, read_after(after, NEWEST), limit)
        if not reveal:
            return {**_profile(found[0], masked=True), "history": history}
        with audited(connection, "reveal", f"contact {contact_id}", revealed=True, actor=caller.name) as entry:
            entry.rows = 1
        return {**_profile(found[0], masked=False), "history": history}

    return await (store.act if reveal else store.read)(read)


@router.get("/contacts/{contact_id}/erase/effect", dependencies=[Depends(needs(Right.EXPORT))])
async def erase_effect(contact_id: ContactId, store: StoreDep) -> dict[str, Any]:
    """Say what erasing a contact would take away for good."""
    told = await store.read(lambda connection: weigh_erasure(connection, contact_id))
    numbers = {name: int(value) for name, value in asdict(told).items()}
    if told.already:
        return effect(f"contact {contact_id} was erased before", **numbers)
    said = (
        f"the names, {counted(told.channels, 'channel')}, {counted(told.field_values, 'field value')} and "
        f"{counted(told.messages, 'kept message')} of contact {contact_id} go for good; "
        f"{counted(told.codes, 'code')} that it holds are never given to anybody else"
    )
    if told.wait_s:
        said += f"; it is being sent to just now, and can be erased in {told.wait_s:,.0f} s"
    return effect(said, **numbers)


@router.post("/contacts/{contact_id}/erase", dependencies=[Depends(needs(Right.EXPORT))])
async def erase(contact_id: ContactId, wanted: Erasure, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Erase for good who a contact is. Its codes stay given out."""
    return await store.act(
        lambda connection: asdict(erase_contact(connection, contact_id, actor=caller.name, reason=wanted.reason))
    )


def _profile(contact: dict[str, Any], *, masked: bool) -> dict[str, Any]:
    def shown(value: str | None) -> str | None:
        return mask_value(value) if value and masked else value

    return {
        "contact_id": contact["contact_id"],
        **{name: shown(contact[name]) for name in _NAMED},
        "channels": [
            {
                "type": one["type"],
                "value": shown(one["value"]),
                **{name: one[name] for name in ("closed_at", "closed_for", "closed_by") if one.get(name)},
            }
            for one in contact["channels"]
        ],
        "fields": [
            {"id": one["id"], "name": one["name"], "type": one["type"], "value": shown(one["value"])}
            for one in contact["values"]
        ],
        "masked": masked,
    }


def _history(connection: Connection, caller: Caller, contact_id: int, before: int, limit: int) -> dict[str, Any]:
    """Return a page of the runs that a contact was in, of workflows that the caller may see."""
    rows = list_codes(connection, contact_id, before=before, limit=limit + 1)
    following = rows[limit - 1]["run_id"] if len(rows) > limit else None
    readable = caller.visible({row["workflow"] for row in rows[:limit]})
    return page([_run(row) for row in rows[:limit] if row["workflow"] in readable], following)


def _run(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "code"}
    return {**shown, "code_masked": mask(row["code"]) if row["code"] else None}
