"""Lint rules on what is paid at least, against what the charges allow."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from governance.contract.charges import (
    Charge,
    FixedCharge,
    GraduatedPricing,
    PerUnitCharge,
    VolumeRebateCharge,
)
from governance.contract.lint_values import Concern, Concerns, Reading, Rule, charge_concern
from governance.values import plain

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NOTHING = Decimal(0)


def most_a_month(reading: Reading, charge: Charge) -> Decimal | None:
    """The most that a charge bills a month on average; None where it has no limit."""
    if isinstance(charge, VolumeRebateCharge):
        return _NOTHING
    limits = []
    if charge.maximum is not None:
        limits.append(charge.maximum / _MONTHS[reading.contract.invoicing.every])
    if isinstance(charge, FixedCharge) and charge.indexation is None:
        limits.append(_fee_a_month(charge, max))
    return min(limits, default=None)


def least_a_month(reading: Reading, charge: Charge) -> Decimal:
    """What a charge bills in every month of the engagement at the least, on average."""
    terms = reading.contract.engagement
    whole = reading.starts_of(charge) <= terms.starts and reading.ends_of(charge) == terms.ends
    if not whole or charge.prorate == "none":
        return _NOTHING
    least = (charge.minimum or _NOTHING) / _MONTHS[reading.contract.invoicing.every]
    if isinstance(charge, FixedCharge) and charge.indexation is None:
        least = max(least, _fee_a_month(charge, min))
    return least


def _fee_a_month(charge: FixedCharge, choose: Callable[..., Decimal]) -> Decimal:
    if charge.per == "once":
        return _NOTHING
    amount: Decimal = choose((charge.amount, *(charge.ramp or {}).values()))
    return amount / _MONTHS[charge.per]


def commitment_above_the_maximum(reading: Reading) -> Concerns:
    """Where the charges can't reach the commitment, every invoice has a true-up: the commitment
    is the fee.
    """
    contract = reading.contract
    terms = contract.minimum_commitment
    if terms is None:
        return
    parts = [most_a_month(reading, charge) for charge in contract.charges]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return
    most = sum(known, _NOTHING) * _MONTHS[terms.per]
    if most < terms.amount:
        yield Concern(
            ("minimum_commitment", "amount"),
            f"the commitment of {reading.money(terms.amount)} a {terms.per} is above the"
            f" {reading.money(most)} that all charges allow, so it is always trued up",
            "lower the commitment, or raise the maxima",
        )


def commitment_never_binds(reading: Reading) -> Concerns:
    """Where fixed fees and minima alone reach the commitment, it protects nobody."""
    contract = reading.contract
    terms = contract.minimum_commitment
    if terms is None or any(isinstance(each, VolumeRebateCharge) for each in contract.charges):
        return
    parts = (least_a_month(reading, charge) for charge in contract.charges)
    least = sum(parts, _NOTHING) * _MONTHS[terms.per]
    if least >= terms.amount:
        yield Concern(
            ("minimum_commitment", "amount"),
            f"the commitment of {reading.money(terms.amount)} a {terms.per} never binds: fixed"
            f" fees and minima alone come to {reading.money(least)}",
            "raise the commitment to what is meant, or leave it out",
        )


def tier_is_beyond_the_maximum(reading: Reading) -> Concerns:
    """Once the maximum of a period is reached, the prices of larger quantities never count."""
    for path, charge in reading.charges_of(PerUnitCharge):
        if not isinstance(charge.pricing, GraduatedPricing) or charge.maximum is None:
            continue
        cost, lower = _NOTHING, _NOTHING
        for index, tier in enumerate(charge.pricing.tiers[:-1]):
            upper = tier.up_to or _NOTHING
            cost += (upper - lower) * tier.price + tier.flat
            lower = upper
            if cost >= charge.maximum:
                yield charge_concern(
                    charge,
                    (*path, "pricing", "tiers", index + 1),
                    f"{plain(upper + charge.pricing.free_units)} units cost {reading.money(cost)},"
                    f" so the maximum of {reading.money(charge.maximum)} is reached before this"
                    " tier",
                    "raise the maximum, or leave the tier out",
                )
                break


def rebate_is_never_reached(reading: Reading) -> Concerns:
    """A bound above everything that the charges can bill is a rebate on paper."""
    by_id = {charge.id: charge for charge in reading.contract.charges}
    for path, charge in reading.charges():
        if not isinstance(charge, VolumeRebateCharge):
            continue
        parts = [most_a_month(reading, by_id[name]) for name in charge.of if name in by_id]
        known = [part for part in parts if part is not None]
        if len(known) < len(charge.of):
            continue
        most = sum(known, _NOTHING) * _MONTHS[charge.per]
        for index, tier in enumerate(charge.tiers):
            if tier.over >= most:
                yield charge_concern(
                    charge,
                    (*path, "tiers", index, "over"),
                    f"its rebate over {reading.money(tier.over)} is never reached: the charges come"
                    f" to {reading.money(most)} a {charge.per} at most",
                    "lower the bound, or leave the tier out",
                )
                break


RULES: tuple[Rule, ...] = (
    commitment_above_the_maximum,
    commitment_never_binds,
    tier_is_beyond_the_maximum,
    rebate_is_never_reached,
)
