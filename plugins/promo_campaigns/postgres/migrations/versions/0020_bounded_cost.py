"""Costs that follow the batch or the run."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0020_bounded_cost"
down_revision = "0018_known_zones"


def upgrade() -> None:
    """Add the indexes and lists by which no statement looks through what was sent before."""
    run_sql_file("0020_bounded_cost")
