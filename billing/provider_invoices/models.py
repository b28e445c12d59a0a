"""Tables of the provider's own invoices, how they were checked and what the client contests."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from billing.invoices.fee_document import DocumentType
from billing.provider_invoices.values import Source
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
from governance.values import Money, Period

_COUNTS = "state <> 'set_aside'"
_CURRENT = "superseded_at IS NULL"


class ProviderInvoiceState(StrEnum):
    """What the client decided on a document."""

    OPEN = "open"
    APPROVED = "approved"
    """Approved for payment."""
    CONTESTED = "contested"
    SET_ASIDE = "set_aside"
    """Handed in by mistake: it counts in no check."""


class ProviderInvoice(Table, table=True):
    """An invoice or credit note of the provider's own system, byte for byte."""

    __tablename__ = "provider_invoice"
    __table_args__ = (
        Index(
            "uq_provider_invoice_number",
            "engagement_id",
            "number",
            unique=True,
            sqlite_where=text(_COUNTS),
            postgresql_where=text(_COUNTS),
        ),
        CheckConstraint("period_start <= period_end", name="period_in_order"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: str = Field(sa_type=Text)
    """As the provider numbered it."""
    type: DocumentType = Field(sa_type=text_of(DocumentType, "type"))
    source: Source = Field(sa_type=text_of(Source, "source"))
    issued_on: date = Field(sa_type=Date)
    period_start: date = Field(sa_type=Date)
    """Of the period that it is checked against, as is `period_end`."""
    period_end: date = Field(sa_type=Date)
    currency: str = Field(sa_type=Currency)
    total_minor: int = Field(sa_type=BigInteger)
    """With tax; negative for a credit note."""
    file_name: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Sha256)
    size: int = Field(sa_type=BigInteger)
    data: bytes = Field(sa_type=LargeBinary)
    read_json: str = Field(sa_type=Text)
    """What was read of it, once."""
    state: ProviderInvoiceState = Field(sa_type=text_of(ProviderInvoiceState, "state"))
    remark: str = Field(default="", sa_type=Text)
    """Why it was decided so."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = maybe_row_of("user_account.id")
    handed_in_at: datetime = Field(sa_type=UtcDateTime)
    handed_in_by_id: int = row_of("user_account.id")

    @property
    def period(self) -> Period:
        """The period that it is checked against."""
        return Period(self.period_start, self.period_end)

    @property
    def total(self) -> Money:
        """What it comes to, with tax."""
        return Money(self.total_minor, self.currency)


class ProviderInvoiceProfile(Table, table=True):
    """How an engagement's CSV files are read."""

    __tablename__ = "provider_invoice_profile"
    __table_args__ = (UniqueConstraint("engagement_id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    mapping_json: str = Field(sa_type=Text)
    saved_at: datetime = Field(sa_type=UtcDateTime)
    saved_by_id: int = row_of("user_account.id")


class ProviderInvoiceMatch(Table, table=True):
    """What a person says that a billed line is for."""

    __tablename__ = "provider_invoice_match"
    __tenancy__ = through("invoice_id", ProviderInvoice)
    __table_args__ = (UniqueConstraint("invoice_id", "item"),)

    id: int = row_key()
    invoice_id: int = row_of("provider_invoice.id", index=False)
    item: str = Field(sa_type=Text)
    """Key of the billed line in its document."""
    target: str = Field(sa_type=Text)
    """Key of the expected line; empty where the contract has none for it."""
    decided_at: datetime = Field(sa_type=UtcDateTime)
    decided_by_id: int = row_of("user_account.id")


class ProviderInvoiceCheck(Table, table=True):
    """A period's documents held against its settlement; a later check supersedes it."""

    __tablename__ = "provider_invoice_check"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        Index(
            "uq_provider_invoice_check_current",
            "engagement_id",
            "period_start",
            "period_end",
            unique=True,
            sqlite_where=text(_CURRENT),
            postgresql_where=text(_CURRENT),
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement."""
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    settlement_id: int | None = maybe_row_of("settlement.id")
    """None where the period lies outside the engagement, so that nothing is expected."""
    expected_sha256: str | None = Field(default=None, sa_type=Sha256)
    """Of the computed invoice that it was checked against."""
    currency: str = Field(sa_type=Currency)
    billed_minor: int = Field(sa_type=BigInteger)
    expected_minor: int = Field(sa_type=BigInteger)
    result_json: str = Field(sa_type=Text)
    """The whole comparison."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def period(self) -> Period:
        """The period that was checked."""
        return Period(self.period_start, self.period_end)


class ContestState(StrEnum):
    """How far both sides are."""

    OPEN = "open"
    """It waits for the provider."""
    ACCEPTED = "accepted"
    """Wholly or in part: the provider owes a credit note."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    """Credited, by the credit note that is named."""


class ProviderInvoiceContest(Table, table=True):
    """A difference that the client contests, as it was found; amount and reason never change."""

    __tablename__ = "provider_invoice_contest"
    __table_args__ = (
        UniqueConstraint("engagement_id", "number"),
        CheckConstraint("amount_minor > 0", name="is_about_money"),
        CheckConstraint(
            "accepted_minor IS NULL OR (accepted_minor >= 0 AND accepted_minor <= amount_minor)",
            name="accepted_within",
        ),
        CheckConstraint("(state = 'resolved') = (credited_by <> '')", name="names_its_credit_note"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; PC-3 is the third."""
    check_id: int = row_of("provider_invoice_check.id")
    difference: str = Field(sa_type=Text)
    """Key of the difference in its check, the same in later ones."""
    document: str = Field(sa_type=Text)
    """Number of the provider's invoice."""
    title: str = Field(sa_type=Text)
    clause: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    """In the contract's language."""
    currency: str = Field(sa_type=Currency)
    amount_minor: int = Field(sa_type=BigInteger)
    state: ContestState = Field(sa_type=text_of(ContestState, "state"))
    raised_at: datetime = Field(sa_type=UtcDateTime)
    raised_by_id: int = row_of("user_account.id")
    accepted_minor: int | None = Field(default=None, sa_type=BigInteger)
    answer: str = Field(default="", sa_type=Text)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by_id: int | None = maybe_row_of("user_account.id")
    credited_by: str = Field(default="", sa_type=Text)
    """Number of the provider's credit note."""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was withdrawn or resolved."""
    closed_by_id: int | None = maybe_row_of("user_account.id")

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"PC-{self.number}"

    @property
    def amount(self) -> Money:
        """What is contested, with tax where it is a difference of tax."""
        return Money(self.amount_minor, self.currency)
