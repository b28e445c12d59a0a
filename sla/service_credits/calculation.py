"""The service credit of every period, from its results and all that went before.

Source: the contract language, sections "Service levels and their states" and "Service credits".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from difflib import get_close_matches

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction, KpiSignature
from governance.contract.service_credits import (
    AtRiskPool,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServiceCreditTerms,
    ServicePoints,
)
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput, Problem
from governance.values import EXACT, round_money
from sla.measurements.targets import promised_in
from sla.service_credits import (
    at_risk_pool,
    interpolated,
    linear,
    per_event,
    service_points,
    tiers,
)
from sla.service_credits.assessment import Assessment, Case, assess
from sla.service_credits.award import Award
from sla.service_credits.cap import cap_of, share_out
from sla.service_credits.earn_back import earned_back
from sla.service_credits.values import EarnedBack, LevelCredit, PeriodResults, ServiceCredits
from sla.service_credits.wording import amount_words, clause_words, comparison

_NOTHING = Decimal(0)


def compute_credits(
    contract: Contract, directions: Mapping[str, Direction], periods: Sequence[PeriodResults]
) -> tuple[ServiceCredits, ...]:
    """The service credit of every period, oldest first, each knowing the periods before it.

    `directions` says by service level id which way is better. Values are rounded by the service
    level's `round_to` and compared; the method's credit is rounded half up to the currency per
    service level; of several misses of one incident the largest counts; the sum is capped and
    the capped total shared in proportion. Consecutive are periods that follow each other in the
    calendar; one that `periods` leaves out ends a row of misses.

    No data and excused earn no credit, and end a row of misses as being met does. A learning
    period states its status without a credit and is no history. A service level whose window is
    a quarter or a year is judged and credited in the period that ends it, or that ends the
    engagement; before, its status to date is stated without a credit where the results name it,
    and it is left out where they don't. A quarter or year in which the engagement starts is
    judged too, at its end. A contract without service credits states statuses only.

    Raises BadInput for results of a service level that the contract doesn't have.
    """
    _require_known_levels(contract, periods)
    return judge([Judgement(contract, directions, results) for results in periods])


@dataclass(frozen=True, slots=True)
class Judgement:
    """One period's results, and the version of the contract that they are judged by."""

    contract: Contract
    directions: Mapping[str, Direction]
    results: PeriodResults
    sealed: ServiceCredits | None = None
    """The credit that both sides sealed for the period, which then stands as it is."""


def judge(periods: Sequence[Judgement]) -> tuple[ServiceCredits, ...]:
    """The same over versions of a contract, where each period has its own.

    A service level is known by its id over all versions: what it was in a period by the terms of
    then is its history. Results of a service level that a period's version doesn't have are left
    out; a sealed credit is taken as it is, and is history to the later ones.
    """
    timelines: dict[str, list[Assessment]] = {}
    done: list[ServiceCredits] = []
    with localcontext(EXACT):
        for period in periods:
            cases = {
                level.id: _next_case(period, level, timelines.setdefault(level.id, []))
                for level in period.contract.service_levels
                if level.ends is None or level.ends >= period.results.period.start
            }
            computed = period.sealed or _of_period(period.contract, cases, period.results, done)
            done.append(computed)
    return tuple(done)


def directions_of(
    contract: Contract, signatures: Mapping[str, KpiSignature]
) -> dict[str, Direction]:
    """Which way is better, by service level id: from its `direction` parameter, else the KPI.

    Raises BadInput for each service level whose KPI is unknown.
    """
    unknown = [level for level in contract.service_levels if level.kpi not in signatures]
    if unknown:
        raise BadInput(
            _unknown(f"service level {level.id}", "KPI", level.kpi, signatures) for level in unknown
        )
    return {level.id: _direction(level, signatures) for level in contract.service_levels}


def _direction(level: ServiceLevel, signatures: Mapping[str, KpiSignature]) -> Direction:
    stated = level.parameters.get("direction")
    return signatures[level.kpi].direction if stated is None else Direction(str(stated))


def _require_known_levels(contract: Contract, periods: Sequence[PeriodResults]) -> None:
    known = [level.id for level in contract.service_levels]
    problems = [
        _unknown(f"results of {results.period.label}", "service level", level_id, known)
        for results in periods
        for level_id in results.results
        if level_id not in known
    ]
    if problems:
        raise BadInput(problems)


def _unknown(
    column: str, kind: str, found: str, known: Sequence[str] | Mapping[str, object]
) -> Problem:
    names = list(known)
    nearest = get_close_matches(found, names, n=1, cutoff=0)
    return Problem(
        f"unknown {kind} '{found}'",
        column=column,
        found=found,
        allowed=f"the nearest known one is '{nearest[0]}'" if nearest else "there are none",
    )


def _next_case(period: Judgement, level: ServiceLevel, timeline: list[Assessment]) -> Case:
    engagement, results = period.contract.engagement, period.results
    level = promised_in(level, results.period)
    direction = period.directions[level.id]
    timeline.append(assess(level, direction, results, engagement.ends))
    return Case(
        level=level,
        direction=direction,
        base=results.charges,
        currency=engagement.currency,
        timeline=tuple(timeline),
    )


@dataclass(frozen=True, slots=True)
class _Capped:
    cap: Decimal | None
    credits: Mapping[str, Decimal]
    """By service level id, after the cap."""


def _of_period(
    contract: Contract,
    cases: Mapping[str, Case],
    results: PeriodResults,
    earlier: Sequence[ServiceCredits],
) -> ServiceCredits:
    terms, currency = contract.service_credits, contract.engagement.currency
    awards = {level_id: _award(terms, case) for level_id, case in cases.items()}
    awards = _largest_of_each_incident(cases, awards)
    before_cap = sum((award.credit for award in awards.values()), _NOTHING)
    capped = _cap(terms, results, awards, earlier, currency)
    credit = sum(capped.credits.values(), _NOTHING)
    stated = ServiceCredits(
        period=results.period,
        currency=currency,
        base=results.charges,
        cap=capped.cap,
        service_levels=tuple(_level_credits(cases, awards, capped)),
        before_cap=round_money(before_cap, currency),
        credit=round_money(credit, currency),
        earned_back=round_money(_NOTHING, currency),
        net=round_money(credit, currency),
    )
    return _with_earn_backs(stated, _earn_backs(contract, cases, (*earlier, stated)))


def _award(terms: ServiceCreditTerms | None, case: Case) -> Award:
    """The method's award for a miss that counts; nothing otherwise."""
    if terms is None:
        return Award(_NOTHING)
    return _by_method(terms, case) if case.now.missed else _no_miss(terms)


def _by_method(terms: ServiceCreditTerms, case: Case) -> Award:
    match terms:
        case AtRiskPool():
            return at_risk_pool.award(terms, case)
        case ServicePoints():
            return service_points.award(terms, case)
        case LinearCredit():
            return linear.award(terms, case)
        case PerEvent():
            return per_event.award(terms, case)
        case Interpolated():
            return interpolated.award(terms, case)
        case _:
            return tiers.award(case)


def _no_miss(terms: ServiceCreditTerms) -> Award:
    scores = isinstance(terms, ServicePoints)
    multiplies = scores or (isinstance(terms, AtRiskPool) and terms.repeat is not None)
    return Award(
        _NOTHING,
        points=_NOTHING if scores else None,
        multiplier=Decimal(1) if multiplies else None,
    )


def _largest_of_each_incident(
    cases: Mapping[str, Case], awards: Mapping[str, Award]
) -> dict[str, Award]:
    """Let only the largest credit of an incident stand; the first where several are equal."""
    largest: dict[str, str] = {}
    for level_id, case in cases.items():
        incident = case.now.incident
        if incident is None or not awards[level_id].credit:
            continue
        if awards[level_id].credit > _credit_of(awards, largest.get(incident)):
            largest[incident] = level_id
    return {
        level_id: _unless_counted_elsewhere(award, cases[level_id], level_id, largest)
        for level_id, award in awards.items()
    }


def _credit_of(awards: Mapping[str, Award], level_id: str | None) -> Decimal:
    return _NOTHING if level_id is None else awards[level_id].credit


def _unless_counted_elsewhere(
    award: Award, case: Case, level_id: str, largest: Mapping[str, str]
) -> Award:
    counted = largest.get(case.now.incident or "", level_id)
    if counted == level_id or not award.credit:
        return award
    return replace(
        award,
        credit=_NOTHING,
        arithmetic=f"incident {case.now.incident} counts once, at {counted} where it costs most",
    )


def _cap(
    terms: ServiceCreditTerms | None,
    results: PeriodResults,
    awards: Mapping[str, Award],
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> _Capped:
    uncapped = {level_id: award.credit for level_id, award in awards.items()}
    cap = None if terms is None else cap_of(terms, results, earlier, currency)
    if cap is None:
        return _Capped(None, uncapped)
    total = min(cap, sum(uncapped.values(), _NOTHING))
    return _Capped(cap, share_out(total, uncapped, currency))


def _level_credits(
    cases: Mapping[str, Case], awards: Mapping[str, Award], capped: _Capped
) -> Iterator[LevelCredit]:
    for level_id, case in cases.items():
        if not case.now.stated:
            continue
        award, credit = awards[level_id], capped.credits[level_id]
        yield LevelCredit(
            id=level_id,
            value=case.now.value,
            status=case.now.status,
            credit=case.money(credit),
            before_cap=case.money(award.credit),
            why=_why(case, award, credit, capped.cap),
            points=award.points,
            multiplier=award.multiplier,
        )


def _why(case: Case, award: Award, credit: Decimal, cap: Decimal | None) -> str:
    level, now = case.level, case.now
    text = f"{clause_words(level)}: {comparison(level, case.direction, now.value, now.status)}"
    if not now.consequential:
        return f"{text}; {now.why_not}"
    if not now.judged:
        return f"{text}; judged at the end of the {level.window.value}"
    if award.arithmetic:
        text += f"; {award.arithmetic}"
    if cap is not None and credit < award.credit:
        share = amount_words(credit, case.currency)
        text += f"; its share under the cap of {amount_words(cap, case.currency)} is {share}"
    return text


def _earn_backs(
    contract: Contract, cases: Mapping[str, Case], so_far: Sequence[ServiceCredits]
) -> tuple[EarnedBack, ...]:
    terms = contract.service_credits
    if not isinstance(terms, AtRiskPool) or terms.earn_back is None:
        return ()
    return earned_back(terms.earn_back, cases, so_far, contract.engagement.starts)


def _with_earn_backs(stated: ServiceCredits, earn_backs: tuple[EarnedBack, ...]) -> ServiceCredits:
    amount = sum((each.amount for each in earn_backs), stated.earned_back)
    return replace(stated, earned_back=amount, net=stated.credit - amount, earn_backs=earn_backs)
