"""Whom campaigns call: which receivers refuse or fail, what is to be done, and the last calls that failed."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import Any

from fastapi import APIRouter

from promo_campaigns.delivery.throttle.rate_limit import parse_budget
from promo_campaigns.model.errors import PromoError
from promo_campaigns.monitoring.receiver_states import Failure, ReceiverState, list_receivers
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.campaign_files import campaign_files, find_connection
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep

router = APIRouter()
_CONNECTION = "connection "


@router.get("/receivers")
async def list_all(caller: CallerDep, store: StoreDep) -> list[dict[str, Any]]:
    """Return every receiver that was called, and those that workflows would call. Never a secret or an address."""

    def read(connection: Connection) -> list[dict[str, Any]]:
        states = list_receivers(connection, _named())
        readable = caller.visible({one.workflow for state in states for one in state.last_errors})
        return [_item(state, readable) for state in states]

    return await store.read(read)


def _named() -> set[str]:
    """Return the receivers that the workflows of the include folder would call; none where that cannot be read."""
    try:
        return set(chain.from_iterable(campaign_files().receivers.values()))
    except PageError:
        return set()


def _item(state: ReceiverState, readable: set[str]) -> dict[str, Any]:
    return {
        "name": state.name,
        "kind": "transport" if state.name.startswith("transport") else "data source",
        "breaker": state.breaker,
        "open_until": state.open_until,
        "reason": state.reason,
        "remedy": state.remedy,
        "budget": _budget(state),
        "last_errors": [_error(one) for one in state.last_errors if one.workflow in readable],
    }


def _budget(state: ReceiverState) -> dict[str, Any] | None:
    """Return what all workers may ask of a receiver, as its connection says."""
    _, found, conn_id = state.name.rpartition(_CONNECTION)
    if not found:
        return None
    try:
        settings = find_connection(conn_id)
        budget = parse_budget(settings) if settings else None
    except PromoError:
        return None
    if budget is None:
        return None
    return {"per_s": budget.per_s, "concurrency": budget.concurrency, "next_at": state.next_at}


def _error(one: Failure) -> dict[str, Any]:
    told = asdict(one)
    del told["workflow"]
    return told
