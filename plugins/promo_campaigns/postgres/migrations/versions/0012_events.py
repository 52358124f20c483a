"""Events, and the queue of those that wait for a workflow."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0012_events"
down_revision = "0011_pace"


def upgrade() -> None:
    """Make room for events."""
    run_sql_file("0012_events")
