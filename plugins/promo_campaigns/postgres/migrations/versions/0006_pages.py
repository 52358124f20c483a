"""More actions in the audit, and an index of the runs of a pool."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0006_pages"
down_revision = "0005_withdrawn_files"


def upgrade() -> None:
    """Change them; nobody is shut out meanwhile."""
    run_sql_file(revision)
