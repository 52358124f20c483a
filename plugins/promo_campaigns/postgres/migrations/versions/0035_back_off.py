"""A Retry-After is kept by itself, so that every worker hears of it."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0035_back_off"
down_revision = "0034_profile_api"


def upgrade() -> None:
    """Add the column."""
    run_sql_file(revision)
