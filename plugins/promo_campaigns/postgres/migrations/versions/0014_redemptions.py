"""Codes that were used in a shop come back."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0014_redemptions"
down_revision = "0013_generated_codes"


def upgrade() -> None:
    """Make the tables."""
    run_sql_file(revision)
