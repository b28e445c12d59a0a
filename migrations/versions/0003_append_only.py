"""What is recorded, measured or issued can't be changed or deleted, whoever asks."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEVER_CHANGED = (
    "audit_event",
    "contract_version",
    "evidence_hand_in",
    "measured_period",
    "measurement",
    "service_credit_total",
    "service_credit",
    "settlement_evidence",
    "fee_invoice_line",
)
_EVIDENCE = "id, engagement_id, hand_in_id, dataset, sha256, rows, source, source_sha256"
_SETTLEMENT = (
    "id, engagement_id, contract_version_id, measured_period_id, period_start, period_end,"
    " settled_at, settled_by_id"
)
_SUPERSEDED_ONLY = {
    "evidence_table": ("superseded_by_id", _EVIDENCE),
    "settlement": ("superseded_at", _SETTLEMENT),
}
"""The column that may be set once, and the columns that never change."""

_POSTGRESQL_FUNCTIONS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% of % is refused: rows are only ever added', TG_OP, TG_TABLE_NAME;
    END $$
    """,
    """
    CREATE FUNCTION refuse_line_unless_draft() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM fee_invoice WHERE id = NEW.invoice_id AND state = 'draft')
        THEN
            RAISE EXCEPTION 'INSERT of fee_invoice_line is refused: the invoice is no draft';
        END IF;
        RETURN NEW;
    END $$
    """,
)
_POSTGRESQL_LINE = """
    CREATE TRIGGER fee_invoice_line_of_draft BEFORE INSERT ON fee_invoice_line
    FOR EACH ROW EXECUTE FUNCTION refuse_line_unless_draft()
"""
_SQLITE_LINE = """
    CREATE TRIGGER fee_invoice_line_of_draft BEFORE INSERT ON fee_invoice_line
    WHEN NOT EXISTS (SELECT 1 FROM fee_invoice WHERE id = NEW.invoice_id AND state = 'draft')
    BEGIN
        SELECT RAISE(ABORT, 'INSERT of fee_invoice_line is refused: the invoice is no draft');
    END
"""


def upgrade() -> None:
    if _on_postgresql():
        for function in _POSTGRESQL_FUNCTIONS:
            op.execute(function)
    for table in _NEVER_CHANGED:
        _refuse(table, "UPDATE")
        _refuse(table, "DELETE")
    for table, (settable, fixed) in _SUPERSEDED_ONLY.items():
        _refuse(table, "UPDATE", columns=fixed)
        _refuse(table, "UPDATE", columns=settable, when=f"OLD.{settable} IS NOT NULL")
        _refuse(table, "DELETE")
    _refuse("settlement_document", "UPDATE", when="OLD.frozen")
    _refuse("settlement_document", "DELETE")
    _refuse("fee_invoice", "UPDATE", when="OLD.state <> 'draft'")
    _refuse("fee_invoice", "DELETE")
    op.execute(_POSTGRESQL_LINE if _on_postgresql() else _SQLITE_LINE)
    _refuse_truncation()


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, *, columns: str = "", when: str = "") -> None:
    name = "_".join(
        part for part in (table, "no", operation.lower(), columns.partition(",")[0]) if part
    )
    event = f"{operation} OF {columns}" if columns else operation
    condition = f"WHEN ({when})" if when else ""
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else "BEGIN SELECT RAISE(ABORT,"
        f" '{operation} of {table} is refused: rows are only ever added'); END"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {condition} {action}")


def _refuse_truncation() -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if not _on_postgresql():
        return
    tables = (*_NEVER_CHANGED, *_SUPERSEDED_ONLY, "settlement_document", "fee_invoice")
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
