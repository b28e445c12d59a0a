"""Kept source files, quarantines, corrections, saved import profiles, and uploads that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NEVER_CHANGED = (
    "evidence_source",
    "evidence_quarantine",
    "evidence_correction",
    "evidence_comparison",
    "import_profile",
)


def upgrade() -> None:
    op.add_column("evidence_hand_in", sa.Column("profile_sha256", sa.String(64), nullable=True))
    _evidence_source()
    _evidence_quarantine()
    _evidence_correction()
    _evidence_comparison()
    _import_profile()
    _import_draft()
    for table in _NEVER_CHANGED:
        _refuse_changes(table)


def _of_engagement(table: str) -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("id", KEY, nullable=False),
        row_of(table, "engagement_id", "engagement"),
    )


def _evidence_source() -> None:
    table = "evidence_source"
    op.create_table(
        table,
        *_of_engagement(table),
        row_of(table, "hand_in_id", "evidence_hand_in"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("suffix", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        one_of(table, "kind", "file", "fixes"),
    )
    op.create_index("ix_evidence_source_engagement_id_sha256", table, ["engagement_id", "sha256"])
    op.create_index("ix_evidence_source_hand_in_id", table, ["hand_in_id"])


def _evidence_quarantine() -> None:
    table = "evidence_quarantine"
    op.create_table(
        table,
        *_of_engagement(table),
        row_of(table, "hand_in_id", "evidence_hand_in"),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("reasons_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    for column in ("engagement_id", "hand_in_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _evidence_correction() -> None:
    table = "evidence_correction"
    op.create_table(
        table,
        *_of_engagement(table),
        row_of(table, "hand_in_id", "evidence_hand_in"),
        row_of(table, "corrects_id", "evidence_hand_in"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    for column in ("engagement_id", "hand_in_id", "corrects_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _evidence_comparison() -> None:
    table = "evidence_comparison"
    op.create_table(
        table,
        *_of_engagement(table),
        row_of(table, "hand_in_id", "evidence_hand_in"),
        sa.Column("comparison_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    for column in ("engagement_id", "hand_in_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _import_profile() -> None:
    table = "import_profile"
    op.create_table(
        table,
        *_of_engagement(table),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        row_of(table, "saved_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "engagement_id", "name", "version", name="uq_import_profile_engagement_id_name_version"
        ),
    )
    op.create_index("ix_import_profile_saved_by_id", table, ["saved_by_id"])


def _import_draft() -> None:
    table = "import_draft"
    op.create_table(
        table,
        *_of_engagement(table),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("folder", sa.String(64), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("answers_json", sa.Text(), nullable=False),
        sa.Column("profile_text", sa.Text(), nullable=False),
        sa.Column("prepared_json", sa.Text(), nullable=False),
        sa.Column("comparison_json", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        row_of(table, "made_by_id", "user_account"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        one_of(table, "kind", "guided", "compared"),
    )
    for column in ("engagement_id", "made_by_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _refuse_changes(table: str) -> None:
    """What was handed in and saved can't be changed or deleted, whoever asks."""
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
