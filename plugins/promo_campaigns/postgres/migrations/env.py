"""Alembic's entry: runs the revisions on the connection that ``migrate`` opened."""

from __future__ import annotations

from alembic import context

from promo_campaigns.postgres.migrations import SCHEMA

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table_schema=SCHEMA,
    # A new database gets everything or nothing. In any other one each part of a revision is committed by itself.
    transaction_per_migration=not attributes["migration"].is_new,
)
with context.begin_transaction():
    context.run_migrations()
