"""The audit knows modes and approvals, and what broke off."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0029_audit"
down_revision = "0021_event_queue"


def upgrade() -> None:
    """Add the column, and the actions."""
    run_sql_file(revision)
