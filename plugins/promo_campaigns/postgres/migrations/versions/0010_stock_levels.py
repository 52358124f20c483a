"""Which levels of the stock somebody was told of."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0010_stock_levels"
down_revision = "0009_erasure"


def upgrade() -> None:
    """Remember who was told."""
    run_sql_file("0010_stock_levels")
