"""The newest locator is found by the order of changes."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0020_channel_changes"
down_revision = "0018_watermark"


def upgrade() -> None:
    """Add the column."""
    run_sql_file(revision)
