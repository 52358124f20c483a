"""What callers of the profile API may do: import files of contacts, and subscribe contacts to categories."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0034_profile_api"
down_revision = "0033_archive"


def upgrade() -> None:
    """Let several rows have one session, and groups be categories."""
    run_sql_file(revision)
