"""What the inbox transport kept, with every code masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from promo_campaigns.delivery.transports.inbox import inbox_message, inbox_page
from promo_campaigns.ledger.lookups.senders import Sent, read_senders
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.masking import mask
from promo_campaigns.model.picture_link import without_pictures
from promo_campaigns.model.redaction import redacted
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.preview.shown_message import list_hidden_values
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep

router = APIRouter()
_BETWEEN = "_"
_TEXTS = ("title", "body", "html")


@router.get("/inbox")
async def list_messages(
    caller: CallerDep,
    store: StoreDep,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> dict[str, Any]:
    """Return a page of the messages, newest first, of the runs that the caller may read.

    Of a message that belongs to no run, such as a test, only is told that it came: nobody can tell its codes.
    """

    def read(connection: Connection) -> dict[str, Any]:
        rows = inbox_page(connection, before=_place(after), limit=limit)
        following = f"{rows[-1]['received_at'].isoformat()}{_BETWEEN}{rows[-1]['key']}" if len(rows) == limit else None
        return {"items": _items(connection, caller, rows), "next": following}

    return await store.read(read)


@router.get("/inbox/{message_id}")
async def read_message(message_id: UUID, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Return one message with its HTML, which a list leaves out for its size."""

    def read(connection: Connection) -> dict[str, Any]:
        row = inbox_message(connection, str(message_id))
        items = _items(connection, caller, [row]) if row else []
        if not items:
            raise PageError(404, "there is no such message in the inbox")
        return items[0]

    return await store.read(read)


def _place(after: str) -> tuple[datetime, str] | None:
    at, _, key = after.partition(_BETWEEN)
    try:
        return (datetime.fromisoformat(at), str(UUID(key))) if after else None
    except ValueError:
        raise PageError(400, "this is no place in the inbox: ask with what the page before says") from None


def _items(connection: Connection, caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    who = {row["contact_id"] for row in rows}
    senders = read_senders(connection, who)
    readable = caller.visible({sent.workflow for sent in senders.values()})
    masks = list_hidden_values(connection, sorted(who))
    told = []
    for row in rows:
        sent = senders.get(row["key"])
        if sent is None or sent.workflow in readable:
            told.append(_item(row, sent, masks.get(row["contact_id"], {})))
    return told


def _item(row: Mapping[str, Any], sent: Sent | None, masks: Mapping[str, str]) -> dict[str, Any]:
    hidden = {**masks, **({code: mask(code) for code in sent.codes} if sent else {})}
    return {
        "message_id": row["key"],
        "at": row["received_at"],
        "workflow": sent.workflow if sent else None,
        "run_key": sent.run_key if sent else None,
        "contact_id": row["contact_id"],
        "channel": row["channel"],
        "locator": mask_value(row["locator"]) if row["locator"] else None,
        **{name: redacted(without_pictures(row[name]), [], hidden) if sent else None for name in _TEXTS if name in row},
    }
