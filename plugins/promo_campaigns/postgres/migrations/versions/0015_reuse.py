"""A contact may be given again the code it holds."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0015_reuse"
down_revision = "0014_settled_in_place"


def upgrade() -> None:
    """Let several assignments of one contact hold a code."""
    run_sql_file("0015_reuse")
