"""Answers that messages read, and several data sources to one message."""

from __future__ import annotations

from promo_campaigns.postgres.migrations import run_sql_file

revision = "0003_answers"
down_revision = "0008_aftermath"


def upgrade() -> None:
    """Make room for answers."""
    run_sql_file("0003_answers")
