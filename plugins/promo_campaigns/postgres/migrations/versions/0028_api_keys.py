"""Clients of the profile API have keys of their own."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0028_api_keys"
down_revision = "0027_orders"


def upgrade() -> None:
    """Add the table."""
    run_sql_file(revision)
