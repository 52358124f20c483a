"""Who asks, what they may do, and whether all sending is stopped: what every page needs first."""

from __future__ import annotations

from typing import Any

import anyio
from fastapi import APIRouter

from promo_campaigns import __version__
from promo_campaigns.ui.rights import Caller, CallerDep, Right
from promo_campaigns.ui.shared_reads import SharedDep
from promo_campaigns.ui.snapshot import seen_by, told_stop

router = APIRouter()


@router.get("/me")
async def read_me(caller: CallerDep, shared: SharedDep) -> dict[str, Any]:
    """Return the user, what they may do, and who stopped all sending."""
    seen = await seen_by(caller, shared)
    return {
        "user": caller.name,
        "rights": await anyio.to_thread.run_sync(_rights, caller, seen.workflows),
        "version": __version__,
        "workflows": seen.workflows,
        "sending_stopped": told_stop(seen.snapshot.stop),
    }


def _rights(caller: Caller, workflows: tuple[str, ...]) -> dict[str, bool]:
    """Return what they may do; who may act on one workflow alone may act."""
    rights = {right.value: caller.may(right) for right in (Right.ACT, Right.REVEAL, Right.EXPORT)}
    return {**rights, "act": rights["act"] or caller.acts_on_any(workflows)}
