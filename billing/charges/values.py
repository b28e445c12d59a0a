"""Quantities that are charged, and charged lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from governance.contract.charges import TaxCategory
from governance.values import Period


@dataclass(frozen=True, slots=True)
class MeteredAmount:
    """One transaction of an amount meter."""

    amount: Decimal
    """Negative for a reversal."""
    age_days: int | None = None
    """Age of the debt in days, past its due date; of a reversal that at which the amount taken
    back was charged."""
    count: int = 1
    """How many ledger rows of the same amount and age this stands for."""
    recalled: bool = False
    """Whether no cash came in: what was open on a debt that the client took back unpaid."""
    placement_age_days: int | None = None
    """Age on the day on which the debt was handed to the provider, where `age_days` is another."""


Meter = Decimal | tuple[MeteredAmount, ...] | Mapping[str, Decimal]
"""A count, amounts with the age of their debt, or quantities by role."""


@dataclass(frozen=True, slots=True)
class LateQuantity:
    """What an earlier, sealed period would have been metered more, had its rows been there."""

    period: str
    """Label of that period."""
    quantity: Meter


@dataclass(frozen=True, slots=True)
class IndexValue:
    """What an index stands at from a day on."""

    since: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything that prices one period."""

    period: Period
    meters: Mapping[str, Meter] = field(default_factory=dict)
    service_credit: Decimal = Decimal(0)
    indices: Mapping[str, Decimal] = field(default_factory=dict)
    """By series: the index that applies to the whole period, `lag_months` already looked back."""
    index_changes: Mapping[str, tuple[IndexValue, ...]] = field(default_factory=dict)
    """By series: indices that change within the period, oldest first, in place of `indices`.

    What the method `prior` compounds: all values since the charge's first day."""
    charge_indices: Mapping[str, tuple[IndexValue, ...]] = field(default_factory=dict)
    """By charge id, the same for one charge alone: two charges may follow one series with
    different lags."""
    charged_this_year: Decimal = Decimal(0)
    """Subtotals of the calendar year's earlier invoices, for a yearly minimum commitment, without
    lines outside the base."""
    charged_before: Mapping[str, Decimal] = field(default_factory=dict)
    """By id of a volume rebate: what the charges that it is on came to in the earlier periods of
    its span, before any rebate; nothing where it is absent."""
    milestones: Mapping[str, date] = field(default_factory=dict)
    """By id of a milestone: the day on which the client accepted it."""
    mean_monthly_charges: Decimal | None = None
    """Mean of the last twelve months' charges, or of as many as there are, for a termination fee
    in months of charges."""
    late: Mapping[str, tuple[LateQuantity, ...]] = field(default_factory=dict)
    """By meter: late rows of earlier periods, priced on lines of their own."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of arithmetic that a person can check: quantity × price = amount."""

    quantity: Decimal
    price: Decimal
    amount: Decimal
    text: str = ""


@dataclass(frozen=True, slots=True)
class TaxTreatment:
    """Category and rate that a line is taxed under."""

    category: TaxCategory
    rate: Decimal
    reason: str | None = None
    code: str | None = None
    """The reason as a VATEX code, where the contract states one."""
    name: str | None = None
    """What the tax is called, such as Sales tax; None for VAT."""


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of the fee invoice, rounded once to the currency."""

    charge: str
    title: str
    clause: str
    quantity: Decimal
    unit: str
    """What the quantity counts: the meter's name, or "month", "FTE", "%"."""
    amount: Decimal
    steps: tuple[Step, ...]
    tax: TaxTreatment
    pass_through: bool = False
    meter: str | None = None
    restatement: str = ""
    """The restatement whose difference it charges, as it is cited (2026-03/1)."""
    late: str = ""
    """The earlier period whose late quantity it charges (2026-03)."""
    effective_minimum: Decimal | None = None
    """What a banded charge comes to at least, whatever the volume."""
    outside_base: bool = False
    """Whether it pays for leaving or taking over and not for the work: such a line counts for no
    credit base and no minimum commitment."""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Tax of one category and rate on the sum of its lines, rounded once, half up."""

    category: TaxCategory
    rate: Decimal
    base: Decimal
    amount: Decimal
    reason: str | None = None
    code: str | None = None
    name: str | None = None

    @property
    def treatment(self) -> TaxTreatment:
        """What its lines are taxed under."""
        return TaxTreatment(self.category, self.rate, self.reason, self.code, self.name)


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of a currency is worth in another."""

    currency: str
    """The other currency."""
    rate: Decimal
    on: date
    """The day that it was set for."""
    source: str
    """Who published it, or the evidence that it stands in."""


@dataclass(frozen=True, slots=True)
class TaxInCurrency:
    """The taxes once more, in the currency that they are declared in."""

    rate: ExchangeRate
    amounts: tuple[Decimal, ...]
    """By tax line, in their order: each rounded once, half up, to that currency."""

    @property
    def total(self) -> Decimal:
        """All taxes together."""
        return sum(self.amounts, Decimal(0))


@dataclass(frozen=True, slots=True)
class PricedPeriod:
    """The fee of one period; `plumbline price` answers this."""

    period: Period
    currency: str
    lines: tuple[ChargeLine, ...]
    subtotal: Decimal
    """Sum of the lines."""
    credit_base: Decimal
    """What percentage credits are taken from, as the contract's `base` says."""
    service_credit: Decimal
    taxes: tuple[TaxLine, ...]
    withholding: Decimal
    total: Decimal
    """subtotal − service_credit + taxes."""
    payable: Decimal
    """total − withholding."""
    tax_currency: TaxInCurrency | None = None
    """None where tax is declared in the currency of the invoice, or there is none."""
    delivered: tuple[ChargeLine, ...] = ()
    """Of a month that a later one's invoice charges: what it alone would be charged."""

    @property
    def own_lines(self) -> tuple[ChargeLine, ...]:
        """The period's own lines, without differences of restated periods."""
        return tuple(line for line in self.lines if not line.restatement)

    @property
    def own_subtotal(self) -> Decimal:
        """Sum of the period's own lines."""
        restated = (line.amount for line in self.lines if line.restatement)
        return self.subtotal - sum(restated, Decimal(0))
