"""Rules between the keys of service levels, the KPI catalogue and the service credits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from governance.contract.document import Contract
from governance.contract.findings import Finding, Findings
from governance.contract.kpi_signature import (
    Direction,
    KpiSignature,
    ParameterSignature,
    normal_parameter,
)
from governance.contract.messages import did_you_mean
from governance.contract.service_credits import (
    AtRiskPool,
    BonusMalusTerms,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServicePoints,
    Tiers,
)
from governance.contract.service_levels import ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.values import plain


@dataclass(frozen=True, slots=True)
class Setting:
    """What a service level is checked against."""

    contract: Contract
    kpis: Mapping[str, KpiSignature] | None


LevelCheck = Callable[[ServiceLevel, Path, Setting], Findings]


def direction_of(level: ServiceLevel, kpis: Mapping[str, KpiSignature] | None) -> Direction | None:
    """Which way the service level is better; None where nothing tells.

    The KPI decides, or the level's own `direction` parameter. Without a catalogue the order of
    expected and minimum tells, or of expected and the first points band or the last tier.
    """
    own = level.parameters.get("direction")
    if isinstance(own, str) and own in set(Direction):
        return Direction(own)
    if kpis is not None and level.kpi in kpis:
        return kpis[level.kpi].direction
    worse = [level.minimum, *(band.from_ for band in level.points[:1])]
    worse += [tier.below for tier in level.tiers[-1:]]
    for bound in worse:
        if bound is not None and bound != level.expected:
            higher = bound < level.expected
            return Direction.HIGHER_IS_BETTER if higher else Direction.LOWER_IS_BETTER
    return None


def _worse(value: Decimal, other: Decimal, direction: Direction) -> bool:
    return value < other if direction is Direction.HIGHER_IS_BETTER else value > other


def _worse_than(bound: Decimal, direction: Direction) -> str:
    word = "below" if direction is Direction.HIGHER_IS_BETTER else "above"
    return f"a number {word} {plain(bound)}"


def check_start(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """A service level starts within the engagement."""
    engagement = setting.contract.engagement
    if level.starts is None or (engagement.ends and engagement.ends < engagement.starts):
        return
    if level.starts < engagement.starts:
        yield Finding(
            (*path, "starts"),
            "starts before the engagement",
            f"{engagement.starts} or later",
        )
    elif engagement.ends is not None and level.starts > engagement.ends:
        yield Finding(
            (*path, "starts"), "starts after the engagement ends", f"{engagement.ends} or earlier"
        )


def check_end(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """A service level ends within the engagement, and not before it starts."""
    engagement = setting.contract.engagement
    if level.ends is None or (engagement.ends and engagement.ends < engagement.starts):
        return
    first = max(level.starts or engagement.starts, engagement.starts)
    if level.ends < first:
        yield Finding((*path, "ends"), "ends before it starts", f"{first} or later")
    elif engagement.ends is not None and level.ends > engagement.ends:
        what = "ends after the engagement does"
        yield Finding((*path, "ends"), what, f"{engagement.ends} or earlier")


def check_kpi(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """The KPI is in the catalogue."""
    kpis = setting.kpis
    if kpis is not None and level.kpi not in kpis:
        yield Finding(
            (*path, "kpi"),
            f"unknown KPI{did_you_mean(level.kpi, kpis)}",
            ", ".join(sorted(kpis)),
        )


def check_parameters(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """The KPI knows the parameters, their values are allowed, and none is left out."""
    if setting.kpis is None or level.kpi not in setting.kpis:
        return
    known = setting.kpis[level.kpi].parameters
    here = (*path, "parameters")
    for name, value in level.parameters.items():
        if name not in known:
            near = did_you_mean(name, known)
            allowed = ", ".join(known) or "no parameters"
            what = f"the KPI {level.kpi} has no parameter '{name}'{near}"
            yield Finding((*here, name), what, allowed, "")
            continue
        try:
            normal_parameter(known[name], value)
        except ValueError as error:
            yield Finding((*here, name), "not a value of this parameter", str(error))
    yield from _left_out(level, known, here)


def _left_out(level: ServiceLevel, known: Mapping[str, ParameterSignature], path: Path) -> Findings:
    for name, parameter in known.items():
        if parameter.default is None and name not in level.parameters:
            what = f"the KPI {level.kpi} needs the parameter '{name}'"
            yield Finding((*path, name), what, parameter.allowed, "")


def check_minimum(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """The minimum isn't better than expected; the two may be equal.

    Which way is better comes from the KPI, so nothing is said without a catalogue.
    """
    known = setting.kpis is not None and level.kpi in setting.kpis
    direction = direction_of(level, setting.kpis) if known else None
    if direction is None or level.minimum is None:
        return
    if _worse(level.expected, level.minimum, direction):
        side = "at most" if direction is Direction.HIGHER_IS_BETTER else "at least"
        words = direction.value.replace("_", " ")
        yield Finding(
            (*path, "minimum"),
            f"the minimum is better than expected ({words} for {level.kpi})",
            f"{side} {plain(level.expected)}",
        )


def check_ramp(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """Each month of a ramp lies in the engagement, its minimum not better than its expected."""
    engagement = setting.contract.engagement
    known = setting.kpis is not None and level.kpi in setting.kpis
    direction = direction_of(level, setting.kpis) if known else None
    for month, target in (level.ramp or {}).items():
        here = (*path, "ramp", month)
        first, last = engagement.starts, engagement.ends
        if month < f"{first:%Y-%m}" or (last is not None and month > f"{last:%Y-%m}"):
            ends = "open" if last is None else f"{last:%Y-%m}"
            yield Finding(here, "the engagement doesn't run then", f"{first:%Y-%m} to {ends}")
        minimum = level.minimum if target.minimum is None else target.minimum
        if direction is None or minimum is None:
            continue
        if _worse(target.expected, minimum, direction):
            what = f"the minimum {plain(minimum)} is better than the month's expected"
            allowed = f"a minimum for the month, {plain(target.expected)} or worse"
            yield Finding((*here, "expected"), what, allowed)


def check_baseline(level: ServiceLevel, path: Path, _: Setting) -> Findings:
    """A baseline is either measured over whole months or stated with its source."""
    baseline = level.baseline
    if baseline is None:
        return
    here = (*path, "baseline")
    measured = baseline.from_ is not None or baseline.to is not None
    if measured == (baseline.value is not None):
        what = "a baseline is either measured (from, to) or stated (value)"
        yield Finding(here, what, "from and to, or value and source", "")
    elif baseline.value is not None and baseline.source is None:
        what = "a stated baseline needs the document that states it"
        yield Finding((*here, "source"), what, "the name of a document", "")
    elif measured and (baseline.from_ is None or baseline.to is None):
        missing = "from" if baseline.from_ is None else "to"
        yield Finding(
            (*here, missing), "the baseline's span is half open", "a month as 2025-12", ""
        )
    elif baseline.from_ is not None and baseline.to is not None and baseline.to < baseline.from_:
        yield Finding((*here, "to"), "ends before it starts", f"{baseline.from_} or later")


def check_points(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """Points bands go from better to worse without overlap, all of them worse than expected.

    Every band but the last says from where it counts; the last takes all that is worse.
    """
    direction = direction_of(level, setting.kpis)
    reached, name = level.expected, "expected"
    for index, band in enumerate(level.points):
        here = (*path, "points", index, "from")
        if index == len(level.points) - 1:
            if band.from_ is not None:
                what = "the last band takes every worse value"
                yield Finding(here, what, "the last band without from")
        elif band.from_ is None:
            yield Finding(here, "only the last band has no from", "from: and a number", "")
        elif direction is not None:
            if not _worse(band.from_, reached, direction):
                yield Finding(
                    here,
                    f"the band is not worse than {name}, so the two overlap",
                    _worse_than(reached, direction),
                )
            reached, name = band.from_, "the band before"


def check_credit_tiers(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """Each tier has a bound of its own, and a worse value never earns the client less."""
    direction = direction_of(level, setting.kpis)
    if direction is None:
        return
    factor = 1 if direction is Direction.LOWER_IS_BETTER else -1
    ordered = sorted(enumerate(level.tiers), key=lambda each: each[1].below * factor)
    for (_, better), (index, tier) in pairwise(ordered):
        here = (*path, "tiers", index)
        if tier.below == better.below:
            yield Finding((*here, "below"), "two tiers have the same bound", "each bound once")
        elif tier.percent < better.percent:
            yield Finding(
                (*here, "percent"),
                f"a worse value gets less than at {plain(better.below)}",
                f"at least {plain(better.percent)}",
            )


def check_credit_terms(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """A service level that takes part in the agreed method has all that the method needs.

    A level without any credit terms is measured without consequence.
    """
    terms = setting.contract.service_credits
    match terms:
        case AtRiskPool():
            yield from _pool_terms(level, path, terms)
        case Interpolated() if level.max_percent is not None or terms.max_percent is not None:
            if level.minimum is None or level.minimum == level.expected:
                yield Finding(
                    (*path, "minimum"),
                    "interpolated credits need a minimum apart from expected",
                    "the value at which the full credit is due",
                    "" if level.minimum is None else None,
                )


def _pool_terms(level: ServiceLevel, path: Path, terms: AtRiskPool) -> Findings:
    if level.category is not None and level.allocation is None:
        yield Finding(
            (*path, "allocation"),
            "a service level with a category needs an allocation",
            "its share of the category's pool, a decimal number from 0 to 100",
            "",
        )
    if level.category is None and level.allocation is not None:
        allowed = ", ".join(terms.categories)
        what = "a service level with an allocation needs a category"
        yield Finding((*path, "category"), what, allowed, "")
    if level.category is not None and level.category not in terms.categories:
        yield Finding(
            (*path, "category"),
            f"unknown category{did_you_mean(level.category, terms.categories)}",
            ", ".join(terms.categories),
        )


def check_method(contract: Contract) -> Findings:
    """Where service levels and service credits are agreed, some level must be able to earn one."""
    terms, levels = contract.service_credits, contract.service_levels
    needs: dict[type, tuple[str, Callable[[ServiceLevel], object]]] = {
        AtRiskPool: ("category and allocation", lambda level: level.category is not None),
        ServicePoints: ("points", lambda level: level.points),
        Tiers: ("tiers", lambda level: level.tiers),
        LinearCredit: ("linear", lambda level: level.linear is not None),
        PerEvent: ("amount", lambda level: level.amount is not None),
        Interpolated: ("max_percent", lambda level: level.max_percent is not None),
        BonusMalusTerms: ("bonus_malus", lambda level: level.bonus_malus is not None),
    }
    if terms is None or type(terms) not in needs or not levels or _for_all(terms):
        return
    name, has = needs[type(terms)]
    if not any(has(level) for level in levels):
        yield Finding(
            ("service_credits", "method"),
            f"no service level has what the method {terms.method} needs",
            f"{name} on at least one service level",
        )


def _for_all(terms: object) -> bool:
    """Whether the terms name the amount or maximum for all service levels together."""
    if isinstance(terms, PerEvent):
        return terms.amount is not None
    return isinstance(terms, Interpolated) and terms.max_percent is not None


def check_counting(contract: Contract) -> Findings:
    """A miss a month can't happen more often than the window has months."""
    terms = contract.service_credits
    if isinstance(terms, AtRiskPool) and terms.below_expected is not None:
        rule = terms.below_expected
        if rule.count > rule.within_months:
            yield Finding(
                ("service_credits", "below_expected", "count"),
                f"can never happen within {rule.within_months} months",
                f"at most {rule.within_months}",
            )


LEVEL_CHECKS: tuple[LevelCheck, ...] = (
    check_start,
    check_end,
    check_kpi,
    check_parameters,
    check_minimum,
    check_ramp,
    check_baseline,
    check_points,
    check_credit_tiers,
    check_credit_terms,
)
