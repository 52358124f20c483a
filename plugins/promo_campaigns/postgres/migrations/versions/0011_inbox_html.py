"""The inbox transport keeps the HTML of a message."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0011_inbox_html"
down_revision = "0009_background_jobs"


def upgrade() -> None:
    """Add the column."""
    run_sql_file(revision)
