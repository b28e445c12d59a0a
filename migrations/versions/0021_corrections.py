"""Corrected invoices in place of credited ones, and numbers that no two documents share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_CREDITED = (
    "SELECT 1 FROM fee_invoice AS earlier WHERE earlier.id = NEW.corrects_id"
    " AND earlier.state = 'issued' AND earlier.settlement_id = NEW.settlement_id"
    " AND earlier.payable_minor = NEW.payable_minor AND earlier.payable_minor ="
    " (SELECT SUM(credit_note.payable_minor) FROM credit_note"
    " WHERE credit_note.invoice_id = earlier.id AND credit_note.state = 'issued')"
)
"""The invoice that is replaced, where credit notes gave back all of it: nothing is billed twice."""
_ISSUED = "NEW.state = 'issued' AND NEW.corrects_id IS NOT NULL"
_REFUSED = "a corrected invoice replaces one of the same figures that is credited in full"


def upgrade() -> None:
    _document_number()
    _corrects()
    _corrected_invoice()
    _corrected_invoice_document()
    _issued_in_place_of_a_credited_one()
    _refuse("fee_invoice", "corrects_stays", "UPDATE OF corrects_id")
    for table in ("document_number", "corrected_invoice", "corrected_invoice_document"):
        _refuse(table, "no_update", "UPDATE")
        _refuse(table, "no_delete", "DELETE")
        if _on_postgresql():
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _document_number() -> None:
    table = "document_number"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "provider_id", "organisation"),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("provider_id", "number", name=f"uq_{table}_provider_id_number"),
    )
    op.execute(
        "INSERT INTO document_number (provider_id, number)"
        " SELECT provider_id, number FROM fee_invoice WHERE number IS NOT NULL"
        " UNION SELECT provider_id, number FROM credit_note WHERE number IS NOT NULL"
    )


def _corrects() -> None:
    table = "fee_invoice"
    # What it refers to is in the rule at issue: SQLite adds no reference.
    op.add_column(table, sa.Column("corrects_id", sa.BigInteger(), nullable=True))
    for name, column, rule in (
        ("original", "settlement_id", "corrects_id IS NULL"),
        ("correction", "corrects_id", "state <> 'superseded'"),
    ):
        op.create_index(
            f"uq_{table}_{name}",
            table,
            [column],
            unique=True,
            sqlite_where=sa.text(rule),
            postgresql_where=sa.text(rule),
        )


def _corrected_invoice() -> None:
    table = "corrected_invoice"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("header_json", sa.Text(), nullable=False),
        sa.Column("prepared_at", MOMENT, nullable=False),
        row_of(table, "prepared_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("invoice_id", name=f"uq_{table}_invoice_id"),
    )
    op.create_index(f"ix_{table}_prepared_by_id", table, ["prepared_by_id"])


def _corrected_invoice_document() -> None:
    table = "corrected_invoice_document"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "invoice_id", "fee_invoice"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("template_version", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("invoice_id", "kind", name=f"uq_{table}_invoice_id_kind"),
        one_of(
            table,
            "kind",
            "measurements.json",
            "credits.json",
            "invoice.json",
            "invoice.pdf",
            "pack.pdf",
            "invoice.cii.xml",
            "invoice.ubl.xml",
        ),
    )


def _issued_in_place_of_a_credited_one() -> None:
    name, table = "fee_invoice_of_credited", "fee_invoice"
    if _on_postgresql():
        op.execute(
            f"CREATE FUNCTION refuse_correction() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {_ISSUED} AND NOT EXISTS ({_CREDITED})"
            f" THEN RAISE EXCEPTION '% of % is refused: {_REFUSED}', TG_OP, TG_TABLE_NAME; END IF;"
            " RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OF state ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_correction()"
        )
        return
    for event, suffix in (("INSERT", "insert"), ("UPDATE OF state", "update")):
        op.execute(
            f"CREATE TRIGGER {name}_{suffix} BEFORE {event} ON {table} FOR EACH ROW"
            f" WHEN {_ISSUED} AND NOT EXISTS ({_CREDITED})"
            f" BEGIN SELECT RAISE(ABORT, '{suffix} of {table} is refused: {_REFUSED}'); END"
        )


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, name: str, event: str) -> None:
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else f"BEGIN SELECT RAISE(ABORT, '{event.partition(' ')[0]} of {table} is refused: rows are"
        " only ever added'); END"
    )
    op.execute(f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW {action}")
