"""Tables of payments, what they pay, and write-offs; amounts in whole minor units."""

from __future__ import annotations

import json
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

from billing.payments.values import Source
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
from governance.tenancy import no_tenant, through
from governance.values import Money


class ImportState(StrEnum):
    """How far an import is."""

    PREVIEW = "preview"
    """Read, and shown to the person who handed it in; nobody else sees it."""
    DONE = "done"
    DISCARDED = "discarded"


class PaymentImport(Table, table=True):
    """A bank statement that somebody handed in.

    Its bytes are kept only until the person has decided: a statement tells of other people's
    payments too.
    """

    __tablename__ = "payment_import"

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    source: Source = Field(sa_type=text_of(Source, "source"))
    file_name: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Sha256)
    size: int = Field(sa_type=BigInteger)
    mapping_json: str = Field(default="{}", sa_type=Text)
    """How a CSV file is read."""
    data: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The statement, until the import is done or discarded."""
    state: ImportState = Field(sa_type=text_of(ImportState, "state"))
    entries: int = Field(sa_type=Integer)
    """Payments that the statement holds."""
    taken: int = Field(default=0, sa_type=Integer)
    """Payments that were recorded from it."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BankEntry(Table, table=True):
    """An entry of a provider's bank account, and how much of it engagements have taken.

    It keeps one entry from paying twice, in one engagement or in several.
    """

    __tablename__ = "bank_entry"
    __tenancy__ = no_tenant(
        "a provider's, across its engagements; it holds a digest and amounts, no party"
    )
    __table_args__ = (
        UniqueConstraint("provider_id", "entry_key"),
        CheckConstraint("taken_minor >= 0 AND taken_minor <= amount_minor", name="taken"),
    )

    id: int = row_key()
    provider_id: int = row_of("organisation.id", index=False)
    entry_key: str = Field(sa_type=Sha256)
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    taken_minor: int = Field(default=0, sa_type=BigInteger)


class Payment(Table, table=True):
    """Money that the provider received for fee invoices of an engagement."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        UniqueConstraint("engagement_id", "entry_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(bounced_at IS NULL) = (bounced_by_id IS NULL)", name="bounced_by"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; PAY-3 is the third."""
    source: Source = Field(sa_type=text_of(Source, "source"))
    import_id: int | None = maybe_row_of("payment_import.id")
    entry_id: int | None = maybe_row_of("bank_entry.id")
    booked_on: date = Field(sa_type=Date)
    value_on: date = Field(sa_type=Date)
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    """What of the entry was taken into this engagement; usually all of it."""
    debtor: str = Field(default="", sa_type=Text)
    iban: str = Field(default="", sa_type=Text)
    end_to_end_id: str = Field(default="", sa_type=Text)
    references_json: str = Field(default="[]", sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    note: str = Field(default="", sa_type=Text)
    """What the person says who recorded it."""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    recorded_by_id: int = row_of("user_account.id")
    bounced_on: date | None = Field(default=None, sa_type=Date)
    """The day on which the money went back."""
    bounced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    bounced_by_id: int | None = maybe_row_of("user_account.id")
    bounce_entry_id: int | None = maybe_row_of("bank_entry.id")
    bounce_reason: str = Field(default="", sa_type=Text)

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"PAY-{self.number}"

    @property
    def references(self) -> tuple[str, ...]:
        """Structured references of the remittance."""
        return tuple(json.loads(self.references_json))

    def money(self, minor: int) -> Money:
        """An amount in the payment's currency."""
        return Money(minor, self.currency)


class PaymentAllocation(Table, table=True):
    """An amount of a payment for an invoice, until it is taken back."""

    __tablename__ = "payment_allocation"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(taken_back_at IS NULL) = (taken_back_by_id IS NULL)", name="taken_back"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    payment_id: int = row_of("payment.id")
    invoice_id: int = row_of("fee_invoice.id")
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    paid_on: date = Field(sa_type=Date)
    """The value date of the payment: from then on the invoice is paid by it."""
    why: str = Field(default="", sa_type=Text)
    """The proposal's reason, or the person's words."""
    allocated_at: datetime = Field(sa_type=UtcDateTime)
    allocated_by_id: int = row_of("user_account.id")
    taken_back_on: date | None = Field(default=None, sa_type=Date)
    """The day from which the invoice isn't paid by it any more."""
    taken_back_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    taken_back_by_id: int | None = maybe_row_of("user_account.id")
    taken_back_reason: str = Field(default="", sa_type=Text)


class PaymentRefund(Table, table=True):
    """What was on account and went back to who paid it."""

    __tablename__ = "payment_refund"
    __tenancy__ = through("payment_id", Payment)
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    id: int = row_key()
    payment_id: int = row_of("payment.id")
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    refunded_on: date = Field(sa_type=Date)
    reason: str = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    recorded_by_id: int = row_of("user_account.id")


class WriteOffKind(StrEnum):
    """Why an amount is given up."""

    SMALL_DIFFERENCE = "small_difference"
    CURRENCY = "currency"
    """A difference of exchange rates, or what banks kept."""
    BAD_DEBT = "bad_debt"
    OTHER = "other"


class WriteOffState(StrEnum):
    """How far a write-off is."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class WriteOff(Table, table=True):
    """What is open on an invoice and nobody expects any more."""

    __tablename__ = "write_off"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; WO-3 is the third."""
    invoice_id: int = row_of("fee_invoice.id")
    kind: WriteOffKind = Field(sa_type=text_of(WriteOffKind, "kind"))
    reason: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    state: WriteOffState = Field(sa_type=text_of(WriteOffState, "state"))
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    proposed_by_id: int = row_of("user_account.id")
    decided_on: date | None = Field(default=None, sa_type=Date)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
    decision_reason: str = Field(default="", sa_type=Text)

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"WO-{self.number}"

    @property
    def amount(self) -> Money:
        """What is written off."""
        return Money(self.amount_minor, self.currency)


class WriteOffReversal(Table, table=True):
    """What of an approved write-off is expected again, or was paid after all."""

    __tablename__ = "write_off_reversal"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state = 'approved') = (reversed_on IS NOT NULL)", name="reversed"),
        CheckConstraint(
            "state <> 'approved' OR payment_id IS NOT NULL OR decided_by_id <> proposed_by_id",
            name="two_people",
        ),
        CheckConstraint(
            "taken_back_on IS NULL OR (payment_id IS NOT NULL AND taken_back_on >= reversed_on)",
            name="taken_back",
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; WR-3 is the third."""
    write_off_id: int = row_of("write_off.id")
    payment_id: int | None = maybe_row_of("payment.id")
    """The payment that came after all; None where two people decided."""
    reason: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    state: WriteOffState = Field(sa_type=text_of(WriteOffState, "state"))
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    proposed_by_id: int = row_of("user_account.id")
    reversed_on: date | None = Field(default=None, sa_type=Date)
    """The day from which the amount is open again."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
    decision_reason: str = Field(default="", sa_type=Text)
    taken_back_on: date | None = Field(default=None, sa_type=Date)
    """The day from which the amount is written off again: the payment doesn't pay it any more."""

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"WR-{self.number}"

    @property
    def amount(self) -> Money:
        """What is reversed."""
        return Money(self.amount_minor, self.currency)


class InvoiceRefund(Table, table=True):
    """What the provider paid out on an invoice that is in the client's favour."""

    __tablename__ = "invoice_refund"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(taken_back_at IS NULL) = (taken_back_by_id IS NULL)", name="taken_back"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; REF-3 is the third."""
    invoice_id: int = row_of("fee_invoice.id")
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    refunded_on: date = Field(sa_type=Date)
    reason: str = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    recorded_by_id: int = row_of("user_account.id")
    taken_back_on: date | None = Field(default=None, sa_type=Date)
    """The day from which the amount is owed to the client again."""
    taken_back_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    taken_back_by_id: int | None = maybe_row_of("user_account.id")
    taken_back_reason: str = Field(default="", sa_type=Text)

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"REF-{self.number}"

    @property
    def amount(self) -> Money:
        """What was paid out."""
        return Money(self.amount_minor, self.currency)
