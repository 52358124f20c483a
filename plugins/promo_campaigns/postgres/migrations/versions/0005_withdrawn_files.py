"""An index of the files that were withdrawn."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0005_withdrawn_files"
down_revision = "0004_halts"


def upgrade() -> None:
    """Make the index; nobody is shut out meanwhile."""
    run_sql_file(revision)
