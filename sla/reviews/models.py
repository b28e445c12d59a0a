"""Tables of reviews: what was submitted, what was said of each item, and the seal."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, Date, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from governance.access import Side
from governance.tables import (
    BigKey,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through
from sla.reviews.values import Act, ItemKind, ItemState, Ruling


class PeriodReview(Table, table=True):
    """All that both sides say about one period, over all its calculations until the seal."""

    __tablename__ = "period_review"
    __table_args__ = (
        UniqueConstraint(
            "engagement_id",
            "period_start",
            "period_end",
            "restatement",
            name="uq_period_review_period",
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    restatement: int = Field(default=0, sa_type=Integer)
    """0 for the period itself, else the number of its restatement."""


class FiguresSubmission(Table, table=True):
    """One calculation that the provider handed over to the client."""

    __tablename__ = "figures_submission"
    __tenancy__ = through("review_id", PeriodReview)
    __table_args__ = (UniqueConstraint("review_id", "number"),)

    id: int = row_key()
    review_id: int = row_of("period_review.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the review."""
    measured_period_id: int = row_of("measured_period.id")
    prepared_by_id: int = row_of("user_account.id")
    submitted_at: datetime = Field(sa_type=UtcDateTime)
    submitted_by_id: int = row_of("user_account.id")
    note: str = Field(default="", sa_type=Text)
    begun_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the client began to review it."""
    begun_by_id: int | None = maybe_row_of("user_account.id")
    recalled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    recalled_by_id: int | None = maybe_row_of("user_account.id")
    replaced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the provider settled the period again, so that this one no longer counts."""


class ReviewItem(Table, table=True):
    """One figure that both sides agree on, with how far they are."""

    __tablename__ = "review_item"
    __tenancy__ = through("review_id", PeriodReview)
    __table_args__ = (UniqueConstraint("review_id", "kind", "key"),)

    id: int = row_key()
    review_id: int = row_of("period_review.id", index=False)
    kind: ItemKind = Field(sa_type=text_of(ItemKind, "kind"))
    key: str = Field(sa_type=Text)
    position: int = Field(sa_type=Integer)
    label: str = Field(sa_type=Text)
    figure: str = Field(sa_type=Text)
    """As it was last submitted."""
    earlier_figure: str | None = Field(default=None, sa_type=Text)
    """As it was submitted before that; None in the first submission."""
    value: str | None = Field(default=None, sa_type=Text)
    inputs_sha256: str = Field(sa_type=Sha256)
    changed: bool = Field(default=False, sa_type=Boolean)
    """Whether figure or inputs differ from the submission before."""
    present: bool = Field(default=True, sa_type=Boolean)
    """False where the last submission has no such item any more."""
    state: ItemState = Field(sa_type=text_of(ItemState, "state"))
    agreed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    agreed_by_id: int | None = maybe_row_of("user_account.id")
    proposal_id: int | None = Field(default=None, sa_type=BigKey)
    """The remark that proposes or has proposed the decision; None where there is none."""


class ReviewRemark(Table, table=True):
    """What somebody did or said about an item; rows are only ever added."""

    __tablename__ = "review_remark"
    __tenancy__ = through("item_id", ReviewItem)

    id: int = row_key()
    item_id: int = row_of("review_item.id")
    submission_id: int = row_of("figures_submission.id")
    act: Act = Field(sa_type=text_of(Act, "act"))
    side: Side = Field(sa_type=text_of(Side, "side"))
    made_by_id: int = row_of("user_account.id")
    made_at: datetime = Field(sa_type=UtcDateTime)
    text: str = Field(default="", sa_type=Text)
    ruling: Ruling | None = Field(default=None, sa_type=text_of(Ruling, "ruling"))
    """What a proposal proposes."""
    value: str | None = Field(default=None, sa_type=Text)
    """The proposed value, a decimal as text."""


class FiguresSeal(Table, table=True):
    """The figures that both sides agreed on, as one document; it never changes."""

    __tablename__ = "figures_seal"
    __tenancy__ = through("review_id", PeriodReview)

    id: int = row_key()
    review_id: int = Field(
        foreign_key="period_review.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    submission_id: int = row_of("figures_submission.id")
    measured_period_id: int = Field(
        foreign_key="measured_period.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    contract_version_id: int = row_of("contract_version.id")
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    sealed_by_id: int = row_of("user_account.id")
    sha256: str = Field(sa_type=Sha256)
    document: bytes = Field(sa_type=LargeBinary)
    """Canonical JSON (RFC 8785)."""
