"""An invoice's life: checked and approved before it is issued, each step kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, row_of

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATES = "'draft', 'checked', 'approved', 'issued', 'superseded'"
_KINDS = (
    "'measurements.json', 'credits.json', 'invoice.json', 'invoice.pdf', 'pack.pdf',"
    " 'invoice.cii.xml', 'invoice.ubl.xml'"
)
_CHECKED = (
    "state NOT IN ('checked', 'approved') OR (checked_at IS NOT NULL AND checked_by_id IS NOT NULL)"
)
_APPROVED = "state <> 'approved' OR (approved_at IS NOT NULL AND approved_by_id IS NOT NULL)"
_ONE_STEP = (
    "OLD.state = NEW.state"
    " OR (OLD.state = 'draft' AND NEW.state IN ('checked', 'superseded'))"
    " OR (OLD.state = 'checked' AND NEW.state IN ('draft', 'approved', 'superseded'))"
    " OR (OLD.state = 'approved' AND NEW.state IN ('checked', 'issued'))"
)
"""The steps that an invoice may take, here so that no other program skips one either."""
_FIGURES = (
    "engagement_id, provider_id, settlement_id, period_start, period_end, currency,"
    " subtotal_minor, service_credit_minor, tax_minor, withholding_minor, total_minor,"
    " payable_minor"
)


def upgrade() -> None:
    _columns()
    _steps()
    _constraints()
    _triggers()


def _columns() -> None:
    table = "fee_invoice"
    for name in ("checked_at", "approved_at"):
        op.add_column(table, sa.Column(name, MOMENT, nullable=True))
    # Whom they name is in the steps too, which refer to accounts: SQLite adds no reference.
    for name in ("checked_by_id", "approved_by_id", "issued_by_id", "replaces_id"):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column(table, sa.Column("changes_json", sa.Text(), nullable=True))
    op.add_column("settlement_document", sa.Column("template_version", sa.String(64)))


def _steps() -> None:
    table = "fee_invoice_step"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        row_of(table, "by_id", "user_account"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    for column in ("invoice_id", "by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _constraints() -> None:
    for table, column, values in (
        ("fee_invoice", "state", _STATES),
        ("settlement_document", "kind", _KINDS),
        ("restatement_document", "kind", _KINDS),
    ):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
        _check(table, column, f"{column} IN ({values})")
    _check("fee_invoice", "checked_by_somebody", _CHECKED)
    _check("fee_invoice", "approved_by_somebody", _APPROVED)
    _check("fee_invoice", "approved_by_another", "approved_by_id <> checked_by_id")


def _check(table: str, name: str, rule: str) -> None:
    """Both databases take the statement as it is; Alembic would copy the table on SQLite."""
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({rule})")


def _triggers() -> None:
    on = " ON fee_invoice" if _on_postgresql() else ""
    op.execute(f"DROP TRIGGER fee_invoice_no_update{on}")
    _refuse("fee_invoice", "no_update", "UPDATE", when="OLD.state IN ('issued', 'superseded')")
    _refuse("fee_invoice", "one_step", "UPDATE OF state", when=f"NOT ({_ONE_STEP})")
    _refuse("fee_invoice", "figures_stay", f"UPDATE OF {_FIGURES}", when="OLD.state <> 'draft'")
    for event in ("UPDATE", "DELETE"):
        _refuse("fee_invoice_step", f"no_{event.lower()}", event)
    if _on_postgresql():
        op.execute(
            "CREATE TRIGGER fee_invoice_step_no_truncate BEFORE TRUNCATE ON fee_invoice_step"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, name: str, event: str, *, when: str = "") -> None:
    condition = f"WHEN ({when})" if when else ""
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else f"BEGIN SELECT RAISE(ABORT, '{event.partition(' ')[0]} of {table} is refused:"
        " an invoice takes one step after the other, and none is undone'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW {condition} {action}"
    )
