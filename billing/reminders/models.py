"""Tables of reminders and of what they charge, in whole minor units."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from governance.tables import (
    Currency,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through
from governance.values import Money


class Reminder(Table, table=True):
    """A letter about invoices that are late, or that were paid late; issued ones never change."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("level >= 0", name="level"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; RM-3 is the third."""
    level: int = Field(sa_type=Integer)
    """The highest step of its lines, counted from 1; 0 where it only charges for late payment."""
    currency: str = Field(sa_type=Currency)
    open_minor: int = Field(sa_type=BigInteger)
    """What is asked for of its invoices, without what is in dispute."""
    charged_minor: int = Field(sa_type=BigInteger)
    """Interest, lump sums and fee that are charged with it."""
    issued_on: date = Field(sa_type=Date)
    pay_by: date = Field(sa_type=Date)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    issued_by_id: int = row_of("user_account.id")

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"RM-{self.number}"

    def money(self, minor: int) -> Money:
        """An amount in the reminder's currency."""
        return Money(minor, self.currency)


class ReminderLine(Table, table=True):
    """One invoice of a reminder."""

    __tablename__ = "reminder_line"
    __tenancy__ = through("reminder_id", Reminder)
    __table_args__ = (
        UniqueConstraint("reminder_id", "invoice_id"),
        UniqueConstraint("invoice_id", "step"),
    )

    id: int = row_key()
    reminder_id: int = row_of("reminder.id", index=False)
    invoice_id: int = row_of("fee_invoice.id", index=False)
    step: int | None = Field(default=None, sa_type=Integer)
    """The contract's step, counted from 1, that no invoice takes twice; None where the line only
    charges for late payment."""
    currency: str = Field(sa_type=Currency)
    open_minor: int = Field(sa_type=BigInteger)
    """What is asked for of it."""
    days_late: int = Field(sa_type=Integer)


class ChargeKind(StrEnum):
    """What a reminder charges."""

    INTEREST = "interest"
    LUMP_SUM = "lump_sum"
    FEE = "fee"
    """Of the reminder itself."""


class LateCharge(Table, table=True):
    """What a reminder charges for late payment; owed until it is waived."""

    __tablename__ = "late_charge"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(kind = 'fee') = (invoice_id IS NULL)", name="of_an_invoice"),
        CheckConstraint(
            "(waived_on IS NULL) = (waived_at IS NULL) AND (waived_on IS NULL) ="
            " (waived_by_id IS NULL)",
            name="waived",
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    reminder_id: int = row_of("reminder.id")
    invoice_id: int | None = maybe_row_of("fee_invoice.id")
    """None for the fee."""
    kind: ChargeKind = Field(sa_type=text_of(ChargeKind, "kind"))
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    charged_on: date = Field(sa_type=Date)
    """The reminder's day: interest is charged up to it."""
    waived_on: date | None = Field(default=None, sa_type=Date)
    waived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    waived_by_id: int | None = maybe_row_of("user_account.id")
    waived_reason: str = Field(default="", sa_type=Text)

    @property
    def amount(self) -> Money:
        """What is charged."""
        return Money(self.amount_minor, self.currency)


class ReminderDocumentKind(StrEnum):
    """The documents of a reminder; values are file names."""

    JSON = "reminder.json"
    PDF = "reminder.pdf"

    @property
    def media_type(self) -> str:
        """What the document is served as."""
        return f"application/{self.value.rpartition('.')[2]}"


class ReminderDocument(Table, table=True):
    """One document of a reminder, byte for byte."""

    __tablename__ = "reminder_document"
    __tenancy__ = through("reminder_id", Reminder)
    __table_args__ = (UniqueConstraint("reminder_id", "kind"),)

    id: int = row_key()
    reminder_id: int = row_of("reminder.id", index=False)
    kind: ReminderDocumentKind = Field(sa_type=text_of(ReminderDocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)
    template_version: str | None = Field(default=None, sa_type=Sha256)
    """Of the PDF: what its templates, styles and fonts were."""
