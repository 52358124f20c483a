"""How far a task came that loads contacts from another database."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0012_contact_watermark"
down_revision = "0011_inbox_html"


def upgrade() -> None:
    """Make the table."""
    run_sql_file(revision)
