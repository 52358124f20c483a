"""Exports, erasures and the levels of the stock."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0008_aftermath"
down_revision = "0002_fast_ledger"


def upgrade() -> None:
    """Add what is done after the send."""
    run_sql_file("0008_aftermath")
