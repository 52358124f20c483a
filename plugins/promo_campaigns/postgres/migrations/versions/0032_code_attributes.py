"""Attributes of codes, and their start."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0032_code_attributes"
down_revision = "0031_restore"


def upgrade() -> None:
    """Add the columns, what counts by them, and the contacts' values of a run."""
    run_sql_file(revision)
