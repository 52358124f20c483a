"""Plain names of columns and triggers, and the count of a run's states said once."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0006_plain_names"
down_revision = "0005_withdrawn_files"


def upgrade() -> None:
    """Rename; each lock is held for a moment only."""
    run_sql_file(revision)
