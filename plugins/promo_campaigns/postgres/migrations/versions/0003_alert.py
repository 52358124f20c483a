"""One table of what somebody was told of: ``promo.alert`` takes the place of ``promo.stock_level``."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0003_alert"
down_revision = "0002_code_key"


def upgrade() -> None:
    """Make the table, and move the levels."""
    run_sql_file("0003_alert")
