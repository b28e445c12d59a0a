"""A measured period as the results that its service credit follows from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sla.measurements.values import MeasuredPeriod, Status
from sla.service_credits.values import LevelResult, PeriodResults


def results_of(
    measured: MeasuredPeriod, base: Decimal, incidents: Mapping[str, str] | None = None
) -> PeriodResults:
    """The results with their credit base; `incidents` names the incident behind a level's miss.

    The base is none where reversals outweigh the fees, so that no credit turns negative.
    """
    incidents = incidents or {}
    return PeriodResults(
        period=measured.period,
        charges=max(base, Decimal(0)),
        results={
            one.service_level: LevelResult(
                one.value,
                incident=incidents.get(one.service_level),
                excused=one.status is Status.EXCUSED,
                no_consequence=one.no_consequence,
            )
            for one in measured.results
        },
    )
