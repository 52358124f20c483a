"""A channel that is closed says why and who told."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0024_channel_closings"
down_revision = "0022_code_chains"


def upgrade() -> None:
    """Add the columns."""
    run_sql_file(revision)
