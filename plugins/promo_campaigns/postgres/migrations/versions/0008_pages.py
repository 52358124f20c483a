"""More actions in the audit, and an index of the runs of a pool."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0008_pages"
down_revision = "0007_first_share"


def upgrade() -> None:
    """Change them; nobody is shut out meanwhile."""
    run_sql_file(revision)
