"""Measures one service level in one period, under the terms and circumstances that hold for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from governance.contract.kpi_signature import ParameterValue
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
from sla.measurements.statuses import status_of
from sla.measurements.targets import targets_on
from sla.measurements.values import (
    Computed,
    EarlierTerms,
    Measurement,
    Status,
    WithoutRelief,
)
from sla.measurements.versions import Reign, Tenure
from sla.measurements.windows import window_of
from sla.relief.values import NO_RELIEF, Relief, ReliefEvent, Span, disjoint, relief_of


@dataclass(frozen=True, slots=True)
class Bench:
    """What every service level is measured with."""

    ledger: Ledger
    catalogue: Mapping[str, KpiDefinition]
    circumstances: Circumstances

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
    level = tenure.level
    window = tenure.days_of(window_of(level.window, period)) or period
    targets = targets_on(level, period)
    events = _events(level, window, bench.circumstances.relief)
    plain = _held(level, bench.run(level, window), period)
    counting = _relieved(level, plain, bench, window, events, period)
    status = _after_relief(level, plain, counting, events, period)
    decided = bench.circumstances.decisions.get(level.id)
    value = counting.value
    computed = None
    if decided is not None:
        computed = Computed(value, status, decided.reason, decided.proposed_side.value)
        value = value if decided.value is None else rounded(decided.value, level.round_to)
        status = Status.EXCUSED if decided.value is None else _status(level, value, plain, period)
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
        expected=targets.expected,
        minimum=targets.minimum,
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
    )


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


def _held(level: ServiceLevel, result: KpiResult, period: Period) -> _Result:
    value = rounded(result.value, level.round_to)
    targets = targets_on(level, period)
    status = status_of(value, targets.expected, targets.minimum, result.direction)
    return _Result(result, value, status)


def _status(level: ServiceLevel, value: Decimal | None, like: _Result, period: Period) -> Status:
    targets = targets_on(level, period)
    return status_of(value, targets.expected, targets.minimum, like.of.direction)


def _relieved(  # noqa: PLR0917 (all of it is what one measurement is made of)
    level: ServiceLevel,
    plain: _Result,
    bench: Bench,
    window: Period,
    events: Sequence[ReliefEvent],
    period: Period,
) -> _Result:
    relief = relief_of(events)
    return _held(level, bench.run(level, window, relief), period) if relief else plain


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
    held = _held(level, bench.run(level, days), days)
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
