"""Runs that go to a first share of their audience before all others."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0007_first_share"
down_revision = "0006_plain_names"


def upgrade() -> None:
    """Add the columns, and a table of the contacts drawn; runs that are open have no first share."""
    run_sql_file(revision)
