"""What the ledger pays per contact, once more."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0014_settled_in_place"
down_revision = "0013_rehearsal"


def upgrade() -> None:
    """Leave room for attempts to be settled in."""
    run_sql_file("0014_settled_in_place")
