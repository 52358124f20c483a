"""Sets of codes that are drawn here."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0013_generated_codes"
down_revision = "0012_contact_watermark"


def upgrade() -> None:
    """Make their table."""
    run_sql_file(revision)
