"""Deliveries of documents, and the mails of the outbox that carry them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_DELIVERED = (
    "id, engagement_id, subject, subject_id, name, number, means, language, note, reference,"
    " made_at, made_by_id"
)
_ENCLOSED = "id, delivery_id, position, document_table, owner_id, kind, file_name"


def upgrade() -> None:
    _delivery()
    _delivery_recipient()
    _delivery_document()
    _outbox()
    for table in ("delivery", "delivery_recipient", "delivery_document"):
        _refuse(table, "DELETE")
    _refuse("delivery", "UPDATE", columns=_DELIVERED)
    _refuse("delivery_document", "UPDATE", columns=_ENCLOSED)
    _refuse_truncation("delivery", "delivery_recipient", "delivery_document")


def _delivery() -> None:
    table = "delivery"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("means", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("language", "note", "reference")),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("given_up_at", MOMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        row_of(table, "acknowledged_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "subject", "subject_id", "number", name=f"uq_{table}_subject_subject_id_number"
        ),
        one_of(table, "means", "email", "portal", "peppol", "post", "other", "here"),
        one_of(table, "state", "queued", "sent", "given_up"),
        _check(table, "sent_on_a_day", "(state = 'sent') = (delivered_on IS NOT NULL)"),
        _check(table, "only_mails_wait", "state = 'sent' OR means = 'email'"),
        _check(
            table,
            "acknowledged_by_somebody",
            "(acknowledged_at IS NULL) = (acknowledged_by_id IS NULL)"
            " AND (acknowledged_at IS NULL OR state = 'sent')",
        ),
    )
    op.create_index("ix_delivery_engagement_id_state", table, ["engagement_id", "state"])
    _index(table, "made_by_id", "acknowledged_by_id")


def _delivery_recipient() -> None:
    table = "delivery_recipient"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "delivery_id", "delivery"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("address", "salt", "problem")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("delivery_id", "position", name=f"uq_{table}_delivery_id_position"),
        one_of(table, "kind", "to", "cc"),
    )
    _index(table, "address")


def _delivery_document() -> None:
    table = "delivery_document"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "delivery_id", "delivery"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_table", sa.String(40), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("delivery_id", "position", name=f"uq_{table}_delivery_id_position"),
    )


def _outbox() -> None:
    """A mail that carries documents names its delivery, which knows recipients and documents."""
    table, column = "outbox_mail", "delivery_id"
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column(column, KEY, nullable=True))
        batch.create_foreign_key(
            f"fk_{table}_{column}_delivery", "delivery", [column], ["id"], ondelete="RESTRICT"
        )
    _index(table, column)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, *, columns: str = "") -> None:
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


def _refuse_truncation(*tables: str) -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if not _on_postgresql():
        return
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
