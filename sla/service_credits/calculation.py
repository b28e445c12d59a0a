"""The service credit of every period, from its results and all that went before.

Source: the contract language, sections "Service levels and their states" and "Service credits".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from difflib import get_close_matches

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction, KpiSignature
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput, Problem
from governance.values import EXACT, Period
from sla.measurements.full_periods import judged_over
from sla.measurements.ratchet import Judged, Promise, next_promise
from sla.measurements.targets import promised_in, why_risen
from sla.service_credits.assessment import Assessment, Case, assess
from sla.service_credits.claim import with_claim
from sla.service_credits.milestones import reached_so_far
from sla.service_credits.one_period import PeriodCase, credit_of_period
from sla.service_credits.values import PeriodResults, ServiceCredits


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
    out; a sealed credit is taken as it is, and is history to the later ones. Only whether it was
    claimed in time may change after the seal.
    """
    memory = _Memory()
    with localcontext(EXACT):
        for period in periods:
            memory.done.append(memory.judged(period))
    return tuple(memory.done)


@dataclass(slots=True)
class _Memory:
    """What the periods so far leave to the next."""

    timelines: dict[str, list[Assessment]] = field(default_factory=dict)
    promises: dict[str, Promise] = field(default_factory=dict)
    reached: dict[str, date] = field(default_factory=dict)
    done: list[ServiceCredits] = field(default_factory=list)

    def judged(self, period: Judgement) -> ServiceCredits:
        """The credit of the next period, computed or as it was sealed."""
        results, contract = period.results, period.contract
        cases = {
            level.id: self._case(period, level)
            for level in contract.service_levels
            if level.ends is None or level.ends >= results.period.start
        }
        self.reached = reached_so_far(self.reached, results)
        if period.sealed is not None:
            return with_claim(period.sealed, contract.service_credits, results.claims)
        return credit_of_period(PeriodCase(contract, cases, results, self.reached, self.done))

    def _case(self, period: Judgement, level: ServiceLevel) -> Case:
        engagement, results = period.contract.engagement, period.results
        direction = period.directions[level.id]
        timeline = self.timelines.setdefault(level.id, [])
        promise = self._promise(period, level, timeline)
        promised = promised_in(level, results.period, promise)
        risen = why_risen(level, results.period, promise)
        timeline.append(assess(promised, direction, results, engagement.ends, risen))
        return Case(
            level=promised,
            direction=direction,
            base=results.charges,
            currency=engagement.currency,
            timeline=tuple(timeline),
        )

    def _promise(
        self, period: Judgement, level: ServiceLevel, timeline: Sequence[Assessment]
    ) -> Promise:
        values = {} if level.ratchet is None else _values(timeline)
        now = Judged(level, period.directions[level.id], judged_over(level, period.results.period))
        starts = period.contract.engagement.starts
        promise = next_promise(self.promises.get(level.id), now, starts, values)
        self.promises[level.id] = promise
        return promise


def _values(timeline: Sequence[Assessment]) -> dict[Period, Decimal]:
    """What was reached in the periods that count."""
    return {each.period: each.value for each in timeline if each.counts and each.value is not None}


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
