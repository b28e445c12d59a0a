"""Claims to service credits, and the incidents behind misses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, row_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _credit_claim()
    _credit_incident()


def _credit_claim() -> None:
    table = "credit_claim"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("claimed_on", sa.Date(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=False),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "engagement_id",
            "period_start",
            "period_end",
            name=f"uq_{table}_engagement_id_period_start_period_end",
        ),
        sa.CheckConstraint(
            "(claimed_on IS NULL) = (decided_by_id IS NULL)", name=op.f(f"ck_{table}_claimed_by")
        ),
    )
    op.create_index(f"ix_{table}_decided_by_id", table, ["decided_by_id"])


def _credit_incident() -> None:
    table = "credit_incident"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("service_levels_json", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("marked_at", MOMENT, nullable=False),
        row_of(table, "marked_by_id", "user_account"),
        sa.Column("removed_at", MOMENT, nullable=True),
        row_of(table, "removed_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
    )
    for column in ("marked_by_id", "removed_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
