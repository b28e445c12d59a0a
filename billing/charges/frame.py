"""What every charge type is calculated from, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.charges.span import Span
from billing.charges.values import Step, Usage
from billing.indexation import PriceIndex
from governance.contract.charges import Charge
from governance.values import money_text, summed


@dataclass(frozen=True, slots=True)
class Frame:
    """Usage, days and prices of one charge in one period."""

    usage: Usage
    span: Span
    prices: PriceIndex
    after: tuple[Usage, ...] = ()
    """Of a late quantity: the usage that the charge's own line and earlier late lines price, after
    which this one fills tiers, free units and allowances. Empty for the charge's own line."""

    @property
    def is_late(self) -> bool:
        """Whether the usage is a late quantity of an earlier period."""
        return bool(self.after)

    @property
    def currency(self) -> str:
        """Currency of every amount."""
        return self.prices.currency

    def money(self, amount: Decimal) -> str:
        """An amount in a step's text."""
        return money_text(amount, self.currency)

    def ramped(self, charge: Charge, usual: Decimal) -> Decimal:
        """The price on the active days: the ramp's where it names a month, else the usual one.

        Where the period spans months with different prices, their mean by days.
        """
        months = self.span.active_months()
        prices = {ramp_value(charge, f"{month.start:%Y-%m}", usual) for month, _ in months}
        if len(prices) == 1:
            return prices.pop()
        weighted = summed(
            ramp_value(charge, f"{month.start:%Y-%m}", usual) * part.days for month, part in months
        )
        return weighted / self.span.active.days


@dataclass(frozen=True, slots=True)
class Calculation:
    """A charge before rounding: its amount is the sum of its steps."""

    quantity: Decimal
    unit: str
    steps: tuple[Step, ...]
    meter: str | None = None
    effective_minimum: Decimal | None = None
    """What the charge comes to at least, whatever the volume; unrounded."""
    late: str = ""
    """Label of the earlier period that the quantity is late from; empty for the charge's own."""

    @property
    def amount(self) -> Decimal:
        """Sum of the steps, unrounded."""
        return summed(step.amount for step in self.steps)


def ramp_value(charge: Charge, month: str, usual: Decimal) -> Decimal:
    """The ramp's value of that month, or the usual one."""
    return charge.ramp.get(month, usual) if charge.ramp else usual


def priced(quantity: Decimal, price: Decimal, text: str = "") -> Step:
    """The step quantity × price."""
    return Step(quantity, price, quantity * price, text)


def taken_back(step: Step, why: str) -> Step:
    """The step with its sign turned: what another line charges already."""
    return Step(step.quantity, -step.price, -step.amount, joined(step.text, why))


def joined(*texts: str) -> str:
    """The texts that are not empty, as one."""
    return "; ".join(text for text in texts if text)
