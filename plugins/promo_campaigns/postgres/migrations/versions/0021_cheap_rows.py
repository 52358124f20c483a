"""What a row of a campaign costs."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0021_cheap_rows"
down_revision = "0020_bounded_cost"


def upgrade() -> None:
    """Make the functions cheap that are called for each row."""
    run_sql_file("0021_cheap_rows")
