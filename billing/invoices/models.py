"""Tables of fee invoices, in whole minor units, and of the series their numbers come from."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Date, Integer, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import BigKey, Currency, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import no_tenant, through
from governance.values import Money


class InvoiceState(StrEnum):
    """A draft may be computed again; an issued invoice never changes."""

    DRAFT = "draft"
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    """A draft that a newer computation replaced."""


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


class FeeInvoice(Table, table=True):
    """The provider's fee of one period; the document itself is the settlement's."""

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

    def money(self, minor: int) -> Money:
        """An amount in the invoice's currency."""
        return Money(minor, self.currency)


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
