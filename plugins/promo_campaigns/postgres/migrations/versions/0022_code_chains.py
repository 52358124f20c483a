"""Codes from a chain of pools."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0022_code_chains"
down_revision = "0030_guards"


def upgrade() -> None:
    """Keep the pools of a chain with the run."""
    run_sql_file(revision)
