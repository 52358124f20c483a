"""One table of how far readers of other databases came."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0018_watermark"
down_revision = "0017_audience_values"


def upgrade() -> None:
    """Make the table, move the rows of the two before it, and drop these."""
    run_sql_file(revision)
