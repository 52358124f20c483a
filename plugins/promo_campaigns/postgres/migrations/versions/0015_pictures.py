"""Links to pictures of codes."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0015_pictures"
down_revision = "0014_redemptions"


def upgrade() -> None:
    """Make the key that they are signed with."""
    run_sql_file(revision)
