"""Holds the KPIs of a period against what the contract promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.contract.messages import did_you_mean
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput, Problem
from governance.values import Period, round_half_up
from sla.evidence.ledger import Ledger
from sla.evidence.values import Finding
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import run_kpi
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.measurements.windows import window_of


def status_of(
    value: Decimal | None, expected: Decimal, minimum: Decimal | None, direction: Direction
) -> Status:
    """Where a value, already rounded as the contract says, stands.

    At expected it is met, at the minimum still only below expected. Without a minimum any miss
    is below the minimum. None is no data.
    """
    if value is None:
        return Status.NO_DATA
    if _at_or_better(value, expected, direction):
        return Status.MET
    if minimum is not None and _at_or_better(value, minimum, direction):
        return Status.BELOW_EXPECTED
    return Status.BELOW_MINIMUM


def _at_or_better(value: Decimal, bound: Decimal, direction: Direction) -> bool:
    return value >= bound if direction is Direction.HIGHER_IS_BETTER else value <= bound


def measure(
    contract: Contract, ledger: Ledger, period: Period, catalogue: Mapping[str, KpiDefinition]
) -> MeasuredPeriod:
    """Measure every service level of the contract, each over its window.

    A window that reaches before the first ledger row is measured on the rows there are.
    Raises BadInput with every service level whose KPI is unknown or whose parameters don't fit.
    """
    results: list[Measurement] = []
    problems: list[Problem] = []
    for level in contract.service_levels:
        try:
            results.append(_measure_level(level, ledger, period, catalogue))
        except BadInput as error:
            problems += [_of_level(level, problem) for problem in error.problems]
    if problems:
        raise BadInput(problems)
    return MeasuredPeriod(
        period,
        ledger.currency,
        tuple(results),
        _warnings(contract.service_levels, ledger, catalogue),
    )


def _of_level(level: ServiceLevel, problem: Problem) -> Problem:
    return replace(problem, what=f"service level {level.id}: {problem.what}")


def _measure_level(
    level: ServiceLevel, ledger: Ledger, period: Period, catalogue: Mapping[str, KpiDefinition]
) -> Measurement:
    if level.kpi not in catalogue:
        raise BadInput.one(
            Problem(
                f"there is no KPI '{level.kpi}'{did_you_mean(level.kpi, catalogue)}",
                column="kpi",
                allowed=", ".join(sorted(catalogue)),
            )
        )
    window = window_of(level.window, period)
    result = run_kpi(catalogue[level.kpi], ledger, window, level.parameters)
    value = _rounded(result.value, level.round_to)
    return Measurement(
        service_level=level.id,
        kpi=level.kpi,
        parameters=result.parameters,
        window=window,
        unit=result.unit,
        direction=result.direction,
        unrounded=result.value,
        value=value,
        expected=level.expected,
        minimum=level.minimum,
        status=status_of(value, level.expected, level.minimum, result.direction),
        consequential=level.starts is None or level.starts <= period.start,
        numerator=result.numerator,
        denominator=result.denominator,
        rows=result.rows,
        evidence=result.evidence,
        definition_sha256=result.definition_sha256,
        round_to=level.round_to,
    )


def _rounded(value: Decimal | None, places: int | None) -> Decimal | None:
    return value if value is None or places is None else round_half_up(value, places)


_ABSENT_AS_A_RULE = frozenset({"clock_events"})
"""A clock that nobody paused leaves no events, so their absence is nothing to ask about."""


def _warnings(
    levels: Sequence[ServiceLevel], ledger: Ledger, catalogue: Mapping[str, KpiDefinition]
) -> tuple[Finding, ...]:
    """The findings on the evidence, after those on datasets that are taken as empty."""
    kpis_by_dataset: dict[str, list[str]] = {}
    for name in dict.fromkeys(level.kpi for level in levels):
        for dataset in catalogue[name].optional:
            if dataset not in ledger.handed_in | _ABSENT_AS_A_RULE:
                kpis_by_dataset.setdefault(dataset, []).append(catalogue[name].title)
    taken_as_empty = (
        Finding(
            "taken_as_empty",
            f"no {dataset} were handed in, so none are counted in {', '.join(kpis)}",
            dataset,
        )
        for dataset, kpis in kpis_by_dataset.items()
    )
    return (*taken_as_empty, *ledger.warnings)
