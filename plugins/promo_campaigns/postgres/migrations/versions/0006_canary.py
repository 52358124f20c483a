"""Runs that go to a first share of their audience before all others."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0006_canary"
down_revision = "0005_withdrawn_files"


def upgrade() -> None:
    """Add the columns, and a table of the contacts drawn; runs that are open have no first share."""
    run_sql_file(revision)
