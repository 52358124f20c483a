"""One code for all those for whom the pool has none."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0016_fallback_code"
down_revision = "0015_pictures"


def upgrade() -> None:
    """Mark the copies of it."""
    run_sql_file(revision)
