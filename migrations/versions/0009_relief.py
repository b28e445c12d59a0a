"""Relief events, restatements of sealed periods, and all that a measurement was made under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MEASUREMENT = (
    sa.Column("version_number", sa.Integer(), nullable=True),
    sa.Column("version_sha256", sa.String(64), nullable=True),
    sa.Column("round_to", sa.Integer(), nullable=True),
    sa.Column("no_consequence", sa.Text(), nullable=True),
    sa.Column("without_relief_json", sa.Text(), nullable=True),
    sa.Column("computed_json", sa.Text(), nullable=True),
    sa.Column("earlier_terms_json", sa.Text(), nullable=True),
)
_NEVER_CHANGED = ("restatement_document", "restatement_evidence")


def upgrade() -> None:
    op.add_column(
        "measured_period",
        sa.Column("restatement", sa.Integer(), nullable=False, server_default="0"),
    )
    for column in _MEASUREMENT:
        op.add_column("measurement", sa.Column(column.name, column.type, nullable=True))
    op.add_column("service_credit_total", sa.Column("earn_backs_json", sa.Text(), nullable=True))
    op.add_column("settlement", sa.Column("inputs_json", sa.Text(), nullable=True))
    op.add_column("fee_invoice_line", sa.Column("restatement", sa.Text(), nullable=True))
    _relief_event()
    _restatement()
    _restatement_document()
    _restatement_evidence()
    _restatement_carried()
    for table in _NEVER_CHANGED:
        _refuse_changes(table)


def _relief_event() -> None:
    table = "relief_event"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("service_levels_json", sa.Text(), nullable=False),
        sa.Column("claimed_json", sa.Text(), nullable=False),
        sa.Column("granted_json", sa.Text(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("document_name", sa.Text(), nullable=True),
        sa.Column("document_type", sa.Text(), nullable=True),
        sa.Column("document_sha256", sa.String(64), nullable=True),
        sa.Column("document_size", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        row_of(table, "proposed_by_id", "user_account"),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of(table, "decided_by_id", "user_account", nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("engagement_id", "number", name=f"uq_{table}_engagement_id_number"),
        one_of(table, "kind", "client_caused", "maintenance", "force_majeure"),
        one_of(table, "state", "proposed", "approved", "partly_approved", "refused", "withdrawn"),
    )
    for column in ("proposed_by_id", "decided_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _restatement() -> None:
    table = "period_restatement"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
        row_of(table, "contract_version_id", "contract_version"),
        row_of(table, "measured_period_id", "measured_period"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("difference_json", sa.Text(), nullable=False),
        sa.Column("inputs_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("measured_period_id", name=f"uq_{table}_measured_period_id"),
    )
    op.create_index(
        "uq_period_restatement_current",
        table,
        ["engagement_id", "period_start", "period_end", "number"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    for column in ("contract_version_id", "made_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _restatement_document() -> None:
    table = "restatement_document"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "restatement_id", "period_restatement"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("restatement_id", "kind", name=f"uq_{table}_restatement_id_kind"),
        one_of(
            table,
            "kind",
            "measurements.json",
            "credits.json",
            "invoice.json",
            "invoice.pdf",
            "pack.pdf",
        ),
    )


def _restatement_evidence() -> None:
    table = "restatement_evidence"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "restatement_id", "period_restatement"),
        row_of(table, "evidence_table_id", "evidence_table"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "restatement_id",
            "evidence_table_id",
            name=f"uq_{table}_restatement_id_evidence_table_id",
        ),
    )
    op.create_index(f"ix_{table}_evidence_table_id", table, ["evidence_table_id"])


def _restatement_carried() -> None:
    """Which settlement's invoice carries the difference of a restatement: one at most."""
    table = "restatement_carried"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        row_of(table, "restatement_id", "period_restatement"),
        row_of(table, "settlement_id", "settlement"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("restatement_id", name=f"uq_{table}_restatement_id"),
    )
    op.create_index(f"ix_{table}_settlement_id", table, ["settlement_id"])


def _refuse_changes(table: str) -> None:
    """What was restated can't be changed or deleted, whoever asks."""
    on_postgresql = op.get_context().dialect.name == "postgresql"
    for operation in ("UPDATE", "DELETE"):
        action = (
            "EXECUTE FUNCTION refuse_change()"
            if on_postgresql
            else "BEGIN SELECT RAISE(ABORT,"
            f" '{operation} of {table} is refused: rows are only ever added'); END"
        )
        name = f"{table}_no_{operation.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW {action}")
    if on_postgresql:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
