"""Who asks, what they may do, and whether all sending is stopped: what every page needs first."""

from __future__ import annotations

from typing import Any

import anyio
from fastapi import APIRouter

from promo_campaigns import __version__
from promo_campaigns.ledger.interventions import read_stop
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep, Right

router = APIRouter()


@router.get("/me")
async def read_me(caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Return the user, what they may do, and who stopped all sending."""
    stop = await store.read(read_stop)
    return {
        "user": caller.name,
        "rights": await anyio.to_thread.run_sync(_rights, caller),
        "version": __version__,
        "sending_stopped": stop and {"by": stop.by, "at": stop.at, "reason": stop.reason},
    }


def _rights(caller: CallerDep) -> dict[str, bool]:
    return {right.value: caller.may(right) for right in (Right.ACT, Right.REVEAL, Right.EXPORT)}
