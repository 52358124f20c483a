"""Old runs leave the ledger for files."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0033_archive"
down_revision = "0032_code_attributes"


def upgrade() -> None:
    """Add the tables of the archive, and the guards that let archived rows go."""
    run_sql_file(revision)
