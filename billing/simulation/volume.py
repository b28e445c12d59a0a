"""How the invoice follows the volume: every metered quantity changed alike, all else equal.

Counts are rounded half up to whole ones where they were whole. Of amounts each transaction
grows or shrinks and their number stays; people (FTE) change in fractions. Each month is priced
with its own quantities, so the mean of the months is that of their invoices, not the invoice of
a mean month: tiers and bands make a difference between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from billing.charges.calculation import price
from billing.charges.values import Meter
from billing.settlement.earlier import charged_by
from billing.settlement.metered import as_metered
from billing.settlement.values import Settlement
from billing.simulation.crediting import Crediting
from billing.simulation.values import VolumeStep
from governance.values import EXACT, round_half_up, round_money

STEPS = tuple(range(-20, 21, 5))
"""Percent by which the volume is changed."""
_HUNDRED = Decimal(100)


def volume_steps(settled: Settlement, crediting: Crediting) -> tuple[VolumeStep, ...]:
    """One month's invoice at every step, with the service credit that its charges lead to."""
    return tuple(_step(settled, crediting, percent) for percent in STEPS)


def mean_steps(months: Sequence[tuple[VolumeStep, ...]], currency: str) -> tuple[VolumeStep, ...]:
    """The mean of several months, each figure rounded half up to the currency by itself."""
    return tuple(_mean(steps, currency) for steps in zip(*months, strict=True))


def scaled(meter: Meter, percent: int) -> Meter:
    """A metered quantity changed by so many percent."""
    factor = (_HUNDRED + percent) / _HUNDRED
    with localcontext(EXACT):
        if isinstance(meter, Decimal):
            return _count(meter, factor)
        if isinstance(meter, Mapping):
            return {role: quantity * factor for role, quantity in meter.items()}
        return tuple(replace(one, amount=one.amount * factor) for one in meter)


def _count(quantity: Decimal, factor: Decimal) -> Decimal:
    changed = quantity * factor
    return round_half_up(changed, 0) if quantity == quantity.to_integral_value() else changed


def _step(settled: Settlement, crediting: Crediting, percent: int) -> VolumeStep:
    contract = as_metered(settled.contract)
    meters = {name: scaled(meter, percent) for name, meter in settled.usage.meters.items()}
    usage = replace(settled.usage, meters=meters)
    before = price(contract, usage)
    credit = _credit(settled, crediting, before.credit_base)
    priced = price(contract, replace(usage, service_credit=credit))
    charges = charged_by(priced.own_lines)
    return VolumeStep(percent, charges, priced.own_subtotal, priced.service_credit, priced.total)


def _credit(settled: Settlement, crediting: Crediting, base: Decimal) -> Decimal:
    """What comes off, with what the changed base of the month's own credit adds to it.

    Where an invoice charges a quarter or a year, the month's base changes as the whole does.
    """
    usual = settled.priced.credit_base
    whole = price(as_metered(settled.contract), settled.usage).credit_base
    with localcontext(EXACT):
        changed = crediting.on(usual * base / whole if whole else usual)
    own = settled.credits.net if settled.credits else Decimal(0)
    return settled.priced.service_credit + (changed.net - own if changed else Decimal(0))


def _mean(steps: tuple[VolumeStep, ...], currency: str) -> VolumeStep:
    mean = _Mean(len(steps), currency)
    charges = dict.fromkeys(name for one in steps for name in one.charges)
    return VolumeStep(
        steps[0].percent,
        {name: mean.of(one.charges.get(name, Decimal(0)) for one in steps) for name in charges},
        mean.of(one.subtotal for one in steps),
        mean.of(one.credit for one in steps),
        mean.of(one.total for one in steps),
    )


@dataclass(frozen=True, slots=True)
class _Mean:
    months: int
    currency: str

    def of(self, amounts: Iterable[Decimal]) -> Decimal:
        with localcontext(EXACT):
            return round_money(sum(amounts, Decimal(0)) / self.months, self.currency)
