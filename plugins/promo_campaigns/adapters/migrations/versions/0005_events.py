"""Events, and the queue of those that wait for a workflow."""

from __future__ import annotations

from promo_campaigns.adapters.migrations import run_sql_file

revision = "0005_events"
down_revision = "0010_stock_levels"


def upgrade() -> None:
    """Make room for events."""
    run_sql_file("0005_events")
