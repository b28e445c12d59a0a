"""Tables of fee invoices, in whole minor units, and of the series their numbers come from."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from billing.invoices.values import Act, InvoiceState
from governance.tables import (
    BigKey,
    Currency,
    Table,
    UtcDateTime,
    open_text_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import no_tenant, through
from governance.values import Money

__all__ = [
    "DocumentNumber",
    "FeeInvoice",
    "FeeInvoiceLine",
    "FeeInvoiceStep",
    "InvoiceSeries",
    "InvoiceState",
]


def _unique_where(name: str, column: str, rule: str) -> Index:
    where = text(rule)
    name = f"uq_fee_invoice_{name}"
    return Index(name, column, unique=True, sqlite_where=where, postgresql_where=where)


class InvoiceSeries(Table, table=True):
    """A provider's running number of one year, taken under a row lock so that none is skipped."""

    __tablename__ = "invoice_series"
    __tenancy__ = no_tenant("a provider's, across its engagements; it tells only how many")
    __table_args__ = (UniqueConstraint("provider_id", "pattern", "year"),)

    id: int = row_key()
    provider_id: int = row_of("organisation.id", index=False)
    pattern: str = Field(sa_type=Text)
    """The contract's number pattern, such as "CW-{year}-{sequence:05}"."""
    year: int = Field(sa_type=Integer)
    last_sequence: int = Field(default=0, sa_type=BigInteger)


class DocumentNumber(Table, table=True):
    """A number that a document of a provider has, whatever series it came from."""

    __tablename__ = "document_number"
    __tenancy__ = no_tenant("a provider's, across its engagements, as the series are")
    __table_args__ = (UniqueConstraint("provider_id", "number"),)

    id: int = row_key()
    provider_id: int = row_of("organisation.id", index=False)
    number: str = Field(sa_type=Text)


class FeeInvoice(Table, table=True):
    """The provider's fee of one period; the document itself is the settlement's.

    One that corrects another stands for the same settlement and has documents of its own.
    """

    __tablename__ = "fee_invoice"
    __table_args__ = (
        UniqueConstraint("series_id", "sequence"),
        UniqueConstraint("provider_id", "number"),
        CheckConstraint(
            "state <> 'issued' OR (number IS NOT NULL AND sequence IS NOT NULL"
            " AND issued_on IS NOT NULL AND due_on IS NOT NULL)",
            name="issued_is_numbered",
        ),
        CheckConstraint(
            "total_minor = subtotal_minor - service_credit_minor + tax_minor", name="total_adds_up"
        ),
        CheckConstraint("payable_minor = total_minor - withholding_minor", name="payable_adds_up"),
        CheckConstraint(
            "state NOT IN ('checked', 'approved')"
            " OR (checked_at IS NOT NULL AND checked_by_id IS NOT NULL)",
            name="checked_by_somebody",
        ),
        CheckConstraint(
            "state <> 'approved' OR (approved_at IS NOT NULL AND approved_by_id IS NOT NULL)",
            name="approved_by_somebody",
        ),
        CheckConstraint("approved_by_id <> checked_by_id", name="approved_by_another"),
        _unique_where("original", "settlement_id", "corrects_id IS NULL"),
        _unique_where("correction", "corrects_id", "state <> 'superseded'"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id")
    provider_id: int = row_of("organisation.id", index=False)
    settlement_id: int = row_of("settlement.id")
    state: InvoiceState = Field(sa_type=text_of(InvoiceState, "state"))
    series_id: int | None = Field(
        default=None, foreign_key="invoice_series.id", sa_type=BigKey, ondelete="RESTRICT"
    )
    sequence: int | None = Field(default=None, sa_type=BigInteger)
    number: str | None = Field(default=None, sa_type=Text)
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    issued_on: date | None = Field(default=None, sa_type=Date)
    due_on: date | None = Field(default=None, sa_type=Date)
    purchase_order: str | None = Field(default=None, sa_type=Text)
    currency: str = Field(sa_type=Currency)
    subtotal_minor: int = Field(sa_type=BigInteger)
    service_credit_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    withholding_minor: int = Field(sa_type=BigInteger)
    total_minor: int = Field(sa_type=BigInteger)
    payable_minor: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    issued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    log_size: int | None = Field(default=None, sa_type=BigInteger)
    """Entries under the audit log's checkpoint that the issued invoice states."""
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checked_by_id: int | None = Field(default=None, sa_type=BigInteger)
    """Account of who checked it, as the step that refers to it; so are the next two."""
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved_by_id: int | None = Field(default=None, sa_type=BigInteger)
    issued_by_id: int | None = Field(default=None, sa_type=BigInteger)
    replaces_id: int | None = Field(default=None, sa_type=BigInteger)
    """The draft of an earlier computation that this one took the place of."""
    corrects_id: int | None = Field(default=None, sa_type=BigInteger)
    """The invoice, credited in full, that this corrected one takes the place of."""
    changes_json: str | None = Field(default=None, sa_type=Text)
    """What is different from that draft, as `changes_of` answers it."""

    def money(self, minor: int) -> Money:
        """An amount in the invoice's currency."""
        return Money(minor, self.currency)


class FeeInvoiceStep(Table, table=True):
    """One step of an invoice's life, as it was taken; steps that are taken back stay."""

    __tablename__ = "fee_invoice_step"
    __tenancy__ = through("invoice_id", FeeInvoice)

    id: int = row_key()
    invoice_id: int = row_of("fee_invoice.id")
    act: Act = Field(sa_type=open_text_of(Act))
    at: datetime = Field(sa_type=UtcDateTime)
    by_id: int = row_of("user_account.id")
    reason: str = Field(default="", sa_type=Text)
    """Why it was taken back; empty for the other steps."""


class FeeInvoiceLine(Table, table=True):
    """One charged line, rounded once to the currency."""

    __tablename__ = "fee_invoice_line"
    __tenancy__ = through("invoice_id", FeeInvoice)
    __table_args__ = (UniqueConstraint("invoice_id", "position"),)

    id: int = row_key()
    invoice_id: int = row_of("fee_invoice.id", index=False)
    position: int = Field(sa_type=Integer)
    """Counted from 1."""
    charge: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    clause: str = Field(sa_type=Text)
    quantity: str = Field(sa_type=Text)
    unit: str = Field(sa_type=Text)
    meter: str | None = Field(default=None, sa_type=Text)
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    tax_category: str = Field(sa_type=Text)
    tax_rate: str = Field(sa_type=Text)
    steps_json: str = Field(sa_type=Text)
    """The arithmetic as a list of quantity, price, amount and text."""
    restatement: str | None = Field(default=None, sa_type=Text)
    """The restatement whose difference the line charges, as it is cited (2026-03/1)."""

    @property
    def amount(self) -> Money:
        """The line's amount."""
        return Money(self.amount_minor, self.currency)
