"""What the ledger pays per contact."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0002_fast_ledger"
down_revision = "0001_store"


def upgrade() -> None:
    """Make the ledger cheaper per contact."""
    run_sql_file("0002_fast_ledger")
