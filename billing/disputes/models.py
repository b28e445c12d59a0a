"""Table of disputed lines of issued invoices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Integer, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import Currency, Table, UtcDateTime, maybe_row_of, row_key, row_of, text_of
from governance.values import Money


class DisputeState(StrEnum):
    """How far both sides are."""

    OPEN = "open"
    """It waits for the provider's answer."""
    UPHELD = "upheld"
    """The invoice stands: the provider upholds the line, with a reason."""
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    """The provider credits less than was disputed."""
    WITHDRAWN = "withdrawn"


class DisputeSubject(StrEnum):
    """What of an invoice is disputed."""

    LINE = "line"
    SERVICE_CREDIT = "service_credit"
    """That the service credit is too small."""
    WHOLE = "whole"


class Dispute(Table, table=True):
    """What the client disputes of an issued invoice; its amount and reason never change."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("(subject = 'line') = (position IS NOT NULL)", name="names_its_line"),
        CheckConstraint("amount_minor > 0", name="is_about_money"),
        CheckConstraint(
            "accepted_minor IS NULL OR accepted_minor <= amount_minor", name="accepted_within"
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    invoice_id: int = row_of("fee_invoice.id")
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; D-3 is the third."""
    subject: DisputeSubject = Field(sa_type=text_of(DisputeSubject, "subject"))
    position: int | None = Field(default=None, sa_type=Integer)
    """Of the invoice's line, counted from 1."""
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    """Before tax."""
    reason: str = Field(sa_type=Text)
    state: DisputeState = Field(sa_type=text_of(DisputeState, "state"))
    late: bool = Field(default=False, sa_type=Boolean)
    """Whether it was raised after the invoice was due."""
    remark: str = Field(default="", sa_type=Text)
    """Of a late one: why it comes late."""
    raised_at: datetime = Field(sa_type=UtcDateTime)
    raised_by_id: int = row_of("user_account.id")
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by_id: int | None = maybe_row_of("user_account.id")
    answer: str = Field(default="", sa_type=Text)
    accepted_minor: int | None = Field(default=None, sa_type=BigInteger)
    """What the provider credits of it, before tax."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by_id: int | None = maybe_row_of("user_account.id")

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"D-{self.number}"

    @property
    def amount(self) -> Money:
        """What is disputed, before tax."""
        return Money(self.amount_minor, self.currency)

    @property
    def accepted(self) -> Money:
        """What the provider credits of it, before tax."""
        return Money(self.accepted_minor or 0, self.currency)
