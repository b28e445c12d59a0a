"""Tables of engagements and the versions of their contracts."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from governance.access import DutyConflict, Role, Side
from governance.contract.engagement import Model
from governance.tables import (
    BigKey,
    Currency,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    open_text_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import own, through


class Engagement(Table, table=True):
    """A client and a provider bound by one contract, through all its versions."""

    __tablename__ = "engagement"
    __tenancy__ = own("id")

    id: int = row_key()
    reference: str = Field(sa_type=Text, unique=True)
    title: str = Field(sa_type=Text)
    model: Model = Field(sa_type=text_of(Model, "model"))
    client_id: int = row_of("organisation.id")
    provider_id: int = row_of("organisation.id")
    currency: str = Field(sa_type=Currency)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ContractVersion(Table, table=True):
    """A contract document exactly as it was handed in; rows are only ever added."""

    __tablename__ = "contract_version"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        UniqueConstraint("engagement_id", "sha256"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 in the engagement."""
    file_name: str = Field(sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(sa_type=Sha256)
    effective_from: date = Field(sa_type=Date)
    """First day on which this version governs; the highest number of a day wins."""
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_by_id: int = row_of("user_account.id")
    added_side: Side | None = Field(default=None, sa_type=open_text_of(Side))
    """The side that proposes this version; the other one accepts it."""


class ContractAcceptance(Table, table=True):
    """The other side's yes to a version of the contract; an amendment doesn't govern before."""

    __tablename__ = "contract_acceptance"
    __tenancy__ = through("contract_version_id", ContractVersion)

    id: int = row_key()
    contract_version_id: int = Field(
        foreign_key="contract_version.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    accepted_at: datetime = Field(sa_type=UtcDateTime)
    accepted_by_id: int = row_of("user_account.id")


class Invitation(Table, table=True):
    """A link by e-mail that makes its reader a user, and a member where it names a role."""

    __tablename__ = "invitation"

    id: int = row_key()
    token_sha256: str = Field(sa_type=Sha256, unique=True)
    email: str = Field(sa_type=Text)
    email_key: str = Field(sa_type=Text, index=True)
    name: str = Field(sa_type=Text)
    organisation_id: int = row_of("organisation.id")
    engagement_id: int | None = maybe_row_of("engagement.id")
    role: Role | None = Field(default=None, sa_type=text_of(Role, "role"))
    starts_on: date | None = Field(default=None, sa_type=Date)
    ends_on: date | None = Field(default=None, sa_type=Date)
    invited_by_id: int | None = maybe_row_of("user_account.id")
    """None for the command line."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_by_id: int | None = maybe_row_of("user_account.id")
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DutyException(Table, table=True):
    """One person may hold what conflicts, for a reason that others can read."""

    __tablename__ = "duty_exception"

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    user_id: int = row_of("user_account.id")
    conflict: DutyConflict = Field(sa_type=open_text_of(DutyConflict))
    reason: str = Field(sa_type=Text)
    granted_by_id: int = row_of("user_account.id")
    granted_at: datetime = Field(sa_type=UtcDateTime)
    ends_on: date | None = Field(default=None, sa_type=Date)
    """Last day; None is until it is revoked."""
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AccessReview(Table, table=True):
    """One look at who holds what in an engagement; complete when every role was decided on."""

    __tablename__ = "access_review"

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    started_at: datetime = Field(sa_type=UtcDateTime)
    started_by_id: int = row_of("user_account.id")
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_by_id: int | None = maybe_row_of("user_account.id")


class ReviewDecision(StrEnum):
    """What a reviewer decided on a role that a person holds."""

    KEEP = "keep"
    REMOVE = "remove"


class AccessReviewItem(Table, table=True):
    """A role that a person held when the review began, and what was decided on it."""

    __tablename__ = "access_review_item"
    __tenancy__ = through("review_id", AccessReview)
    __table_args__ = (UniqueConstraint("review_id", "user_id", "role"),)

    id: int = row_key()
    review_id: int = row_of("access_review.id", index=False)
    user_id: int = row_of("user_account.id")
    role: Role = Field(sa_type=text_of(Role, "role"))
    decision: ReviewDecision | None = Field(
        default=None, sa_type=text_of(ReviewDecision, "decision")
    )
    reason: str = Field(default="", sa_type=Text)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
