"""Run by Alembic: applies revisions on the connection that `app.database.migrate` hands over."""

from __future__ import annotations

from alembic import context

from app.models import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
