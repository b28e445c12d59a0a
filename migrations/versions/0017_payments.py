"""Payments, what they pay, and write-offs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _payment_import()
    _bank_entry()
    _payment()
    _payment_allocation()
    _payment_refund()
    _write_off()


def _positive(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive"))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _payment_import() -> None:
    table = "payment_import"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mapping_json", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        one_of(table, "source", "hand", "csv", "camt053"),
        one_of(table, "state", "preview", "done", "discarded"),
    )
    _index(table, "engagement_id", "made_by_id")


def _bank_entry() -> None:
    table = "bank_entry"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "provider_id", "organisation"),
        sa.Column("entry_key", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("taken_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("provider_id", "entry_key", name=f"uq_{table}_provider_id_entry_key"),
        sa.CheckConstraint(
            "taken_minor >= 0 AND taken_minor <= amount_minor", name=op.f(f"ck_{table}_taken")
        ),
    )


def _payment() -> None:
    table = "payment"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        row_of(table, "import_id", "payment_import", nullable=True),
        row_of(table, "entry_id", "bank_entry", nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("debtor", "iban", "end_to_end_id", "references_json", "text", "note")
        ),
        sa.Column("recorded_at", MOMENT, nullable=False),
        row_of(table, "recorded_by_id", "user_account"),
        sa.Column("bounced_on", sa.Date(), nullable=True),
        sa.Column("bounced_at", MOMENT, nullable=True),
        row_of(table, "bounced_by_id", "user_account", nullable=True),
        row_of(table, "bounce_entry_id", "bank_entry", nullable=True),
        sa.Column("bounce_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        sa.UniqueConstraint("engagement_id", "entry_id", name=f"uq_{table}_engagement_id_entry_id"),
        one_of(table, "source", "hand", "csv", "camt053"),
        _positive(table),
        sa.CheckConstraint(
            "(bounced_at IS NULL) = (bounced_by_id IS NULL)", name=op.f(f"ck_{table}_bounced_by")
        ),
    )
    _index(table, "import_id", "entry_id", "recorded_by_id", "bounced_by_id", "bounce_entry_id")


def _payment_allocation() -> None:
    table = "payment_allocation"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        row_of(table, "payment_id", "payment"),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("allocated_at", MOMENT, nullable=False),
        row_of(table, "allocated_by_id", "user_account"),
        sa.Column("taken_back_on", sa.Date(), nullable=True),
        sa.Column("taken_back_at", MOMENT, nullable=True),
        row_of(table, "taken_back_by_id", "user_account", nullable=True),
        sa.Column("taken_back_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        _positive(table),
        sa.CheckConstraint(
            "(taken_back_at IS NULL) = (taken_back_by_id IS NULL)",
            name=op.f(f"ck_{table}_taken_back"),
        ),
    )
    people = ("allocated_by_id", "taken_back_by_id")
    _index(table, "engagement_id", "payment_id", "invoice_id", *people)


def _payment_refund() -> None:
    table = "payment_refund"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "payment_id", "payment"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        row_of(table, "recorded_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        _positive(table),
    )
    _index(table, "payment_id", "recorded_by_id")


def _write_off() -> None:
    table = "write_off"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        row_of(table, "proposed_by_id", "user_account"),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        one_of(table, "kind", "small_difference", "currency", "bad_debt", "other"),
        one_of(table, "state", "proposed", "approved", "refused", "withdrawn"),
        _positive(table),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f(f"ck_{table}_decided")
        ),
    )
    _index(table, "invoice_id", "proposed_by_id", "decided_by_id")
