"""Runs as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.frames.columns import FrameColumn, make_frame_of_dicts, number_columns
from promo_campaigns.ledger.run_list import list_runs
from promo_campaigns.model.oversight.run_line import RunState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import pandas as pd  # type: ignore[import-untyped]  # it has no types here

    from promo_campaigns.model.oversight.run_line import RunLine
    from promo_campaigns.postgres.connection import Connection

_PAGE = 1_000
_RUN = (
    FrameColumn("run_id", "number"),
    FrameColumn("run_key"),
    FrameColumn("workflow", "word"),
    FrameColumn("state", "word", [state.value for state in RunState]),
    *(FrameColumn(name, "time") for name in ("opened_at", "closed_at", "moved_at")),
    FrameColumn("halted_by"),
    FrameColumn("halt_reason"),
    *number_columns("audience", "given", "sent", "recorded", "skipped", "unknown", "failed", "waiting"),
)


def run_frame(connection: Connection, workflow: str, since: datetime | None, limit: int) -> pd.DataFrame:
    """Return the runs, newest first, of one workflow or of all, opened since then, so many at most."""
    lines = _runs(connection, workflow, since, limit)
    return make_frame_of_dicts(_RUN, (line.as_dict() for line in lines))


def _runs(connection: Connection, workflow: str, since: datetime | None, limit: int) -> Iterator[RunLine]:
    before, left = None, limit
    while left > 0 and (page := list_runs(connection, workflow=workflow, limit=min(left, _PAGE), before=before)):
        for line in page:
            if since and line.opened_at < since:
                return
            yield line
        before, left = page[-1].run_id, left - len(page)
