"""What was told to somebody stays."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0030_guards"
down_revision = "0029_audit"


def upgrade() -> None:
    """Add the triggers, and a constraint."""
    run_sql_file(revision)
