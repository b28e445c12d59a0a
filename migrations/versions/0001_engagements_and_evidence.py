"""The tables of parties, sign-in, engagements, the audit log and evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _organisation()
    _engagement()
    _user_account()
    _membership()
    _sign_in_session()
    _audit_event()
    _contract_version()
    _evidence_hand_in()
    _evidence_table()


def _organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        one_of("organisation", "kind", "client", "provider", "operator"),
        sa.UniqueConstraint("name_key", "country", name="uq_organisation_name_key_country"),
    )


def _engagement() -> None:
    op.create_table(
        "engagement",
        sa.Column("id", KEY, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("model", sa.String(40), nullable=False),
        row_of("engagement", "client_id", "organisation"),
        row_of("engagement", "provider_id", "organisation"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engagement"),
        one_of(
            "engagement",
            "model",
            "full",
            "function_specific",
            "offshore",
            "nearshore",
            "staff_augmentation",
            "managed",
            "build_operate_transfer",
        ),
        sa.UniqueConstraint("reference", name="uq_engagement_reference"),
    )
    op.create_index("ix_engagement_client_id", "engagement", ["client_id"])
    op.create_index("ix_engagement_provider_id", "engagement", ["provider_id"])


def _user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        row_of("user_account", "organisation_id", "organisation"),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("email_key", name="uq_user_account_email_key"),
    )
    op.create_index("ix_user_account_organisation_id", "user_account", ["organisation_id"])


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("id", KEY, nullable=False),
        row_of("membership", "user_id", "user_account"),
        row_of("membership", "engagement_id", "engagement"),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        one_of(
            "membership",
            "role",
            "provider_account_manager",
            "provider_finance",
            "client_committee",
            "committee_chair",
            "client_finance",
            "auditor",
            "operator",
        ),
        sa.UniqueConstraint(
            "user_id", "engagement_id", "role", name="uq_membership_user_id_engagement_id_role"
        ),
    )
    op.create_index("ix_membership_engagement_id", "membership", ["engagement_id"])


def _sign_in_session() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        row_of("sign_in_session", "user_id", "user_account"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_session"),
        sa.UniqueConstraint("token_sha256", name="uq_sign_in_session_token_sha256"),
    )
    op.create_index("ix_sign_in_session_user_id", "sign_in_session", ["user_id"])


def _audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        row_of("audit_event", "actor_id", "user_account", nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        row_of("audit_event", "engagement_id", "engagement", nullable=True),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("subject_label", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id"])
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_index("ix_audit_event_engagement_id", "audit_event", ["engagement_id"])


def _contract_version() -> None:
    op.create_table(
        "contract_version",
        sa.Column("id", KEY, nullable=False),
        row_of("contract_version", "engagement_id", "engagement"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        row_of("contract_version", "added_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_contract_version"),
        sa.UniqueConstraint(
            "engagement_id", "number", name="uq_contract_version_engagement_id_number"
        ),
        sa.UniqueConstraint(
            "engagement_id", "sha256", name="uq_contract_version_engagement_id_sha256"
        ),
    )
    op.create_index("ix_contract_version_added_by_id", "contract_version", ["added_by_id"])


def _evidence_hand_in() -> None:
    op.create_table(
        "evidence_hand_in",
        sa.Column("id", KEY, nullable=False),
        row_of("evidence_hand_in", "engagement_id", "engagement"),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("rejections_json", sa.Text(), nullable=False),
        sa.Column("rejected_rows", sa.BigInteger(), nullable=False),
        sa.Column("findings_json", sa.Text(), nullable=False),
        sa.Column("handed_in_at", MOMENT, nullable=False),
        row_of("evidence_hand_in", "handed_in_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_hand_in"),
        one_of("evidence_hand_in", "state", "accepted", "rejected"),
    )
    op.create_index(
        "ix_evidence_hand_in_engagement_id_source_sha256",
        "evidence_hand_in",
        ["engagement_id", "source_sha256"],
    )
    op.create_index("ix_evidence_hand_in_handed_in_by_id", "evidence_hand_in", ["handed_in_by_id"])


def _evidence_table() -> None:
    op.create_table(
        "evidence_table",
        sa.Column("id", KEY, nullable=False),
        row_of("evidence_table", "engagement_id", "engagement"),
        row_of("evidence_table", "hand_in_id", "evidence_hand_in"),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        row_of("evidence_table", "superseded_by_id", "evidence_table", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_table"),
    )
    op.create_index(
        "ix_evidence_table_engagement_id_dataset", "evidence_table", ["engagement_id", "dataset"]
    )
    op.create_index("ix_evidence_table_hand_in_id", "evidence_table", ["hand_in_id"])
    op.create_index("ix_evidence_table_superseded_by_id", "evidence_table", ["superseded_by_id"])
