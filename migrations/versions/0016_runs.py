"""Runs: billing, packs and imports with their cursor, lease and fence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _runs()
    _items()


def _runs() -> None:
    table = "run"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        row_of(table, "organisation_id", "organisation"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("last_position", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        row_of(table, "started_by_id", "user_account"),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("paced_at", MOMENT, nullable=True),
        sa.Column("paced_from", sa.Integer(), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        one_of(table, "status", "queued", "running", "paused", "cancelled", "done"),
    )
    op.create_index("ix_run_status_lease_until", table, ["status", "lease_until"])
    op.create_index(
        "ix_run_organisation_id_period_start", table, ["organisation_id", "period_start"]
    )
    op.create_index("ix_run_started_by_id", table, ["started_by_id"])


def _items() -> None:
    table = "run_item"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "run_id", "run"),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("worked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_run_item"),
        sa.UniqueConstraint("run_id", "position", name="uq_run_item_run_id_position"),
        sa.UniqueConstraint(
            "run_id", "engagement_id", "step", name="uq_run_item_run_id_engagement_id_step"
        ),
        one_of(table, "state", "waiting", "done", "skipped", "set_aside"),
    )
    op.create_index("ix_run_item_engagement_id", table, ["engagement_id"])
