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
    """Age of the debt in days, past its due date."""
    count: int = 1
    """How many ledger rows of the same amount and age this stands for."""


Meter = Decimal | tuple[MeteredAmount, ...] | Mapping[str, Decimal]
"""A count, amounts with the age of their debt, or quantities by role."""


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
    """By series: indices that change within the period, oldest first, in place of `indices`."""
    charged_this_year: Decimal = Decimal(0)
    """Subtotals of the calendar year's earlier invoices, for a yearly minimum commitment."""


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


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Tax of one category and rate on the sum of its lines, rounded once, half up."""

    category: TaxCategory
    rate: Decimal
    base: Decimal
    amount: Decimal
    reason: str | None = None


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

    @property
    def own_lines(self) -> tuple[ChargeLine, ...]:
        """The period's own lines, without differences of restated periods."""
        return tuple(line for line in self.lines if not line.restatement)

    @property
    def own_subtotal(self) -> Decimal:
        """Sum of the period's own lines."""
        restated = (line.amount for line in self.lines if line.restatement)
        return self.subtotal - sum(restated, Decimal(0))
