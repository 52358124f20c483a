"""Order by ids in place of clocks, and kept counts."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0017_order_and_counts"
down_revision = "0016_approval"


def upgrade() -> None:
    """Keep what came first, and how many codes there are and are wanted."""
    run_sql_file("0017_order_and_counts")
