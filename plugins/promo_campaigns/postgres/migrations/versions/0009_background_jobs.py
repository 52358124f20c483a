"""Checks of the store and dry runs that are worked off in the background."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0009_background_jobs"
down_revision = "0008_pages"


def upgrade() -> None:
    """Make the tables."""
    run_sql_file(revision)
