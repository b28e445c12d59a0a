"""Bonuses, persistent failures, late milestones, balances and promises that rise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    total = "service_credit_total"
    op.add_column(
        total, sa.Column("bonus_minor", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column(total, sa.Column("further_json", sa.Text(), nullable=True))
    op.add_column("service_credit", sa.Column("bonus_minor", sa.BigInteger(), nullable=True))
    op.add_column("service_credit", sa.Column("expected", sa.Text(), nullable=True))
    op.add_column("measurement", sa.Column("promise_json", sa.Text(), nullable=True))
