"""Lint rules on what is promised: targets, learning periods, ramps, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from governance.contract.kpi_signature import Direction
from governance.contract.lint_values import (
    Concern,
    Concerns,
    Reading,
    Rule,
    Weight,
    level_concern,
    listed,
    months_from,
)
from governance.contract.service_credits import (
    AtRiskPool,
    BonusMalusTerms,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServiceCreditTerms,
    ServicePoints,
    Tiers,
)
from governance.contract.service_levels import ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.values import plain, round_half_up

HIGH_SHARE = Decimal(50)
"""A percentage of which less is better is rarely promised above this."""
LOW_SHARE = Decimal(10)
"""A percentage of which more is better is rarely promised below this."""

_USED: Mapping[type, tuple[str, ...]] = {
    AtRiskPool: ("category", "allocation"),
    ServicePoints: ("points",),
    Tiers: ("tiers",),
    LinearCredit: ("linear", "max_percent"),
    PerEvent: ("amount",),
    Interpolated: ("max_percent",),
    BonusMalusTerms: ("bonus_malus",),
}
"""Keys of a service level that each method reads."""
_CONSEQUENCES = tuple(dict.fromkeys(key for keys in _USED.values() for key in keys))


def has_consequence(level: ServiceLevel, terms: ServiceCreditTerms) -> bool:
    """Whether the method gives a credit, or a bonus, for the service level."""
    match terms:
        case AtRiskPool():
            return level.category in terms.categories and level.allocation is not None
        case LinearCredit():
            return level.linear is not None
        case PerEvent():
            return level.amount is not None or terms.amount is not None
        case Interpolated():
            return level.max_percent is not None or terms.max_percent is not None
        case _:
            return bool(getattr(level, _USED[type(terms)][0]))


def nothing_follows_from_any_level(reading: Reading) -> Concerns:
    """Promises without any credit rely on good will and on damages that a court must find."""
    contract = reading.contract
    if contract.service_levels and contract.service_credits is None:
        yield Concern(
            ("service_levels",),
            "service levels are promised, and no service credit follows from missing one",
            "agree on service_credits, or say in the contract that they are for information",
        )


def level_without_consequence(reading: Reading) -> Concerns:
    """A service level that costs nothing when missed is a wish, not a promise."""
    terms = reading.contract.service_credits
    if terms is None:
        return
    for path, level in reading.levels():
        persists = any(
            not each.service_levels or level.id in each.service_levels
            for each in terms.persistent_failure
        )
        if not has_consequence(level, terms) and not persists:
            needs = listed(list(_USED[type(terms)][:2]))
            yield level_concern(
                level,
                path,
                "nothing follows from missing it",
                f"give it {needs}, as the method {terms.method} needs",
            )


def consequence_without_use(reading: Reading) -> Concerns:
    """Terms of another method are never applied; whoever reads them believes otherwise."""
    terms = reading.contract.service_credits
    used = _USED[type(terms)] if terms is not None else ()
    method = f"the method {terms.method} doesn't use" if terms else "no service credits use"
    for path, level in reading.levels():
        unused = [key for key in _CONSEQUENCES if key not in used and getattr(level, key)]
        if unused:
            yield level_concern(
                level,
                (*path, unused[0]),
                f"{method} its {listed(unused)}",
                "leave them out, or choose the method that uses them",
            )


def direction_contradicts_target(reading: Reading) -> Concerns:
    """95 % promised of a share that should be low is met by the worst of months."""
    for path, level in reading.levels():
        direction, unit = reading.direction(level), reading.unit(level)
        if unit != "%" or direction is None:
            continue
        lower = direction is Direction.LOWER_IS_BETTER
        if (level.expected > HIGH_SHARE) if lower else (level.expected < LOW_SHARE):
            side, met = ("lower", "or less") if lower else ("higher", "or more")
            yield level_concern(
                level,
                (*path, "expected"),
                f"of {level.kpi} {side} is better, so {plain(level.expected)} % {met} is met",
                "check the target, the KPI and its direction",
            )


def promise_is_out_of_reach(reading: Reading) -> Concerns:
    """No percentage of work done is better than 100 %, so a promise above it is always missed."""
    for path, level in reading.levels():
        direction, unit = reading.direction(level), reading.unit(level)
        higher = direction is Direction.HIGHER_IS_BETTER and level.expected > 100
        lower = direction is Direction.LOWER_IS_BETTER and level.expected < 0
        if unit == "%" and (higher or lower):
            yield level_concern(
                level,
                (*path, "expected"),
                f"no result can be as good as {plain(level.expected)} %",
                "choose a target between 0 and 100",
            )


def bound_between_steps(reading: Reading) -> Concerns:
    """Values are rounded before they are compared, so a finer bound acts as the next step."""
    for path, level in reading.levels():
        if level.round_to is None:
            continue
        for here, bound in _bounds(level, path):
            if bound != round_half_up(bound, level.round_to):
                decimals = "1 decimal" if level.round_to == 1 else f"{level.round_to} decimals"
                yield level_concern(
                    level,
                    here,
                    f"the bound {plain(bound)} is finer than the values, which are rounded to"
                    f" {decimals}",
                    "give the bound as many decimals as round_to has, or raise round_to",
                )


def _bounds(level: ServiceLevel, path: Path) -> Iterator[tuple[Path, Decimal]]:
    yield (*path, "expected"), level.expected
    if level.minimum is not None:
        yield (*path, "minimum"), level.minimum
    for index, band in enumerate(level.points):
        if band.from_ is not None:
            yield (*path, "points", index, "from"), band.from_
    for month, target in (level.ramp or {}).items():
        yield (*path, "ramp", month, "expected"), target.expected


def never_in_force(reading: Reading) -> Concerns:
    """A period counts when the service level is in force on all its days; with none such the
    promise never has a consequence.
    """
    terms = reading.contract.engagement
    for path, level in reading.levels():
        first = _first_whole_month(max(level.starts or terms.starts, terms.starts))
        last = _earliest(level.ends, terms.ends)
        if last is not None and first > last:
            key = "starts" if level.starts else "ends"
            yield level_concern(
                level,
                (*path, key),
                "no whole month lies between its start and its end, so nothing ever follows",
                "let it start earlier, or end later",
            )


def learning_takes_over_half(reading: Reading) -> Concerns:
    """A learning period is for finding one's feet; over half the term it is the contract."""
    terms = reading.contract.engagement
    for path, level in reading.levels():
        last = _earliest(level.ends, terms.ends)
        if level.starts is None or last is None or not terms.starts < level.starts <= last:
            continue
        learning = months_from(terms.starts, level.starts) - 1
        whole = months_from(terms.starts, last)
        if learning * 2 > whole:
            yield level_concern(
                level,
                (*path, "starts"),
                f"nothing follows from it for {learning} of {whole} months",
                f"shorten the learning period to {whole // 4 or 1} months or so",
            )


def _first_whole_month(day: date) -> date:
    """Last day of the first month that begins on the day or later."""
    start = day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _earliest(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def ramp_in_learning_period(reading: Reading) -> Concerns:
    """A target of a month from which nothing follows looks stricter than it is."""
    for path, level in reading.levels():
        if level.starts is None:
            continue
        before = [month for month in level.ramp or {} if month < f"{level.starts:%Y-%m}"]
        if before:
            yield level_concern(
                level,
                (*path, "ramp", before[0]),
                f"the ramp's targets of {listed(before)} lie before its start on {level.starts},"
                " so nothing follows from them",
                "let it start earlier, or leave these months out",
            )


def ramp_falls_back(reading: Reading) -> Concerns:
    """A ramp leads up to the promise; where it falls back, two months are mostly swapped."""
    for path, level in reading.levels():
        direction = reading.direction(level)
        if not level.ramp or direction is None:
            continue
        sign = 1 if direction is Direction.HIGHER_IS_BETTER else -1
        months = sorted(level.ramp)
        targets = [level.ramp[month].expected for month in months] + [level.expected]
        for month, (before, after) in zip(months, pairwise(targets), strict=True):
            if (after - before) * sign < 0:
                yield level_concern(
                    level,
                    (*path, "ramp", month, "expected"),
                    f"the target of {month}, {plain(before)}, is stricter than {plain(after)},"
                    " which comes after it",
                    "check the months and their targets",
                )


def measured_twice(reading: Reading) -> Concerns:
    """Two service levels that measure the same punish one miss twice."""
    seen: dict[tuple[object, ...], ServiceLevel] = {}
    for path, level in reading.levels():
        what = (level.kpi, tuple(sorted(map(str, level.parameters.items()))), level.window)
        first = seen.setdefault(what, level)
        apart = first.ends is not None and (level.starts or date.min) > first.ends
        if first is not level and not apart:
            yield level_concern(
                level,
                (*path, "kpi"),
                f"it measures the same as {first.id}, so one miss counts twice",
                "leave one of them out, or tell them apart by parameters or window",
            )


def ratchet_never_turns(reading: Reading) -> Concerns:
    """A promise rises on anniversaries of the start; a term of a year or less has none."""
    terms = reading.contract.engagement
    short = terms.ends is not None and months_from(terms.starts, terms.ends) <= 12
    for path, level in reading.levels():
        if level.ratchet is None:
            continue
        if level.ratchet.percent == 0:
            what, advice = "its ratchet of 0 % never raises the promise", "state a percentage"
        elif short:
            what = "its ratchet turns on anniversaries, and the term has none"
            advice = "leave the ratchet out, or agree on a longer term"
        else:
            continue
        yield level_concern(level, (*path, "ratchet"), what, advice)


def ratchet_without_limit(reading: Reading) -> Concerns:
    """Without a limit one very good year sets a promise that no usual year can keep."""
    for path, level in reading.levels():
        if level.ratchet is not None and level.ratchet.max_points is None:
            yield level_concern(
                level,
                (*path, "ratchet"),
                "its ratchet has no limit a year",
                "agree on max_points",
                Weight.NOTE,
            )


RULES: tuple[Rule, ...] = (
    nothing_follows_from_any_level,
    level_without_consequence,
    consequence_without_use,
    direction_contradicts_target,
    promise_is_out_of_reach,
    bound_between_steps,
    never_in_force,
    learning_takes_over_half,
    ramp_in_learning_period,
    ramp_falls_back,
    measured_twice,
    ratchet_never_turns,
    ratchet_without_limit,
)
