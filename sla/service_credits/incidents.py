"""One incident behind several misses counts once.

Source: the contract language, section "Service credits", key `incidents`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from governance.contract.service_credits import ServiceCreditTerms
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award

_NOTHING = Decimal(0)


def once_an_incident(
    terms: ServiceCreditTerms,
    cases: Mapping[str, Case],
    awards: Mapping[str, Award],
    chosen: Mapping[str, str],
) -> dict[str, Award]:
    """Let one credit of each incident stand: the one chosen, else the largest.

    With `incidents: chosen`, `chosen` says by incident which of the service levels missed in it
    counts, whatever that costs. Where nothing is chosen, or a service level that the incident
    didn't make miss, the largest credit counts; the first where several are equal.
    """
    counting = _largest(cases, awards)
    words = dict.fromkeys(counting, "where it costs most")
    if terms.incidents == "chosen":
        for incident, level_id in chosen.items():
            case = cases.get(level_id)
            if case is not None and case.now.missed and case.now.incident == incident:
                counting[incident], words[incident] = level_id, "as the client chose"
    return {
        level_id: _unless_counted_elsewhere(award, cases[level_id], level_id, counting, words)
        for level_id, award in awards.items()
    }


def _largest(cases: Mapping[str, Case], awards: Mapping[str, Award]) -> dict[str, str]:
    largest: dict[str, str] = {}
    for level_id, case in cases.items():
        incident, credit = case.now.incident, awards[level_id].credit
        if incident is None or not credit:
            continue
        if incident not in largest or credit > awards[largest[incident]].credit:
            largest[incident] = level_id
    return largest


def _unless_counted_elsewhere(
    award: Award,
    case: Case,
    level_id: str,
    counting: Mapping[str, str],
    words: Mapping[str, str],
) -> Award:
    incident = case.now.incident or ""
    counted = counting.get(incident, level_id)
    if counted == level_id or not award.credit:
        return award
    return replace(
        award,
        credit=_NOTHING,
        arithmetic=f"incident {incident} counts once, at {counted} {words[incident]}",
    )
