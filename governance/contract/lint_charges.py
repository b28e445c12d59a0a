"""Lint rules on charges: days, ramps, limits, meters and indexation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from governance.contract.charges import (
    BandedCharge,
    Charge,
    ContingencyCharge,
    FixedCharge,
    FlatPricing,
    GainShareCharge,
    MilestonesCharge,
    PackagePricing,
    PassThroughCharge,
    PercentageCharge,
    PerFteCharge,
    PerUnitCharge,
)
from governance.contract.lint_values import (
    Concern,
    Concerns,
    Reading,
    Rule,
    Weight,
    charge_concern,
    listed,
)
from governance.contract.messages import nearest
from governance.contract.yaml_nodes import Path
from governance.values import plain

_LIKE = 0.8
"""How alike a meter must be to a known one to be taken for a slip."""
_STEP = {"month": 1, "quarter": 3, "year": 12}


def charge_never_runs(reading: Reading) -> Concerns:
    """A charge whose days all lie outside the engagement is never billed."""
    terms = reading.contract.engagement
    for path, charge in reading.charges():
        if terms.ends is not None and charge.from_ is not None and charge.from_ > terms.ends:
            what = f"it starts on {charge.from_}, after the engagement ends on {terms.ends}"
            yield charge_concern(charge, (*path, "from"), what, "correct the day, or the term")
        elif charge.to is not None and charge.to < terms.starts:
            what = f"it ends on {charge.to}, before the engagement starts on {terms.starts}"
            yield charge_concern(charge, (*path, "to"), what, "correct the day, or the term")


def charge_is_cut_by_the_term(reading: Reading) -> Concerns:
    """Days outside the engagement are never billed, even where a charge names them."""
    terms = reading.contract.engagement
    for path, charge in reading.charges():
        first, last = charge.from_, charge.to
        if first is not None and first < terms.starts <= (last or terms.starts):
            what = f"it starts on {first}, before the engagement does on {terms.starts}"
            yield charge_concern(
                charge, (*path, "from"), what, "start the engagement earlier, or the charge later"
            )
        if last is not None and terms.ends is not None and (first or last) <= terms.ends < last:
            what = f"it ends on {last}, after the engagement does on {terms.ends}"
            yield charge_concern(
                charge, (*path, "to"), what, "end the engagement later, or the charge earlier"
            )


def ramp_month_is_never_billed(reading: Reading) -> Concerns:
    """A ramp's month in which nothing is billed has no effect: another price is charged instead."""
    for path, charge in reading.charges():
        unused = [month for month in charge.ramp or {} if not _bills_in(reading, charge, month)]
        if unused:
            yield charge_concern(
                charge,
                (*path, "ramp", unused[0]),
                f"its ramp names {listed(unused)}, in which it isn't billed",
                "name months in which the charge is billed",
            )


def _bills_in(reading: Reading, charge: Charge, month: str) -> bool:
    first, last = reading.starts_of(charge), reading.ends_of(charge)
    starts_then = month == f"{first:%Y-%m}"
    if month < f"{first:%Y-%m}" or (last is not None and month > f"{last:%Y-%m}"):
        return False
    if not isinstance(charge, FixedCharge) or starts_then:
        return True
    if charge.per == "once":
        return False
    return (int(month[5:]) - 1) % _STEP[charge.per] == 0


def charge_bills_nothing(reading: Reading) -> Concerns:
    """A charge of nothing is a price that was never filled in."""
    for path, charge in reading.charges():
        if charge.maximum == 0:
            yield charge_concern(
                charge, (*path, "maximum"), "its maximum is 0, so it bills nothing", "correct it"
            )
        elif _is_free(charge) and not charge.minimum and not any((charge.ramp or {}).values()):
            yield charge_concern(
                charge,
                path,
                "all its prices are 0, so it bills nothing",
                "fill in the price, or leave the charge out",
            )


def _is_free(charge: Charge) -> bool:
    prices = _PRICES.get(type(charge))
    return prices is not None and not any(prices(charge))


def _unit_prices(charge: PerUnitCharge) -> Iterable[Decimal]:
    pricing = charge.pricing
    if isinstance(pricing, FlatPricing | PackagePricing):
        return [pricing.price]
    return [price for tier in pricing.tiers for price in (tier.price, tier.flat)]


def _rates(charge: PercentageCharge) -> Iterable[Decimal | None]:
    tiers = [price for tier in charge.tiers for price in (tier.rate, tier.flat)]
    return [*tiers, charge.rate, charge.fixed_per_transaction, charge.min_per_transaction]


_PRICES: Mapping[type, Callable[[Any], Iterable[Decimal | None]]] = {
    FixedCharge: lambda charge: [charge.amount],
    PerUnitCharge: _unit_prices,
    PercentageCharge: _rates,
    ContingencyCharge: lambda each: [*(band.rate for band in each.age_bands), each.recall_rate],
    PerFteCharge: lambda charge: charge.roles.values(),
    BandedCharge: lambda each: [each.amount, *(step.price for step in each.additional)],
    GainShareCharge: lambda charge: [charge.share_percent],
    MilestonesCharge: lambda charge: [each.amount for each in charge.milestones],
}
"""Every amount, price and rate of a type; of those that are missing none says anything."""


def limit_of_a_fixed_fee(reading: Reading) -> Concerns:
    """A fixed fee never moves, so a limit either never binds or is the real fee."""
    for path, charge in reading.charges_of(FixedCharge):
        if charge.indexation or charge.ramp or charge.per != reading.contract.invoicing.every:
            continue
        if charge.minimum is not None:
            binds = charge.minimum > charge.amount
            what = "always lifts" if binds else "never binds on"
            yield charge_concern(
                charge,
                (*path, "minimum"),
                f"its minimum of {reading.money(charge.minimum)} {what} the fee of"
                f" {reading.money(charge.amount)}",
                "state the fee that is meant, without a minimum",
            )
        if charge.maximum is not None and charge.maximum > 0:
            binds = charge.maximum < charge.amount
            what = "always holds down" if binds else "never binds on"
            yield charge_concern(
                charge,
                (*path, "maximum"),
                f"its maximum of {reading.money(charge.maximum)} {what} the fee of"
                f" {reading.money(charge.amount)}",
                "state the fee that is meant, without a maximum",
            )


def limits_leave_no_room(reading: Reading) -> Concerns:
    """Where minimum and maximum are equal, what is counted never matters."""
    for path, charge in reading.charges():
        if charge.minimum is not None and charge.minimum == charge.maximum:
            yield charge_concern(
                charge,
                (*path, "minimum"),
                f"minimum and maximum are both {reading.money(charge.minimum)}, so what is counted"
                " never matters",
                "use a fixed charge, if that is meant",
                Weight.NOTE,
            )


def started_month_is_charged_whole(reading: Reading) -> Concerns:
    """Without proration a charge from the 20th costs as much as one from the 1st."""
    for path, charge in reading.charges():
        first, last = reading.starts_of(charge), reading.ends_of(charge)
        within = first.day > 1 or (last is not None and not _ends_month(last))
        once = isinstance(charge, FixedCharge) and charge.per == "once"
        if charge.prorate == "none" and within and not once:
            day = f"starts on {first}" if first.day > 1 else f"ends on {last}"
            yield charge_concern(
                charge,
                (*path, "prorate"),
                f"it {day} and isn't prorated, so that month is charged whole",
                "choose prorate: days, unless a whole month is meant",
                Weight.NOTE,
            )


def _ends_month(day: date) -> bool:
    return day.day >= 28 and date.fromordinal(day.toordinal() + 1).day == 1


def charged_twice(reading: Reading) -> Concerns:
    """Two charges of one kind on the same quantity bill every unit twice while both run."""
    groups: dict[tuple[str, str], list[tuple[Path, Charge]]] = {}
    for path, charge in reading.charges():
        kind = _KINDS.get(charge.type)
        if kind:
            groups.setdefault((kind, _meter(charge)), []).append((path, charge))
    for group in groups.values():
        yield from _overlaps(reading, group)


_KINDS = {
    "per_unit": "units",
    "percentage": "amounts",
    "contingency": "amounts",
    "gain_share": "gain",
    "banded": "volume",
}
"""What each type of charge bills of its meter."""


def _meter(charge: Charge) -> str:
    return str(getattr(charge, "meter", ""))


def _overlaps(reading: Reading, group: Sequence[tuple[Path, Charge]]) -> Concerns:
    """Each charge that starts while an earlier one of the group still runs."""
    longest: Charge | None = None
    for path, charge in sorted(group, key=lambda each: reading.starts_of(each[1])):
        ends = reading.ends_of(longest) if longest else date.min
        if longest is not None and (ends is None or reading.starts_of(charge) <= ends):
            yield charge_concern(
                charge,
                (*path, "meter"),
                f"it bills {_meter(charge)}, which {longest.id} bills too, in the same months",
                "nothing, if both prices are meant; else tell them apart by from and to",
                Weight.NOTE,
            )
        if longest is None or (reading.ends_of(charge) or date.max) > (ends or date.max):
            longest = charge


def meter_is_a_slip(reading: Reading) -> Concerns:
    """A meter that nothing counts stops the settlement; one letter is enough."""
    for path, charge in reading.charges():
        meter = getattr(charge, "meter", None)
        if meter is None or not reading.meters or meter in reading.meters:
            continue
        near = nearest(meter, reading.meters, cutoff=_LIKE)
        if near:
            yield charge_concern(
                charge,
                (*path, "meter"),
                f"the meter {meter} is counted nowhere, but {near} is",
                f"write {near}, if that is meant",
            )


def index_has_no_cap(reading: Reading) -> Concerns:
    """Without a cap a year of high inflation moves the price as far as it goes."""
    for path, charge in reading.charges():
        terms = charge.indexation
        if terms is not None and terms.cap_percent is None and terms.share_percent:
            yield charge_concern(
                charge,
                (*path, "indexation"),
                f"its price follows {terms.series} without a cap",
                "agree on cap_percent",
            )


def index_has_no_effect(reading: Reading) -> Concerns:
    """Terms that cancel each other leave the price as it is, or never let it rise."""
    for path, charge in reading.charges():
        terms = charge.indexation
        if terms is None:
            continue
        here = (*path, "indexation")
        if terms.share_percent == 0:
            yield charge_concern(
                charge,
                (*here, "share_percent"),
                f"its price follows 0 % of {terms.series}, so it never moves",
                "state the share, or leave indexation out",
            )
        elif terms.cap_percent == 0 and not terms.carry_over:
            yield charge_concern(
                charge,
                (*here, "cap_percent"),
                "its price may rise by 0 %, so it can only fall",
                "state the rise that is allowed, or leave indexation out",
            )


def index_moves_no_price(reading: Reading) -> Concerns:
    """Rates in % follow the amounts by themselves; a period with such an index can't be priced."""
    without = ContingencyCharge | PassThroughCharge | GainShareCharge
    for path, charge in reading.charges():
        if charge.indexation is not None and isinstance(charge, without):
            yield charge_concern(
                charge,
                (*path, "indexation"),
                f"a {charge.type} charge has no price that an index could move",
                "leave indexation out; no period can be priced with it",
            )


def index_bases_differ(reading: Reading) -> Concerns:
    """Charges that follow one index from one day start from the same value of it."""
    first: dict[tuple[str, date], tuple[str, Decimal]] = {}
    for path, charge in reading.charges():
        terms = charge.indexation
        if terms is None:
            continue
        key = (terms.series, reading.starts_of(charge))
        other, base = first.setdefault(key, (charge.id, terms.base))
        if base != terms.base:
            yield charge_concern(
                charge,
                (*path, "indexation", "base"),
                f"its base of {terms.series} is {plain(terms.base)}, that of {other} {plain(base)}",
                "check both against the published index",
                Weight.NOTE,
            )


def milestone_is_due_after_the_end(reading: Reading) -> Concerns:
    """A milestone that is accepted after the last day of its charge is never billed."""
    for path, charge in reading.charges_of(MilestonesCharge):
        ends = reading.ends_of(charge)
        for index, milestone in enumerate(charge.milestones):
            if ends is not None and milestone.due > ends:
                yield charge_concern(
                    charge,
                    (*path, "milestones", index, "due"),
                    f"milestone {milestone.id} is due on {milestone.due}, after the charge's last"
                    f" day {ends}",
                    "correct the day, or end later",
                )


def nothing_is_charged(reading: Reading) -> Concerns:
    """Service levels of a contract without charges have no fee that a credit could come off."""
    contract = reading.contract
    if not contract.charges and contract.service_credits is not None:
        yield Concern(
            ("service_credits",),
            "nothing is charged, so there is no invoice that a credit could come off",
            "add the charges",
        )


RULES: tuple[Rule, ...] = (
    charge_never_runs,
    charge_is_cut_by_the_term,
    ramp_month_is_never_billed,
    charge_bills_nothing,
    limit_of_a_fixed_fee,
    limits_leave_no_room,
    started_month_is_charged_whole,
    charged_twice,
    meter_is_a_slip,
    index_has_no_cap,
    index_has_no_effect,
    index_moves_no_price,
    index_bases_differ,
    milestone_is_due_after_the_end,
    nothing_is_charged,
)
