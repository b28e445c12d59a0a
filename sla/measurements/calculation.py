"""Holds the KPIs of a period against what the contract promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from governance.contract.document import Contract
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.ledger import Ledger
from sla.evidence.values import Finding
from sla.kpis.definitions import KpiDefinition
from sla.measurements.circumstances import PLAIN, Circumstances
from sla.measurements.levels import Bench, measure_level
from sla.measurements.statuses import status_of
from sla.measurements.values import MeasuredPeriod, Measurement
from sla.measurements.versions import tenures

__all__ = ["measure", "status_of"]


def measure(
    contract: Contract,
    ledger: Ledger,
    period: Period,
    catalogue: Mapping[str, KpiDefinition],
    circumstances: Circumstances = PLAIN,
) -> MeasuredPeriod:
    """Measure every service level that is in force in the period, each over its window.

    The version of the contract in force on the last day governs a service level over its whole
    window; where its terms changed within the window, the days before are also measured by the
    terms of then, for information. One that was added or ended within the period is measured on
    its days in force, without consequence (`sla.measurements.full_periods`). A window that reaches
    before the first ledger row is measured on the rows there are. Where a promise rises with what
    was reached, the months before are measured for it too, unless they are given. Relief is
    applied to each service level that it names, and the result without it is kept. A decided
    value counts in place of the measured one, which is kept too.

    Raises BadInput with every service level whose KPI is unknown or whose parameters don't fit.
    """
    results: list[Measurement] = []
    problems: list[Problem] = []
    versions = circumstances.versions_of(contract)
    bench = Bench(ledger, catalogue, circumstances, versions)
    for tenure in tenures(versions, period):
        try:
            results.append(measure_level(tenure, bench, period))
        except BadInput as error:
            problems += [_of_level(tenure.level, problem) for problem in error.problems]
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
