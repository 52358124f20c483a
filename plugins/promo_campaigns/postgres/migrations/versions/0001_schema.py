"""The whole store, as it was when the first revision after this one was written."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_first_schema

revision = "0001_schema"
down_revision = None


def upgrade() -> None:
    """Make the schema."""
    run_first_schema()
