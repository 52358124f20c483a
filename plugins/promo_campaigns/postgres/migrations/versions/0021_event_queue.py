"""The queue of events has the name of what it is."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0021_event_queue"
down_revision = "0020_channel_changes"


def upgrade() -> None:
    """Rename the table."""
    run_sql_file(revision)
