"""Orders of shops are kept, and events that happened before they were sent."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0027_orders"
down_revision = "0026_contact_groups"


def upgrade() -> None:
    """Add the table and the column."""
    run_sql_file(revision)
