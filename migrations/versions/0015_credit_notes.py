"""Credit notes and disputed lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_DISPUTED = (
    "id, engagement_id, invoice_id, number, subject, position, currency, amount_minor, reason,"
    " late, remark, raised_at, raised_by_id"
)


def upgrade() -> None:
    _dispute()
    _credit_note()
    _credit_note_line()
    _credit_note_document()
    for table in ("credit_note_line", "credit_note_document"):
        _refuse(table, "UPDATE")
        _refuse(table, "DELETE")
    _refuse("credit_note", "UPDATE", when="OLD.state <> 'draft'")
    _refuse("credit_note", "DELETE")
    _refuse("dispute", "UPDATE", columns=_DISPUTED)
    _refuse("dispute", "DELETE")
    _refuse_truncation("credit_note_line", "credit_note_document", "credit_note", "dispute")


def _dispute() -> None:
    table = "dispute"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        row_of(table, "raised_by_id", "user_account"),
        sa.Column("answered_at", MOMENT, nullable=True),
        row_of(table, "answered_by_id", "user_account", nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("accepted_minor", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        row_of(table, "withdrawn_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        one_of(table, "subject", "line", "service_credit", "whole"),
        one_of(table, "state", "open", "upheld", "accepted", "partly_accepted", "withdrawn"),
        _check(table, "names_its_line", "(subject = 'line') = (position IS NOT NULL)"),
        _check(table, "is_about_money", "amount_minor > 0"),
        _check(
            table, "accepted_within", "accepted_minor IS NULL OR accepted_minor <= amount_minor"
        ),
    )
    _index(table, "invoice_id", "raised_by_id", "answered_by_id", "withdrawn_by_id")


def _credit_note() -> None:
    table = "credit_note"
    sums = ("subtotal", "service_credit", "tax", "withholding", "total", "payable")
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        row_of(table, "provider_id", "organisation"),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("draft_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_json", sa.Text(), nullable=False),
        row_of(table, "dispute_id", "dispute", nullable=True),
        row_of(table, "series_id", "invoice_series", nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False) for name in sums),
        sa.Column("prepared_at", MOMENT, nullable=False),
        row_of(table, "prepared_by_id", "user_account"),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("log_size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "engagement_id", "draft_number", name=f"uq_{table}_engagement_id_draft_number"
        ),
        sa.UniqueConstraint("series_id", "sequence", name=f"uq_{table}_series_id_sequence"),
        sa.UniqueConstraint("provider_id", "number", name=f"uq_{table}_provider_id_number"),
        one_of(table, "state", "draft", "issued", "discarded"),
        _check(
            table,
            "issued_is_numbered",
            "state <> 'issued' OR (number IS NOT NULL AND sequence IS NOT NULL"
            " AND issued_on IS NOT NULL AND decided_by_id IS NOT NULL)",
        ),
        _check(table, "two_people", "decided_by_id <> prepared_by_id OR state <> 'issued'"),
        _check(
            table,
            "total_adds_up",
            "total_minor = subtotal_minor - service_credit_minor + tax_minor",
        ),
        _check(table, "payable_adds_up", "payable_minor = total_minor - withholding_minor"),
        _check(table, "gives_back", "payable_minor >= 0"),
    )
    _index(table, "invoice_id", "dispute_id", "prepared_by_id", "decided_by_id")


def _credit_note_line() -> None:
    table = "credit_note_line"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "credit_note_id", "credit_note"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("allowance_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "credit_note_id", "position", name=f"uq_{table}_credit_note_id_position"
        ),
    )


def _credit_note_document() -> None:
    table = "credit_note_document"
    files = ("json", "pdf", "cii.xml", "ubl.xml")
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "credit_note_id", "credit_note"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("template_version", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("credit_note_id", "kind", name=f"uq_{table}_credit_note_id_kind"),
        one_of(table, "kind", *(f"credit-note.{suffix}" for suffix in files)),
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, *, columns: str = "", when: str = "") -> None:
    event = f"{operation} OF {columns}" if columns else operation
    condition = f"WHEN ({when})" if when else ""
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else f"BEGIN SELECT RAISE(ABORT, '{operation} of {table} is refused: rows are only ever"
        " added'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_{operation.lower()} BEFORE {event} ON {table}"
        f" FOR EACH ROW {condition} {action}"
    )


def _refuse_truncation(*tables: str) -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if not _on_postgresql():
        return
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
