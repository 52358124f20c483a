"""Rate budgets, quiet hours and frequency caps."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0011_pace"
down_revision = "0010_stock_levels"


def upgrade() -> None:
    """Add what limits a run."""
    run_sql_file("0011_pace")
