"""The strip on Airflow's first page: stock alarms, and runs under way."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from promo_campaigns.ui.rights import CallerDep
from promo_campaigns.ui.shared_reads import SharedDep
from promo_campaigns.ui.snapshot import seen_by, told_stop

router = APIRouter()
_SHOWN = 5


@router.get("/strip")
async def read_strip(caller: CallerDep, shared: SharedDep) -> dict[str, Any]:
    """Return what somebody was told of low stock, the newest runs under way, and who stopped all sending."""
    seen = await seen_by(caller, shared)
    return {
        "alarms": [_told(alarm) for alarm in seen.snapshot.alarms],
        "under_way": [line.as_dict() for line in seen.under_way[:_SHOWN]],
        "under_way_count": len(seen.under_way),
        "sending_stopped": told_stop(seen.snapshot.stop),
    }


def _told(alarm: dict[str, Any]) -> dict[str, Any]:
    code_type, level, amount = alarm["subject"].rsplit("/", 2)
    text = f"{code_type}: {int(amount):,} free codes or fewer are left ({level})"
    return {"type": code_type, "level": level, "amount": int(amount), "since": alarm["told_at"], "text": text}
