"""Who did what: codes taken out, contacts erased, runs started and halted, unknown sends decided."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter

from promo_campaigns.postgres.audit import NEWEST, audit_page
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page, read_after
from promo_campaigns.ui.rights import Caller, CallerDep, Right

router = APIRouter()
_AS = " as "
_ABOUT = re.compile(
    r"(?:runs? |workflow )?([A-Za-z0-9][A-Za-z0-9_.-]*)/.*|workflow ([A-Za-z0-9][A-Za-z0-9_.-]*).*", re.DOTALL
)


@router.get("/audit")
async def list_entries(
    caller: CallerDep,
    store: StoreDep,
    after: AfterQuery = "",
    limit: LimitQuery = 50,
) -> dict[str, Any]:
    """Return a page of the audit, newest first: about the runs that the caller may read, and with ``reveal`` all else.

    A page may hold fewer entries than ``limit``, since those that are not for the caller are left out.
    """
    before = read_after(after, NEWEST)

    def read(connection: Connection) -> dict[str, Any]:
        rows = audit_page(connection, before=before, limit=limit + 1)
        following = rows[limit - 1]["audit_id"] if len(rows) > limit else None
        return page([_item(row) for row in _visible(caller, rows[:limit])], following)

    return await store.read(read)


def _visible(caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    workflows = {row["subject"]: _workflow(row["subject"]) for row in rows}
    readable = caller.visible(workflow for workflow in workflows.values() if workflow)
    sees_all = caller.may(Right.REVEAL)
    return [row for row in rows if (workflow in readable if (workflow := workflows[row["subject"]]) else sees_all)]


def _workflow(subject: str) -> str:
    """Return the workflow that an entry is about: a run key begins with it; empty where it is about something else."""
    found = _ABOUT.fullmatch(subject)
    return found[1] or found[2] if found else ""


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": row["begun_at"],
        "user": row["actor"].partition(_AS)[0],
        "action": row["action"],
        "subject": row["subject"],
        "reason": row["reason"],
        "rows": row["rows"],
        "revealed": row["revealed"],
        "finished": row["finished"],
    }
