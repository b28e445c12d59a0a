"""Who holds what for how long, what the sides agreed to, and stamps on checkpoints."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NEVER_CHANGED = (
    "contract_acceptance",
    "figures_acceptance",
    "audit_timestamp",
    "audit_cosignature",
)
_LONGEST = 200
"""Characters of a label or a request that an index takes."""
_SEARCHED = {
    "time": (),
    "actor": ("actor_id",),
    "person": ("person_id",),
    "action": ("action",),
    "object": ("subject_kind", "subject_id"),
    "label": ("subject_label",),
    "request": ("request_id",),
}


def upgrade() -> None:
    op.add_column("contract_version", sa.Column("added_side", sa.String(40), nullable=True))
    _operator_term()
    _invitation()
    _duty_exception()
    _access_review()
    _access_review_item()
    _contract_acceptance()
    _figures_acceptance()
    _audit_timestamp()
    _audit_cosignature()
    _audit_search()
    for table_ in ("settlement", "fee_invoice"):
        op.add_column(table_, sa.Column("log_size", sa.BigInteger(), nullable=True))
    _refuse("settlement", "UPDATE", "OF log_size", "_log_size")
    for table in _NEVER_CHANGED:
        for operation in ("UPDATE", "DELETE"):
            _refuse(table, operation)
        _refuse_truncation(table)


def _operator_term() -> None:
    op.create_table(
        "operator_term",
        sa.Column("id", KEY, nullable=False),
        row_of("operator_term", "user_id", "user_account"),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_term"),
    )
    op.create_index("ix_operator_term_user_id", "operator_term", ["user_id"])


def _invitation() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        row_of("invitation", "organisation_id", "organisation"),
        row_of("invitation", "engagement_id", "engagement", nullable=True),
        sa.Column("role", sa.String(40), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        row_of("invitation", "invited_by_id", "user_account", nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        row_of("invitation", "accepted_by_id", "user_account", nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_sha256", name="uq_invitation_token_sha256"),
        one_of(
            "invitation",
            "role",
            "provider_account_manager",
            "provider_finance",
            "client_committee",
            "committee_chair",
            "client_finance",
            "auditor",
            "operator",
        ),
    )
    for column in (
        "accepted_by_id",
        "email_key",
        "engagement_id",
        "invited_by_id",
        "organisation_id",
    ):
        op.create_index(f"ix_invitation_{column}", "invitation", [column])


def _duty_exception() -> None:
    op.create_table(
        "duty_exception",
        sa.Column("id", KEY, nullable=False),
        row_of("duty_exception", "engagement_id", "engagement"),
        row_of("duty_exception", "user_id", "user_account"),
        sa.Column("conflict", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        row_of("duty_exception", "granted_by_id", "user_account"),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_duty_exception"),
    )
    for column in ("engagement_id", "granted_by_id", "user_id"):
        op.create_index(f"ix_duty_exception_{column}", "duty_exception", [column])


def _access_review() -> None:
    op.create_table(
        "access_review",
        sa.Column("id", KEY, nullable=False),
        row_of("access_review", "engagement_id", "engagement"),
        sa.Column("started_at", MOMENT, nullable=False),
        row_of("access_review", "started_by_id", "user_account"),
        sa.Column("completed_at", MOMENT, nullable=True),
        row_of("access_review", "completed_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_review"),
    )
    for column in ("completed_by_id", "engagement_id", "started_by_id"):
        op.create_index(f"ix_access_review_{column}", "access_review", [column])


def _access_review_item() -> None:
    op.create_table(
        "access_review_item",
        sa.Column("id", KEY, nullable=False),
        row_of("access_review_item", "review_id", "access_review"),
        row_of("access_review_item", "user_id", "user_account"),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("decision", sa.String(40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        row_of("access_review_item", "decided_by_id", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_review_item"),
        sa.UniqueConstraint(
            "review_id", "user_id", "role", name="uq_access_review_item_review_id_user_id_role"
        ),
        one_of(
            "access_review_item",
            "role",
            "provider_account_manager",
            "provider_finance",
            "client_committee",
            "committee_chair",
            "client_finance",
            "auditor",
            "operator",
        ),
        one_of("access_review_item", "decision", "keep", "remove"),
    )
    for column in ("decided_by_id", "user_id"):
        op.create_index(f"ix_access_review_item_{column}", "access_review_item", [column])


def _contract_acceptance() -> None:
    op.create_table(
        "contract_acceptance",
        sa.Column("id", KEY, nullable=False),
        row_of("contract_acceptance", "contract_version_id", "contract_version"),
        sa.Column("accepted_at", MOMENT, nullable=False),
        row_of("contract_acceptance", "accepted_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_contract_acceptance"),
        sa.UniqueConstraint(
            "contract_version_id", name="uq_contract_acceptance_contract_version_id"
        ),
    )
    op.create_index(
        "ix_contract_acceptance_accepted_by_id", "contract_acceptance", ["accepted_by_id"]
    )


def _figures_acceptance() -> None:
    op.create_table(
        "figures_acceptance",
        sa.Column("id", KEY, nullable=False),
        row_of("figures_acceptance", "settlement_id", "settlement"),
        sa.Column("accepted_at", MOMENT, nullable=False),
        row_of("figures_acceptance", "accepted_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_figures_acceptance"),
        sa.UniqueConstraint("settlement_id", name="uq_figures_acceptance_settlement_id"),
    )
    op.create_index(
        "ix_figures_acceptance_accepted_by_id", "figures_acceptance", ["accepted_by_id"]
    )


def _audit_timestamp() -> None:
    op.create_table(
        "audit_timestamp",
        sa.Column("id", KEY, nullable=False),
        sa.Column(
            "size",
            sa.BigInteger(),
            sa.ForeignKey(
                "audit_checkpoint.size",
                name="fk_audit_timestamp_size_audit_checkpoint",
                ondelete="RESTRICT",
            ),
            nullable=False,
        ),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_timestamp"),
    )


def _audit_cosignature() -> None:
    op.create_table(
        "audit_cosignature",
        sa.Column("id", KEY, nullable=False),
        sa.Column(
            "size",
            sa.BigInteger(),
            sa.ForeignKey(
                "audit_checkpoint.size",
                name="fk_audit_cosignature_size_audit_checkpoint",
                ondelete="RESTRICT",
            ),
            nullable=False,
        ),
        sa.Column("witness_key", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_cosignature"),
        sa.UniqueConstraint("size", "witness_key", name="uq_audit_cosignature_size_witness_key"),
    )


def _audit_search() -> None:
    """Columns by which entries are found, filled from what the entries state."""
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("audit_entry", sa.Column("subject_label", bytewise, nullable=True))
    op.add_column("audit_entry", sa.Column("person_id", KEY, nullable=True))
    op.add_column(
        "audit_entry", sa.Column("request_id", sa.Text(), nullable=False, server_default="")
    )
    for name in ("at", "engagement_id", "subject_kind_subject_id"):
        op.drop_index(f"ix_audit_entry_{name}", "audit_entry")
    for name, columns in _SEARCHED.items():
        searched = ["engagement_id", *columns, "at", "id"]
        op.create_index(f"ix_audit_entry_by_{name}", "audit_entry", searched)
    _fill_in_labels()
    _refuse("audit_entry", "UPDATE", "OF subject_label, person_id, request_id", "_found_by")


def _fill_in_labels() -> None:
    entries = sa.table(
        "audit_entry",
        *(sa.column(name) for name in ("id", "subject_label", "request_id")),
        sa.column("data", sa.LargeBinary()),
    )
    connection = op.get_bind()
    stored = connection.execute(sa.select(entries.c.id, entries.c.data)).all()
    for row in stored:
        fields = json.loads(row.data)
        label, request = fields["subject"]["label"], fields["request"]
        found = {
            "subject_label": label[:_LONGEST] if isinstance(label, str) else None,
            "request_id": request[:_LONGEST],
        }
        connection.execute(sa.update(entries).where(entries.c.id == row.id).values(found))


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, of: str = "", suffix: str = "") -> None:
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else "BEGIN SELECT RAISE(ABORT,"
        f" '{operation} of {table} is refused: rows are only ever added'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_{operation.lower()}{suffix} BEFORE {operation} {of} ON {table}"
        f" FOR EACH ROW {action}"
    )


def _refuse_truncation(table: str) -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if _on_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
