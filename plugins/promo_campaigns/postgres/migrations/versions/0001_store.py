"""Codes, contacts and the ledger."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0001_store"
down_revision = None


def upgrade() -> None:
    """Make the first schema."""
    run_sql_file("0001_store")
