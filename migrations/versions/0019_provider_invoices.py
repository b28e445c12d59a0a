"""Invoices of the provider's own system, their checks, and what is contested."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_HANDED_IN = (
    "id, engagement_id, number, type, source, issued_on, period_start, period_end, currency,"
    " total_minor, file_name, sha256, size, data, read_json, handed_in_at, handed_in_by_id"
)
_CHECKED = (
    "id, engagement_id, number, period_start, period_end, settlement_id, expected_sha256, currency,"
    " billed_minor, expected_minor, result_json, made_at, made_by_id"
)
_CONTESTED = (
    "id, engagement_id, number, check_id, difference, document, title, clause, reason, currency,"
    " amount_minor, raised_at, raised_by_id"
)


def upgrade() -> None:
    _invoice()
    _profile()
    _match()
    _check()
    _contest()
    for table, columns in (
        ("provider_invoice", _HANDED_IN),
        ("provider_invoice_check", _CHECKED),
        ("provider_invoice_contest", _CONTESTED),
    ):
        _refuse(table, "UPDATE", columns)
        _refuse(table, "DELETE")
        _refuse_truncation(table)


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def _minors(*names: str) -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(name, sa.BigInteger(), nullable=False) for name in names)


def _period() -> tuple[sa.Column[object], ...]:
    return tuple(
        sa.Column(name, sa.Date(), nullable=False) for name in ("period_start", "period_end")
    )


def _invoice() -> None:
    table = "provider_invoice"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        *_texts("number"),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        *_period(),
        sa.Column("currency", sa.String(3), nullable=False),
        *_minors("total_minor"),
        *_texts("file_name"),
        sa.Column("sha256", sa.String(64), nullable=False),
        *_minors("size"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        *_texts("read_json"),
        sa.Column("state", sa.String(40), nullable=False),
        *_texts("remark"),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("handed_in_at", MOMENT, nullable=False),
        row_of(table, "handed_in_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        one_of(table, "type", "invoice", "credit_note", "corrected_invoice"),
        one_of(table, "source", "cii", "ubl", "pdf", "csv"),
        one_of(table, "state", "open", "approved", "contested", "set_aside"),
        _holds(table, "period_in_order", "period_start <= period_end"),
    )
    _index(table, "decided_by_id", "handed_in_by_id")
    _unique(
        "uq_provider_invoice_number", table, ["engagement_id", "number"], "state <> 'set_aside'"
    )


def _profile() -> None:
    table = "provider_invoice_profile"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        *_texts("mapping_json"),
        sa.Column("saved_at", MOMENT, nullable=False),
        row_of(table, "saved_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", name=f"uq_{table}_engagement_id"),
    )
    _index(table, "saved_by_id")


def _match() -> None:
    table = "provider_invoice_match"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "invoice_id", "provider_invoice"),
        *_texts("item", "target"),
        sa.Column("decided_at", MOMENT, nullable=False),
        row_of(table, "decided_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("invoice_id", "item", name=f"uq_{table}_invoice_id_item"),
    )
    _index(table, "decided_by_id")


def _check() -> None:
    table = "provider_invoice_check"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        *_period(),
        row_of(table, "settlement_id", "settlement", nullable=True),
        sa.Column("expected_sha256", sa.String(64), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        *_minors("billed_minor", "expected_minor"),
        *_texts("result_json"),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
    )
    _index(table, "settlement_id", "made_by_id")
    columns = ["engagement_id", "period_start", "period_end"]
    _unique("uq_provider_invoice_check_current", table, columns, "superseded_at IS NULL")


def _contest() -> None:
    table = "provider_invoice_contest"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        row_of(table, "check_id", "provider_invoice_check"),
        *_texts("difference", "document", "title", "clause", "reason"),
        sa.Column("currency", sa.String(3), nullable=False),
        *_minors("amount_minor"),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        row_of(table, "raised_by_id", "user_account"),
        sa.Column("accepted_minor", sa.BigInteger(), nullable=True),
        *_texts("answer"),
        sa.Column("answered_at", MOMENT, nullable=True),
        row_of(table, "answered_by_id", "user_account", nullable=True),
        *_texts("credited_by"),
        sa.Column("closed_at", MOMENT, nullable=True),
        row_of(table, "closed_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        one_of(table, "state", "open", "accepted", "refused", "withdrawn", "resolved"),
        _holds(table, "is_about_money", "amount_minor > 0"),
        _holds(
            table,
            "accepted_within",
            "accepted_minor IS NULL OR (accepted_minor >= 0 AND accepted_minor <= amount_minor)",
        ),
        _holds(table, "names_its_credit_note", "(state = 'resolved') = (credited_by <> '')"),
    )
    _index(table, "check_id", "raised_by_id", "answered_by_id", "closed_by_id")


def _holds(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _unique(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition
    )


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, columns: str = "") -> None:
    event = f"{operation} OF {columns}" if columns else operation
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else f"BEGIN SELECT RAISE(ABORT, '{operation} of {table} is refused: rows are only ever"
        " added'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_{operation.lower()} BEFORE {event} ON {table}"
        f" FOR EACH ROW {action}"
    )


def _refuse_truncation(table: str) -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if _on_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
