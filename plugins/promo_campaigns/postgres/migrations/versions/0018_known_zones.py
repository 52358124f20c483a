"""Which time zones the server knows."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0018_known_zones"
down_revision = "0017_order_and_counts"


def upgrade() -> None:
    """Let a zone be asked for without an error."""
    run_sql_file("0018_known_zones")
