"""Columns of audiences that other databases are asked for."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0017_audience_values"
down_revision = "0016_fallback_code"


def upgrade() -> None:
    """Make the table."""
    run_sql_file(revision)
