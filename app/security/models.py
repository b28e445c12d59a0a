"""Tables of sign-in: sessions, second factors, foreign identities, resets and API tokens.

Secrets that the application only compares stand here as SHA-256 digests; those it must read
again are sealed with the installation's secret, so whoever holds the database alone can use
neither.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.tables import (
    BigKey,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    open_text_of,
    row_key,
    row_of,
)
from governance.tenancy import no_tenant


def _passing(why: str) -> dict[str, dict[str, str]]:
    """Table arguments of what is only kept for a while, or says nothing that an entry doesn't."""
    return {"info": {NOT_AUDITED: why}}


class Proof(StrEnum):
    """How a person has shown who they are."""

    PASSWORD = "password"  # noqa: S105 (names a way to sign in)
    PASSWORD_AND_CODE = "password_and_code"  # noqa: S105 (the same)
    PASSWORD_AND_PASSKEY = "password_and_passkey"  # noqa: S105 (the same)
    PASSWORD_AND_RECOVERY_CODE = "password_and_recovery_code"  # noqa: S105 (the same)
    PASSKEY = "passkey"
    SINGLE_SIGN_ON = "single_sign_on"

    @property
    def is_strong(self) -> bool:
        """Whether a stolen password alone can't give it.

        Single sign-on counts: what the employer's provider asks for is the employer's rule.
        """
        return self is not Proof.PASSWORD


_PERSONS_OWN = no_tenant("a person's own, found by the account or by a secret's digest")
_BEFORE_SIGN_IN = no_tenant("of visitors, before it is known who they are")


class SignInSession(Table, table=True):
    """One signed-in browser. The token itself is only in its cookie; here stands its digest."""

    __tablename__ = "sign_in_session"
    __tenancy__ = _PERSONS_OWN
    __table_args__ = _passing("signing in and out are entries of their own")

    id: int = row_key()
    token_sha256: str = Field(sa_type=Sha256, unique=True)
    user_id: int = row_of("user_account.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    proof: Proof | None = Field(default=None, sa_type=open_text_of(Proof))
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When sign-in was complete; None while a second step is due, and then it opens nothing."""
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the person last showed who they are, which grave acts ask for anew."""
    address: str = Field(default="", sa_type=Text)
    """Network address that signed in."""
    browser: str = Field(default="", sa_type=Text)
    """What the browser said it is."""


class TotpCredential(Table, table=True):
    """An authenticator app's shared secret (RFC 6238)."""

    __tablename__ = "totp_credential"
    __tenancy__ = _PERSONS_OWN

    id: int = row_key()
    user_id: int = Field(
        foreign_key="user_account.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    secret_sealed: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """None until a first code has shown that the app holds the secret."""
    last_step: int | None = Field(default=None, sa_type=BigInteger)
    """Time step of the last code taken; a code works once."""


class Passkey(Table, table=True):
    """A WebAuthn credential."""

    __tablename__ = "passkey"
    __tenancy__ = _PERSONS_OWN

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    credential_id: bytes = Field(sa_type=LargeBinary, unique=True)
    public_key: bytes = Field(sa_type=LargeBinary)
    sign_count: int = Field(sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    """What its owner calls it."""
    transports: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PasskeyChallenge(Table, table=True):
    """What a passkey is asked to sign; used once and deleted."""

    __tablename__ = "passkey_challenge"
    __tenancy__ = _BEFORE_SIGN_IN
    __table_args__ = _passing("a question that is deleted with its answer")

    id: int = row_key()
    binding_sha256: str = Field(sa_type=Sha256, unique=True)
    """Digest of the browser's session or visitor secret; a browser has one challenge at a time."""
    challenge: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class RecoveryCode(Table, table=True):
    """A code for the day the second factor is lost; it works once."""

    __tablename__ = "recovery_code"
    __tenancy__ = _PERSONS_OWN

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    code_sha256: str = Field(sa_type=Sha256, unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ForeignIdentity(Table, table=True):
    """Who a user is at a single sign-on provider."""

    __tablename__ = "foreign_identity"
    __tenancy__ = _PERSONS_OWN
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    linked_at: datetime = Field(sa_type=UtcDateTime)


class SingleSignOnAttempt(Table, table=True):
    """A sign-in that is at the provider; used once and deleted."""

    __tablename__ = "single_sign_on_attempt"
    __tenancy__ = _BEFORE_SIGN_IN
    __table_args__ = _passing("a question that is deleted with its answer")

    id: int = row_key()
    state_sha256: str = Field(sa_type=Sha256, unique=True)
    binding_sha256: str = Field(sa_type=Sha256)
    """Digest of the visitor's secret: another browser can't finish the sign-in."""
    secrets_sealed: bytes = Field(sa_type=LargeBinary)
    """Nonce and code verifier (RFC 7636)."""
    next_path: str = Field(default="", sa_type=Text)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class PasswordReset(Table, table=True):
    """A link to choose a new password."""

    __tablename__ = "password_reset"
    __tenancy__ = _PERSONS_OWN

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    token_sha256: str = Field(sa_type=Sha256, unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiToken(Table, table=True):
    """What a program of a user's presents instead of a session; it can do less, never more."""

    __tablename__ = "api_token"
    __tenancy__ = no_tenant("a person's own, found by its digest; the engagement only narrows it")

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    name: str = Field(sa_type=Text)
    token_sha256: str = Field(sa_type=Sha256, unique=True)
    scopes: str = Field(sa_type=Text)
    """Permissions, with single spaces between."""
    engagement_id: int | None = maybe_row_of("engagement.id")
    """The one engagement it is for; None for all of the user's."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiTokenUse(Table, table=True):
    """When a token was last used, to the minute."""

    __tablename__ = "api_token_use"
    __tenancy__ = _PERSONS_OWN
    __table_args__ = _passing("what a token changed is in the log; that it was used says no more")

    token_id: int = Field(
        primary_key=True,
        foreign_key="api_token.id",
        sa_type=BigKey,
        ondelete="CASCADE",
        sa_column_kwargs={"autoincrement": False},
    )
    last_used_at: datetime = Field(sa_type=UtcDateTime)


class Throttle(Table, table=True):
    """How often something was tried in its window of time, over all processes."""

    __tablename__ = "throttle"
    __tenancy__ = _BEFORE_SIGN_IN
    __table_args__ = _passing("a counter that starts anew by itself")

    key: str = Field(primary_key=True, sa_type=Sha256)
    """Digest of what is counted and whom for, so that it holds no address."""
    attempts: int = Field(sa_type=Integer)
    window_ends_at: datetime = Field(sa_type=UtcDateTime)
