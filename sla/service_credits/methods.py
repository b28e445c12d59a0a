"""Which method computes the credit of a miss.

Source: the contract language, section "Service credits", key `method`.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_credits import (
    AtRiskPool,
    BonusMalusTerms,
    Interpolated,
    LinearCredit,
    PerEvent,
    ServiceCreditTerms,
    ServicePoints,
)
from sla.service_credits import (
    at_risk_pool,
    bonus_malus,
    interpolated,
    linear,
    per_event,
    service_points,
    tiers,
)
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award

_NOTHING = Decimal(0)


def award_of(terms: ServiceCreditTerms, case: Case) -> Award:
    """The method's award: for a miss that counts, with bonus and malus for what surpasses too."""
    if isinstance(terms, BonusMalusTerms):
        return bonus_malus.award(case)
    return _of_miss(terms, case) if case.now.missed else _no_miss(terms)


def _of_miss(terms: ServiceCreditTerms, case: Case) -> Award:
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
