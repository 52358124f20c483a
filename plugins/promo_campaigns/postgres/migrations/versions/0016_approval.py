"""Approval of a run."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0016_approval"
down_revision = "0015_reuse"


def upgrade() -> None:
    """Make room for what a person says of a run."""
    run_sql_file("0016_approval")
