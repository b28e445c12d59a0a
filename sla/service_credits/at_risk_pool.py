"""Credits from an at-risk pool.

credit = base × at-risk % × category's share of the pool × allocation % (× multiplier on repeats).
Source: the contract language, section "Service credits", method at_risk_pool.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_credits import AtRiskPool
from governance.values import plain
from sla.measurements.values import Status
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award, product_words
from sla.service_credits.wording import amount_words, ordinal, percent_words

_ONE = Decimal(1)


def award(terms: AtRiskPool, case: Case) -> Award:
    """The credit of one miss, rounded half up to the currency.

    `below_minimum` counts always; `below_expected` counts from the nth time in the rolling
    window of months, this time included, and never where the contract doesn't say so. A service
    level without a category of the pool or an allocation earns none.
    """
    multiplier = _multiplier(terms, case)
    not_counted = _why_not_counted(terms, case)
    if not_counted:
        return Award(Decimal(0), not_counted, multiplier=None if terms.repeat is None else _ONE)
    pool = terms.categories.get(case.level.category or "", Decimal(0))
    allocation = case.level.allocation or Decimal(0)
    credit = case.money(
        case.base * terms.at_risk_percent * pool * allocation * multiplier / Decimal(1_000_000)
    )
    factors = (
        f"{amount_words(case.base, case.currency)} × {percent_words(terms.at_risk_percent)} at risk"
        f" × {percent_words(pool)} pool × {percent_words(allocation)} allocation"
        f"{_multiplier_words(multiplier, case)}"
    )
    return Award(
        credit,
        product_words(factors, credit, case.currency),
        multiplier=None if terms.repeat is None else multiplier,
    )


def _why_not_counted(terms: AtRiskPool, case: Case) -> str:
    if case.level.category not in terms.categories or case.level.allocation is None:
        return "the service level is not in the at-risk pool, so a miss earns no credit"
    if case.now.status is not Status.BELOW_EXPECTED:
        return ""
    rule = terms.below_expected
    if rule is None:
        return "the contract gives no credit above the minimum"
    times = case.times_below_expected(rule.within_months)
    if times >= rule.count:
        return ""
    return (
        f"the {ordinal(times)} time within {rule.within_months} months,"
        f" and it counts from the {ordinal(rule.count)}"
    )


def _multiplier(terms: AtRiskPool, case: Case) -> Decimal:
    if terms.repeat is None or case.misses_in_a_row() < terms.repeat.consecutive:
        return _ONE
    return terms.repeat.multiplier


def _multiplier_words(multiplier: Decimal, case: Case) -> str:
    if multiplier == _ONE:
        return ""
    return f" × {plain(multiplier)} for the {ordinal(case.misses_in_a_row())} miss in a row"
