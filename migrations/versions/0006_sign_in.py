"""Second factors, single sign-on, resets, API tokens and the outbox; everyone signs in anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, row_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _session_columns()
    _user_columns()
    _totp_credential()
    _passkey()
    _passkey_challenge()
    _recovery_code()
    _foreign_identity()
    _single_sign_on_attempt()
    _password_reset()
    _api_token()
    _api_token_use()
    _throttle()
    _outbox_mail()


def _user_columns() -> None:
    op.add_column("user_account", sa.Column("address_link_sha256", sa.String(64), nullable=True))


def _totp_credential() -> None:
    op.create_table(
        "totp_credential",
        sa.Column("id", KEY, nullable=False),
        row_of("totp_credential", "user_id", "user_account"),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_totp_credential"),
        sa.UniqueConstraint("user_id", name="uq_totp_credential_user_id"),
    )


def _passkey() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", KEY, nullable=False),
        row_of("passkey", "user_id", "user_account"),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"])


def _passkey_challenge() -> None:
    op.create_table(
        "passkey_challenge",
        sa.Column("id", KEY, nullable=False),
        sa.Column("binding_sha256", sa.String(64), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passkey_challenge"),
        sa.UniqueConstraint("binding_sha256", name="uq_passkey_challenge_binding_sha256"),
    )


def _recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("id", KEY, nullable=False),
        row_of("recovery_code", "user_id", "user_account"),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
        sa.UniqueConstraint("code_sha256", name="uq_recovery_code_code_sha256"),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])


def _foreign_identity() -> None:
    op.create_table(
        "foreign_identity",
        sa.Column("id", KEY, nullable=False),
        row_of("foreign_identity", "user_id", "user_account"),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_foreign_identity"),
        sa.UniqueConstraint("issuer", "subject", name="uq_foreign_identity_issuer_subject"),
    )
    op.create_index("ix_foreign_identity_user_id", "foreign_identity", ["user_id"])


def _single_sign_on_attempt() -> None:
    op.create_table(
        "single_sign_on_attempt",
        sa.Column("id", KEY, nullable=False),
        sa.Column("state_sha256", sa.String(64), nullable=False),
        sa.Column("binding_sha256", sa.String(64), nullable=False),
        sa.Column("secrets_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_single_sign_on_attempt"),
        sa.UniqueConstraint("state_sha256", name="uq_single_sign_on_attempt_state_sha256"),
    )


def _password_reset() -> None:
    op.create_table(
        "password_reset",
        sa.Column("id", KEY, nullable=False),
        row_of("password_reset", "user_id", "user_account"),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_password_reset"),
        sa.UniqueConstraint("token_sha256", name="uq_password_reset_token_sha256"),
    )
    op.create_index("ix_password_reset_user_id", "password_reset", ["user_id"])


def _api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", KEY, nullable=False),
        row_of("api_token", "user_id", "user_account"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        row_of("api_token", "engagement_id", "engagement", nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_sha256", name="uq_api_token_token_sha256"),
    )
    for column in ("engagement_id", "user_id"):
        op.create_index(f"ix_api_token_{column}", "api_token", [column])


def _api_token_use() -> None:
    op.create_table(
        "api_token_use",
        sa.Column(
            "token_id",
            KEY,
            sa.ForeignKey(
                "api_token.id", name="fk_api_token_use_token_id_api_token", ondelete="CASCADE"
            ),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_id", name="pk_api_token_use"),
    )


def _throttle() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttle"),
    )


def _outbox_mail() -> None:
    op.create_table(
        "outbox_mail",
        sa.Column("id", KEY, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("failed_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_mail"),
        sa.UniqueConstraint("idempotency_key", name="uq_outbox_mail_idempotency_key"),
    )
    op.create_index("ix_outbox_mail_next_attempt_at", "outbox_mail", ["next_attempt_at"])


def _session_columns() -> None:
    """A session without the moment of its completion opens nothing, so the old ones end."""
    op.add_column("sign_in_session", sa.Column("proof", sa.String(40), nullable=True))
    for name in ("completed_at", "confirmed_at"):
        op.add_column("sign_in_session", sa.Column(name, MOMENT, nullable=True))
    for name in ("address", "browser"):
        column = sa.Column(name, sa.Text(), nullable=False, server_default="")
        op.add_column("sign_in_session", column)
