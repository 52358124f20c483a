"""A restored store waits until what it has forgotten is decided."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0031_restore"
down_revision = "0028_api_keys"


def upgrade() -> None:
    """Add the tables, and what reads them."""
    run_sql_file(revision)
