"""Trends and forecasts, kept as they were computed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, row_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trend_report",
        sa.Column("id", KEY, nullable=False),
        row_of("trend_report", "engagement_id", "engagement"),
        row_of("trend_report", "contract_version_id", "contract_version"),
        sa.Column("inputs_sha256", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of("trend_report", "made_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_trend_report"),
    )
    op.create_index("ix_trend_report_engagement_id_id", "trend_report", ["engagement_id", "id"])
    for name in ("contract_version_id", "made_by_id"):
        op.create_index(f"ix_trend_report_{name}", "trend_report", [name])
