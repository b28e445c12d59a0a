"""Rules between the keys of charges, tiers and tax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

from governance.contract.charges import (
    BandedCharge,
    BandStep,
    Charge,
    ContingencyCharge,
    FlatPricing,
    GraduatedPricing,
    PercentageCharge,
    PerUnitCharge,
    PriceTier,
    RateTier,
    Tax,
    TaxCategory,
    VolumePricing,
)
from governance.contract.findings import Finding, Findings
from governance.contract.yaml_nodes import Path
from governance.values import plain


def check_span(charge: Charge, path: Path) -> Findings:
    """A charge starts no later than it ends; both days are charged."""
    if charge.from_ and charge.to and charge.from_ > charge.to:
        yield Finding((*path, "to"), "ends before it starts", f"{charge.from_} or later")


def check_bounds(charge: Charge, path: Path) -> Findings:
    """The minimum of a period doesn't exceed its maximum; equal bounds fix the amount."""
    if charge.minimum is not None and charge.maximum is not None:
        yield from _at_most(charge.minimum, charge.maximum, (*path, "minimum"), "the maximum")


def check_ramp(charge: Charge, path: Path) -> Findings:
    """A ramp replaces one amount or price, so only charges with a single one can have it."""
    flat = isinstance(charge, PerUnitCharge) and isinstance(charge.pricing, FlatPricing)
    if charge.ramp is not None and charge.type != "fixed" and not flat:
        yield Finding(
            (*path, "ramp"),
            "a ramp has no meaning here",
            "a ramp on a fixed charge, or on a per_unit charge with flat pricing",
        )


def check_charge_tax(charge: Charge, path: Path) -> Findings:
    """The charge's own tax, where it has one."""
    if charge.tax is not None:
        yield from check_tax(charge.tax, (*path, "tax"))


def check_tax(tax: Tax, path: Path) -> Findings:
    """Only `standard` has a rate, and it has one above zero; `exempt` says why."""
    if tax.category is TaxCategory.STANDARD and tax.rate == 0:
        missing = "rate" not in tax.model_fields_set
        yield Finding(
            (*path, "rate"),
            "the category standard needs a rate above 0",
            "a rate in % such as 19, or the category zero",
            "" if missing else None,
        )
    if tax.category is not TaxCategory.STANDARD and tax.rate > 0:
        yield Finding(
            (*path, "rate"),
            f"the category {tax.category} has no rate",
            "no rate, or the category standard",
        )
    if tax.category is TaxCategory.EXEMPT and tax.reason is None:
        yield Finding(
            (*path, "reason"),
            "the category exempt needs its reason",
            "the reason as the invoice must state it",
            "",
        )


def check_pricing_tiers(charge: Charge, path: Path) -> Findings:
    """The tiers of graduated and volume pricing."""
    if isinstance(charge, PerUnitCharge) and isinstance(
        charge.pricing, GraduatedPricing | VolumePricing
    ):
        yield from check_tiers(charge.pricing.tiers, (*path, "pricing", "tiers"))


def check_percentage(charge: Charge, path: Path) -> Findings:
    """A percentage has one rate or tiers of rates, never both and never none."""
    if not isinstance(charge, PercentageCharge):
        return
    if charge.rate is not None and charge.tiers:
        yield Finding((*path, "tiers"), "both rate and tiers are given", "one of the two", "")
    if charge.rate is None and not charge.tiers:
        yield Finding(path, "a percentage charge needs a rate", "either rate or tiers", "")
    yield from check_tiers(charge.tiers, (*path, "tiers"))


def check_transaction_bounds(charge: Charge, path: Path) -> Findings:
    """What a transaction costs at least doesn't exceed what it costs at most."""
    if not isinstance(charge, PercentageCharge):
        return
    least, most = charge.min_per_transaction, charge.max_per_transaction
    if least is not None and most is not None:
        here = (*path, "min_per_transaction")
        yield from _at_most(least, most, here, "max_per_transaction")


def check_tiers(tiers: Sequence[PriceTier | RateTier], path: Path) -> Findings:
    """Tiers run from zero without gap or overlap: bounds rise, and only the last is open."""
    for index, tier in enumerate(tiers):
        here = (*path, index, "up_to")
        last = index == len(tiers) - 1
        if last and tier.up_to is not None:
            yield Finding(here, "the last tier must be open-ended", "up_to: null")
        if not last and tier.up_to is None:
            yield Finding(here, "only the last tier is open-ended", "a number, the upper bound")
        before = tiers[index - 1].up_to if index else None
        if before is not None and tier.up_to is not None and tier.up_to <= before:
            yield Finding(
                here,
                "the tier overlaps the one before, which reaches to " + plain(before),
                f"a number above {plain(before)}",
            )


def check_age_bands(charge: Charge, path: Path) -> Findings:
    """Age bands rise, so that each age of a debt falls into exactly one."""
    if not isinstance(charge, ContingencyCharge):
        return
    for index, (before, band) in enumerate(pairwise(charge.age_bands), start=1):
        if band.over_days <= before.over_days:
            yield Finding(
                (*path, "age_bands", index, "over_days"),
                "the age band does not come after the one before",
                f"more than {before.over_days} days",
            )


def check_bands(charge: Charge, path: Path) -> Findings:
    """The bands of additional and reduced resource charges rise, beyond the deadband."""
    if isinstance(charge, BandedCharge):
        yield from _check_steps(charge.additional, charge, (*path, "additional"))
        yield from _check_steps(charge.reduced, charge, (*path, "reduced"))
        for index, step in enumerate(charge.reduced):
            if step.up_to_percent > 100:
                yield Finding(
                    (*path, "reduced", index, "up_to_percent"),
                    "a volume can't fall by more than 100 %",
                    "at most 100",
                )


def _check_steps(steps: Sequence[BandStep], charge: BandedCharge, path: Path) -> Findings:
    reached, name = charge.deadband_percent, "the deadband"
    for index, step in enumerate(steps):
        if step.up_to_percent <= reached:
            yield Finding(
                (*path, index, "up_to_percent"),
                f"the band does not reach beyond {name}",
                f"more than {plain(reached)} %",
            )
        reached, name = step.up_to_percent, "the band before"


def _at_most(least: Decimal, most: Decimal, path: Path, name: str) -> Findings:
    if least > most:
        yield Finding(path, f"above {name}", f"at most {plain(most)}")


CHARGE_CHECKS: tuple[Callable[[Charge, Path], Findings], ...] = (
    check_span,
    check_bounds,
    check_ramp,
    check_charge_tax,
    check_pricing_tiers,
    check_percentage,
    check_transaction_bounds,
    check_age_bands,
    check_bands,
)
