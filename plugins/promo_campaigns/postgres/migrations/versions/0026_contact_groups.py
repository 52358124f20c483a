"""Contacts are deleted without being erased, stand in groups, and are found by their names."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0026_contact_groups"
down_revision = "0024_channel_closings"


def upgrade() -> None:
    """Add the column, the tables and the indexes."""
    run_sql_file(revision)
