"""Runs that can be halted, and counts of their contacts."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0004_halts"
down_revision = "0003_alert"


def upgrade() -> None:
    """Add halts and counts."""
    run_sql_file("0004_halts")
