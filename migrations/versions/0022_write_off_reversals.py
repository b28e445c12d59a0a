"""Write-offs reversed, by two people or by a later payment, and invoices paid back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _write_off_reversal()
    _invoice_refund()


def _write_off_reversal() -> None:
    table = "write_off_reversal"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        row_of(table, "write_off_id", "write_off"),
        row_of(table, "payment_id", "payment", nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        row_of(table, "proposed_by_id", "user_account"),
        sa.Column("reversed_on", sa.Date(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        one_of(table, "state", "proposed", "approved", "refused", "withdrawn"),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f(f"ck_{table}_decided")
        ),
        sa.CheckConstraint(
            "(state = 'approved') = (reversed_on IS NOT NULL)", name=op.f(f"ck_{table}_reversed")
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR payment_id IS NOT NULL OR decided_by_id <> proposed_by_id",
            name=op.f(f"ck_{table}_two_people"),
        ),
        sa.CheckConstraint(
            "taken_back_on IS NULL OR (payment_id IS NOT NULL AND taken_back_on >= reversed_on)",
            name=op.f(f"ck_{table}_taken_back"),
        ),
    )
    for column in ("write_off_id", "payment_id", "proposed_by_id", "decided_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _invoice_refund() -> None:
    table = "invoice_refund"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        row_of(table, "recorded_by_id", "user_account"),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.Column("taken_back_at", MOMENT, nullable=True),
        row_of(table, "taken_back_by_id", "user_account", nullable=True),
        sa.Column("taken_back_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.CheckConstraint(
            "(taken_back_at IS NULL) = (taken_back_by_id IS NULL)",
            name=op.f(f"ck_{table}_taken_back"),
        ),
    )
    for column in ("invoice_id", "recorded_by_id", "taken_back_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
