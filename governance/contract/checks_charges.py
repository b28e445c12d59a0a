"""Rules between the keys of charges, tiers and tax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

from governance.contract.charges import (
    COMMITMENT_ID,
    TRANSFER_ID,
    BandedCharge,
    BandStep,
    Charge,
    ContingencyCharge,
    EarlyTerminationCharge,
    FlatPricing,
    GraduatedPricing,
    MilestonesCharge,
    PercentageCharge,
    PerUnitCharge,
    PriceTier,
    RateTier,
    Tax,
    TaxCategory,
    TerminationStep,
    VolumePricing,
    VolumeRebateCharge,
)
from governance.contract.document import Contract
from governance.contract.findings import Finding, Findings
from governance.contract.messages import did_you_mean
from governance.contract.yaml_nodes import Path
from governance.values import plain

_BY_RULE = (VolumeRebateCharge, MilestonesCharge, EarlyTerminationCharge)
"""Types whose amounts follow from their own keys alone."""


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
    """Only `standard` has a rate, and it has one above zero; `exempt` says why, in words or by
    its code.
    """
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
    if tax.category is TaxCategory.EXEMPT and tax.reason is None and tax.code is None:
        yield Finding(
            (*path, "reason"),
            "the category exempt needs its reason",
            "the reason as the invoice must state it",
            "",
        )
    if tax.code is not None and tax.category in {TaxCategory.STANDARD, TaxCategory.ZERO}:
        yield Finding(
            (*path, "code"),
            f"the category {tax.category} has no reason to go without tax",
            "no code, or a category without tax",
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


def check_fixed_by_rule(charge: Charge, path: Path) -> Findings:
    """Rebates, milestones and termination fees follow from their own keys alone."""
    if not isinstance(charge, _BY_RULE):
        return
    keys = ["minimum", "maximum", "indexation"]
    if isinstance(charge, VolumeRebateCharge):
        keys.append("tax")
    for key in keys:
        if getattr(charge, key) is not None:
            reason = "are taxed like those they are on" if key == "tax" else f"have no {key}"
            what = f"charges of the type {charge.type} {reason}"
            yield Finding((*path, key), what, "the charge without it")


def check_rebate_tiers(charge: Charge, path: Path) -> Findings:
    """The bounds of rebate tiers rise, so that each amount reaches exactly one."""
    if not isinstance(charge, VolumeRebateCharge):
        return
    for index, (before, tier) in enumerate(pairwise(charge.tiers), start=1):
        if tier.over <= before.over:
            yield Finding(
                (*path, "tiers", index, "over"),
                "the tier does not come after the one before",
                f"more than {plain(before.over)}",
            )


def check_schedule(charge: Charge, path: Path) -> Findings:
    """The days of a termination schedule rise, and each step has one price."""
    if not isinstance(charge, EarlyTerminationCharge):
        return
    for index, step in enumerate(charge.schedule):
        here = (*path, "schedule", index)
        yield from _check_step_price(step, here)
        last = index == len(charge.schedule) - 1
        if step.until is None and not last:
            yield Finding((*here, "until"), "only the last step is open", "the step's last day")
        before = charge.schedule[index - 1].until if index else None
        if before is not None and step.until is not None and step.until <= before:
            yield Finding(
                (*here, "until"),
                "the step does not come after the one before",
                f"a day after {before}",
            )


def _check_step_price(step: TerminationStep, path: Path) -> Findings:
    if step.amount is None and step.months_of_charges is None:
        yield Finding(path, "the step has no price", "either amount or months_of_charges", "")
    if step.amount is not None and step.months_of_charges is not None:
        yield Finding(
            (*path, "months_of_charges"),
            "both amount and months_of_charges are given",
            "one of the two",
        )


def check_indexation(charge: Charge, path: Path) -> Findings:
    """What a cap cut off can be carried over where prices compound, and where there is a cap."""
    terms = charge.indexation
    if terms is None or not terms.carry_over:
        return
    here = (*path, "indexation", "carry_over")
    if terms.method != "prior":
        yield Finding(here, "only the method prior carries a rise over", "method: prior")
    if terms.cap_percent is None:
        yield Finding(here, "without a cap nothing is carried over", "cap_percent beside it")


def check_rebates(contract: Contract) -> Findings:
    """Rebates are given on charges for work, each named once: on no rebate or termination fee."""
    ids = [getattr(charge, "id", None) for charge in contract.charges]
    without = (VolumeRebateCharge, EarlyTerminationCharge)
    types = {one.id: one.type for one in contract.charges if isinstance(one, without)}
    others = [name for name in ids if name and name not in types]
    for index, charge in enumerate(contract.charges):
        if not isinstance(charge, VolumeRebateCharge):
            continue
        for position, name in enumerate(charge.of):
            here = ("charges", index, "of", position)
            if name in types:
                what = f"no rebate is given on charges of the type {types[name]}"
                yield Finding(here, what, ", ".join(others))
            elif name not in ids and None not in ids:
                slip = did_you_mean(name, others)
                yield Finding(here, f"unknown charge{slip}", ", ".join(others))
            elif name in charge.of[:position]:
                yield Finding(here, "the charge is listed twice", "each charge once")


def check_rebate_spans(contract: Contract) -> Findings:
    """A rebate's span is at least as long as what one invoice is for."""
    spans = ("month", "quarter", "year")
    every = contract.invoicing.every
    for index, charge in enumerate(contract.charges):
        if isinstance(charge, VolumeRebateCharge) and spans.index(charge.per) < spans.index(every):
            yield Finding(
                ("charges", index, "per"),
                f"shorter than the {every} that an invoice is for",
                " or ".join(spans[spans.index(every) :]),
            )


def check_milestone_ids(contract: Contract) -> Findings:
    """No two milestones that are paid for share an id.

    A milestone credit may name the same milestone: that is one deliverable with two consequences.
    """
    first: dict[str, str] = {}
    for index, charge in enumerate(contract.charges):
        if not isinstance(charge, MilestonesCharge):
            continue
        for position, milestone in enumerate(charge.milestones):
            here = f"charges[{index}].milestones[{position}]"
            earlier = first.setdefault(milestone.id, here)
            if earlier != here:
                yield Finding(
                    ("charges", index, "milestones", position, "id"),
                    f"the id is taken by {earlier} already",
                    "an id of its own",
                )


def check_termination(contract: Contract) -> Findings:
    """Ended early: on a day that is stated, and before the day that was agreed."""
    engagement = contract.engagement
    if engagement.termination is None:
        return
    if engagement.ends is None:
        yield Finding(
            ("engagement", "ends"),
            "an engagement that is ended early needs its actual last day",
            "a date as 2026-01-31",
            "",
        )
    elif engagement.termination.agreed_end <= engagement.ends:
        yield Finding(
            ("engagement", "termination", "agreed_end"),
            f"not after {engagement.ends}, on which the engagement ends",
            "the day on which it would have ended",
        )


def check_reserved_ids(contract: Contract) -> Findings:
    """No charge has the id of a line that the engagement itself brings."""
    taken = {
        TRANSFER_ID: contract.engagement.transfer is not None,
        COMMITMENT_ID: contract.minimum_commitment is not None,
    }
    for index, charge in enumerate(contract.charges):
        if taken.get(getattr(charge, "id", "")):
            what = (
                f"the id is that of the contract's own line for the {charge.id.replace('_', ' ')}"
            )
            yield Finding(("charges", index, "id"), what, "an id of its own")


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
    check_fixed_by_rule,
    check_rebate_tiers,
    check_schedule,
    check_indexation,
)

CONTRACT_CHARGE_CHECKS: tuple[Callable[[Contract], Findings], ...] = (
    check_rebates,
    check_rebate_spans,
    check_milestone_ids,
    check_termination,
    check_reserved_ids,
)
