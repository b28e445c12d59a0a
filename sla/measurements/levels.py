"""Measures one service level in one period, under the terms and circumstances that hold for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from governance.contract.kpi_signature import Direction, ParameterValue
from governance.contract.messages import did_you_mean
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput, Problem
from governance.values import Period, round_half_up
from sla.evidence.ledger import Ledger
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import run_kpi
from sla.kpis.values import KpiResult
from sla.measurements.circumstances import Circumstances
from sla.measurements.full_periods import why_no_consequence
from sla.measurements.promises import Risen, Wanted, promise_of
from sla.measurements.statuses import status_of
from sla.measurements.targets import promised_in, targets_on, why_risen
from sla.measurements.values import (
    Computed,
    EarlierTerms,
    Measurement,
    RatchetPromise,
    Status,
    WithoutRelief,
)
from sla.measurements.versions import Reign, Tenure, Version, tenures
from sla.measurements.windows import window_of
from sla.relief.values import NO_RELIEF, Relief, ReliefEvent, Span, disjoint, relief_of


@dataclass(frozen=True, slots=True)
class Bench:
    """What every service level is measured with."""

    ledger: Ledger
    catalogue: Mapping[str, KpiDefinition]
    circumstances: Circumstances
    versions: tuple[Version, ...] = ()
    """All versions of the contract, for promises that rise over the years."""

    def run(self, level: ServiceLevel, days: Period, relief: Relief = NO_RELIEF) -> KpiResult:
        """The level's KPI over those days; BadInput for an unknown one."""
        if level.kpi not in self.catalogue:
            raise BadInput.one(
                Problem(
                    f"there is no KPI '{level.kpi}'{did_you_mean(level.kpi, self.catalogue)}",
                    column="kpi",
                    allowed=", ".join(sorted(self.catalogue)),
                )
            )
        definition = self.catalogue[level.kpi]
        return run_kpi(definition, self.ledger, days, level.parameters, relief)

    def direction_of(self, level: ServiceLevel) -> Direction:
        """Which way a known KPI is better, from the level's `direction` parameter or the KPI's."""
        stated = level.parameters.get("direction")
        own = self.catalogue[level.kpi].signature.direction
        return own if stated is None else Direction(str(stated))


@dataclass(frozen=True, slots=True)
class _Result:
    """A KPI's result held against the promise of a period."""

    of: KpiResult
    value: Decimal | None
    status: Status


def measure_level(tenure: Tenure, bench: Bench, period: Period) -> Measurement:
    """One service level in one period; its days in force where these are fewer than its window.

    Raises BadInput where its KPI is unknown or its parameters don't fit.
    """
    risen = _risen(tenure, bench, period)
    promise = None if risen is None else risen.promise
    level = promised_in(tenure.level, period, promise)
    window = tenure.days_of(window_of(level.window, period)) or period
    events = _events(level, window, bench.circumstances.relief)
    plain = _held(level, bench.run(level, window))
    counting = _relieved(level, plain, bench, window, events)
    status = _after_relief(level, plain, counting, events, period)
    decided = bench.circumstances.decisions.get(level.id)
    value = counting.value
    computed = None
    if decided is not None:
        computed = Computed(value, status, decided.reason, decided.proposed_side.value)
        value = value if decided.value is None else rounded(decided.value, level.round_to)
        status = Status.EXCUSED if decided.value is None else _status(level, value, plain)
    why = why_no_consequence(tenure, period)
    return Measurement(
        service_level=level.id,
        kpi=level.kpi,
        parameters=plain.of.parameters,
        window=window,
        unit=plain.of.unit,
        direction=plain.of.direction,
        unrounded=counting.of.value,
        value=value,
        expected=level.expected,
        minimum=level.minimum,
        status=status,
        consequential=not why,
        numerator=counting.of.numerator,
        denominator=counting.of.denominator,
        rows=counting.of.rows,
        evidence=plain.of.evidence,
        definition_sha256=plain.of.definition_sha256,
        round_to=level.round_to,
        contract_version=tenure.version.number,
        contract_sha256=tenure.version.sha256,
        no_consequence=why,
        without_relief=_without_relief(plain, counting, events, window) if events else None,
        computed=computed,
        earlier_terms=tuple(_earlier(tenure, bench, window)),
        promise=_stated(tenure.level, period, risen),
    )


def _risen(tenure: Tenure, bench: Bench, period: Period) -> Risen | None:
    """Where the level's ratchet has come to by a period; None without one."""
    level = tenure.level
    if level.ratchet is None or level.kpi not in bench.catalogue:
        return None
    direction = bench.direction_of(level)
    ends = tenure.version.contract.engagement.ends
    wanted = Wanted(level, direction, tenure.version.contract.engagement.starts, ends)

    def reached(month: Period) -> Decimal | None:
        stated = bench.circumstances.reached.get(level.id)
        return _reached(level.id, bench, month) if stated is None else stated.get(month)

    return promise_of(wanted, bench.versions, period, reached)


def _stated(level: ServiceLevel, period: Period, risen: Risen | None) -> RatchetPromise | None:
    if risen is None:
        return None
    return RatchetPromise(why_risen(level, period, risen.promise), risen.values)


def _reached(level_id: str, bench: Bench, month: Period) -> Decimal | None:
    """The value of an earlier month, as it counts or from the evidence; None where none counts."""
    known = {each.period: each for each in bench.circumstances.measured}
    if month in known:
        results = [one for one in known[month].results if one.service_level == level_id]
    else:
        plain = replace(
            bench, circumstances=replace(bench.circumstances, decisions={}), versions=()
        )
        found = [one for one in tenures(bench.versions, month) if one.level.id == level_id]
        results = [measure_level(_without_ratchet(one), plain, month) for one in found]
    return next(
        (one.value for one in results if one.consequential and one.status is not Status.EXCUSED),
        None,
    )


def _without_ratchet(tenure: Tenure) -> Tenure:
    return replace(tenure, level=tenure.level.model_copy(update={"ratchet": None}))


def rounded(value: Decimal | None, places: int | None) -> Decimal | None:
    """As the contract says, half up; unrounded where it doesn't."""
    return value if value is None or places is None else round_half_up(value, places)


def reach_of(window: Period, parameters: Mapping[str, ParameterValue]) -> Period:
    """The days that a measurement looks at: its window, or the KPI's own months before its end."""
    months = parameters.get("months")
    if not isinstance(months, str | int) or not str(months).isdigit() or not int(months):
        return window
    own = Period.months_ending(window.end, int(months))
    return Period(min(own.start, window.start), window.end)


def _events(
    level: ServiceLevel, window: Period, events: Sequence[ReliefEvent]
) -> tuple[ReliefEvent, ...]:
    reach = reach_of(window, level.parameters)
    return tuple(event for event in events if event.concerns(level.id, reach))


def _held(level: ServiceLevel, result: KpiResult) -> _Result:
    """`level` comes with the targets of the period as its own."""
    value = rounded(result.value, level.round_to)
    status = status_of(value, level.expected, level.minimum, result.direction)
    return _Result(result, value, status)


def _status(level: ServiceLevel, value: Decimal | None, like: _Result) -> Status:
    return status_of(value, level.expected, level.minimum, like.of.direction)


def _relieved(
    level: ServiceLevel,
    plain: _Result,
    bench: Bench,
    window: Period,
    events: Sequence[ReliefEvent],
) -> _Result:
    relief = relief_of(events)
    return _held(level, bench.run(level, window, relief)) if relief else plain


def _after_relief(
    level: ServiceLevel,
    plain: _Result,
    counting: _Result,
    events: Sequence[ReliefEvent],
    period: Period,
) -> Status:
    """Excused where an event says so, or where relief leaves nothing of what was to be measured."""
    if any(event.excuses(level.id, period) for event in events):
        return Status.EXCUSED
    nothing_left = counting.value is None and plain.value is not None
    return Status.EXCUSED if nothing_left else counting.status


def _without_relief(
    plain: _Result, counting: _Result, events: Sequence[ReliefEvent], window: Period
) -> WithoutRelief:
    return WithoutRelief(
        unrounded=plain.of.value,
        value=plain.value,
        status=plain.status,
        numerator=plain.of.numerator,
        denominator=plain.of.denominator,
        rows=plain.of.rows,
        events=tuple(event.reference for event in events),
        rows_out=max(plain.of.rows - counting.of.rows, 0),
        seconds_out=sum(span.seconds for span in _within(relief_of(events).spans, window)),
    )


def _within(spans: Sequence[Span], window: Period) -> tuple[Span, ...]:
    """The parts of the spans on the window's days, in UTC."""
    first = datetime.combine(window.start, time(), UTC)
    last = datetime.combine(window.end + timedelta(days=1), time(), UTC)
    cut = [(max(span.start, first), min(span.end, last)) for span in disjoint(spans)]
    return tuple(Span(start, end) for start, end in cut if start < end)


def _earlier(tenure: Tenure, bench: Bench, window: Period) -> Iterator[EarlierTerms]:
    for reign in tenure.earlier:
        days = window.overlap(reign.days.start, reign.days.end)
        if days is not None:
            yield _by_earlier_terms(tenure, reign, bench, days)


def _by_earlier_terms(tenure: Tenure, reign: Reign, bench: Bench, days: Period) -> EarlierTerms:
    level = reign.version.level(tenure.level.id) or tenure.level
    targets = targets_on(level, days)
    held = _held(promised_in(level, days), bench.run(level, days))
    return EarlierTerms(
        contract_version=reign.version.number,
        contract_sha256=reign.version.sha256,
        days=days,
        unrounded=held.of.value,
        value=held.value,
        expected=targets.expected,
        minimum=targets.minimum,
        status=held.status,
        rows=held.of.rows,
    )
