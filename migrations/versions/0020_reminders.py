"""Reminders of invoices that are due, what late payment costs, and statements that were kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CHARGED = "engagement_id, reminder_id, invoice_id, kind, currency, amount_minor, charged_on"
"""What a charge is, whether or not it is waived."""


def upgrade() -> None:
    _reminder()
    _reminder_line()
    _late_charge()
    _reminder_document()
    _account_statement()
    _statement_document()
    frozen = (
        "reminder",
        "reminder_line",
        "reminder_document",
        "account_statement",
        "statement_document",
    )
    for table in frozen:
        _refuse(table, "UPDATE")
        _refuse(table, "DELETE")
    _refuse("late_charge", "UPDATE", columns=_CHARGED)
    _refuse("late_charge", "DELETE")
    _refuse_truncation(*frozen, "late_charge")


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _reminder() -> None:
    table = "reminder"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("pay_by", sa.Date(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        row_of(table, "issued_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        sa.CheckConstraint("level >= 0", name=op.f(f"ck_{table}_level")),
    )
    _index(table, "issued_by_id")


def _reminder_line() -> None:
    table = "reminder_line"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "reminder_id", "reminder"),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("days_late", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("reminder_id", "invoice_id", name=f"uq_{table}_reminder_id_invoice_id"),
        sa.UniqueConstraint("invoice_id", "step", name=f"uq_{table}_invoice_id_step"),
    )


def _late_charge() -> None:
    table = "late_charge"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        row_of(table, "reminder_id", "reminder"),
        row_of(table, "invoice_id", "fee_invoice", nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_on", sa.Date(), nullable=False),
        sa.Column("waived_on", sa.Date(), nullable=True),
        sa.Column("waived_at", MOMENT, nullable=True),
        row_of(table, "waived_by_id", "user_account", nullable=True),
        sa.Column("waived_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        one_of(table, "kind", "interest", "lump_sum", "fee"),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.CheckConstraint(
            "(kind = 'fee') = (invoice_id IS NULL)", name=op.f(f"ck_{table}_of_an_invoice")
        ),
        sa.CheckConstraint(
            "(waived_on IS NULL) = (waived_at IS NULL) AND (waived_on IS NULL) ="
            " (waived_by_id IS NULL)",
            name=op.f(f"ck_{table}_waived"),
        ),
    )
    _index(table, "engagement_id", "reminder_id", "invoice_id", "waived_by_id")


def _reminder_document() -> None:
    table = "reminder_document"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "reminder_id", "reminder"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("template_version", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("reminder_id", "kind", name=f"uq_{table}_reminder_id_kind"),
        one_of(table, "kind", "reminder.json", "reminder.pdf"),
    )


def _account_statement() -> None:
    table = "account_statement"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
    )
    _index(table, "made_by_id")


def _statement_document() -> None:
    table = "statement_document"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "statement_id", "account_statement"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("template_version", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("statement_id", "kind", name=f"uq_{table}_statement_id_kind"),
        one_of(table, "kind", "statement.pdf"),
    )


def _refuse(table: str, operation: str, *, columns: str = "") -> None:
    """What is issued is only ever added; of a charge only the waiver is noted."""
    refuse = (
        "EXECUTE FUNCTION refuse_change()"
        if op.get_bind().dialect.name == "postgresql"
        else f"BEGIN SELECT RAISE(ABORT, '{operation} of {table} is refused: rows are only ever"
        " added'); END"
    )
    of = f" OF {columns}" if columns else ""
    op.execute(
        f"CREATE TRIGGER {table}_no_{operation.lower()} BEFORE {operation}{of} ON {table}"
        f" FOR EACH ROW {refuse}"
    )


def _refuse_truncation(*tables: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
