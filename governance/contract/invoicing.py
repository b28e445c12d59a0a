"""How fees are invoiced, taxed, approved, paid and posted."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from governance.access_terms import Role
from governance.contract.base import (
    Accepts,
    Identifier,
    Name,
    NonNegative,
    Percent,
    Positive,
    Terms,
    Text,
    Titled,
    Whole,
)
from governance.contract.charges import Tax, TaxCategory
from governance.contract.engagement import Currency

Language = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2}$"),
    Accepts("a language that documents are translated into, such as en or de"),
]


def _year_of(value: Any) -> Any:
    return int(value) if str(value) in {"360", "365"} else value


class Withholding(Terms):
    """Tax withheld by the client: deducted from what is payable, never from the taxable amount."""

    rate: Percent
    """In %."""


class ApprovalLimit(Terms):
    """What a person of one role may approve; a role without a limit approves any amount."""

    role: Role
    """Who approves."""
    up_to: NonNegative
    """Largest amount payable, this amount included, in the contract's currency."""


class LatePayment(Terms):
    """What a client that pays late owes besides the invoice.

    Interest runs from the day after the due date and the days of grace to the day of payment:
    open amount × rate ÷ 100 × days ÷ `day_count`, rounded half up once.
    """

    rate_percent: NonNegative
    """In % a year; with `above` in percentage points on top of the index."""
    above: Text | None = None
    """Index series that the rate is on top of, such as a central bank's base rate."""
    flat: NonNegative = Decimal(0)
    """Lump sum for an invoice that is paid late, in the contract's currency."""
    grace_days: Annotated[Whole, Field(ge=0, le=365)] = 0
    """Days after the due date that cost nothing."""
    day_count: Annotated[Literal[365, 360], BeforeValidator(_year_of)] = 365
    """Days that a year has for interest."""


class Reminder(Terms):
    """One step of reminding a client that is late."""

    after_days: Annotated[Whole, Field(ge=1, le=365)]
    """Days after the due date on which the reminder is due."""
    fee: NonNegative = Decimal(0)
    """What it costs, in the contract's currency."""


class CostCentre(Titled):
    """A part of the client that bears a share of every invoice."""

    share_percent: Positive
    """Its share in %; all shares together are 100."""
    purchase_order: Text | None = None
    """Its own order number, in place of the invoice's."""


class Accounts(Terms):
    """Ledger accounts that the journal posts to; colons separate the levels of an account."""

    receivable: Name = "assets:receivable"
    """What the client owes."""
    revenue: Name = "revenue:fees"
    """Fees, where their charge has no account of its own."""
    by_charge: dict[Identifier, Name] = Field(default_factory=dict)
    """Accounts of single charges, by the charge's id."""
    service_credits: Name = "revenue:service credits"
    """Service credits given, which lower the revenue."""
    tax: Name = "liabilities:tax"
    """Tax that the client is charged."""
    withholding: Name = "assets:withholding tax"
    """Tax that the client withholds and pays for the provider."""
    bank: Name = "assets:bank"
    """Where payments come in."""
    overpayments: Name = "liabilities:overpayments"
    """What the client paid beyond its invoices."""
    write_offs: Name = "expenses:write-offs"
    """What is given up."""
    late_payment: Name = "revenue:late payment"
    """Interest, lump sums and fees of reminders."""
    accrued: Name = "assets:accrued revenue"
    """What is delivered and not yet billed, at the end of a month."""


class Invoicing(Terms):
    """How fees are invoiced, taxed, approved, paid and posted."""

    every: Literal["month", "quarter", "year"] = "month"
    """How often an invoice is issued."""
    due_days: Annotated[Whole, Field(ge=0, le=365)] = 30
    """Days from issue to the day the invoice is due."""
    purchase_order: Text | None = None
    """The client's order number, printed on each invoice."""
    number: Text = "{year}-{sequence:05}"
    """Pattern of invoice numbers; the fields are year, month and sequence."""
    tax: Tax = Tax(category=TaxCategory.OUTSIDE_SCOPE)
    """Tax of all charges that have none of their own."""
    withholding: Withholding | None = None
    """Tax that the client withholds from what is payable."""
    credit_note_number: Text = "CN-{year}-{sequence:05}"
    """Pattern of the numbers of credit notes; the fields are those of `number`."""
    language: Language = "en"
    """Language of invoices, credit notes, statements and reminders."""
    profile: Literal["en16931", "xrechnung", "peppol"] = "en16931"
    """Which rules the electronic invoice keeps: the European norm alone, or also those of German
    authorities or of the Peppol network."""
    buyer_reference: Text | None = None
    """What the client sorts invoices by, for German authorities their Leitweg-ID."""
    payment_terms: Text | None = None
    """Terms of payment in words, printed on each invoice."""
    tax_currency: Currency | None = None
    """Currency in which tax is declared, where it is another than the contract's: each tax is
    stated in it too, by the rate that the evidence `fx_rates` gives for the last day of the period,
    or of the last day before it within a week."""
    supplied_by: Literal["plumbline", "provider"] = "plumbline"
    """Whose system issues the invoices; the provider's own are checked against what is computed."""
    approval_limits: tuple[ApprovalLimit, ...] = ()
    """Up to which amount an invoice may be approved, by role."""
    late_payment: LatePayment | None = None
    """Interest and lump sum for late payment; none where it is left out."""
    reminders: tuple[Reminder, ...] = ()
    """When the client is reminded of an invoice that is due, earliest first."""
    cost_centres: tuple[CostCentre, ...] = ()
    """Who bears which share of an invoice at the client."""
    accounts: Accounts = Accounts()
    """Ledger accounts of the journal."""
