"""What is decided before the send."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0013_rehearsal"
down_revision = "0012_events"


def upgrade() -> None:
    """Make room for hold-outs and forecasts."""
    run_sql_file("0013_rehearsal")
