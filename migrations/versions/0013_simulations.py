"""Simulations of contracts, each of one side."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "simulation"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("side", sa.String(40), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        row_of(table, "asked_by_id", "user_account"),
        row_of(table, "contract_version_id", "contract_version", nullable=True),
        sa.Column("draft_name", sa.Text(), nullable=True),
        sa.Column("draft", sa.LargeBinary(), nullable=True),
        sa.Column("contract_sha256", sa.String(64), nullable=False),
        row_of(table, "against_id", "contract_version", nullable=True),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("last_month", sa.Date(), nullable=False),
        sa.Column("sensitivity_month", sa.Date(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("problems_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_simulation"),
        one_of(table, "state", "asked", "done", "failed"),
    )
    op.create_index("ix_simulation_engagement_id_id", table, ["engagement_id", "id"])
    for column in ("asked_by_id", "contract_version_id", "against_id"):
        op.create_index(f"ix_simulation_{column}", table, [column])
    _work()


def _work() -> None:
    table = "simulation_work"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "simulation_id", "simulation"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_simulation_work"),
        sa.UniqueConstraint("simulation_id", name="uq_simulation_work_simulation_id"),
    )
