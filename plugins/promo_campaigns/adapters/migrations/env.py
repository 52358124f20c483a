"""Alembic's entry: runs the revisions on the connection that ``migrate`` opened."""

from __future__ import annotations

from alembic import context

from promo_campaigns.adapters.migrations import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
