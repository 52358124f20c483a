"""Composed and decomposed letters make one code; the time zone in which a file's dates were read."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0002_code_key"
down_revision = "0001_schema"


def upgrade() -> None:
    """Run the file."""
    run_sql_file(revision)
