"""What stays of a contact that was erased."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0009_erasure"
down_revision = "0003_answers"


def upgrade() -> None:
    """Make room for erasures."""
    run_sql_file("0009_erasure")
