"""A further credit for missing one service level so many times in a rolling window.

credit = percent × the annual fee, which is the credit bases of the last 12 months.
Source: the contract language, section "Service credits", key `persistent_failure`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from governance.contract.service_credits import PersistentFailure, ServiceCreditTerms
from governance.values import Period
from sla.service_credits.annual import last_twelve_months
from sla.service_credits.assessment import Case
from sla.service_credits.award import product_words
from sla.service_credits.values import PeriodResults, PersistentFailureCredit, ServiceCredits
from sla.service_credits.wording import amount_words, ordinal, percent_words, stated_or


def persistent_failures(
    terms: ServiceCreditTerms,
    cases: Mapping[str, Case],
    results: PeriodResults,
    earlier: Sequence[ServiceCredits],
) -> tuple[PersistentFailureCredit, ...]:
    """The further credits of a period, before any cap, each rounded half up to the currency.

    Every miss that counts for the history counts, whatever it cost by itself. A credit is due
    with the miss that makes the count full within so many calendar months, this one included;
    the misses behind it are used up, each clause using up its own. The annual fee is the credit
    bases of the last 12 months, this one included, as far as there are any.
    """
    fee = last_twelve_months(results, earlier).base
    return tuple(
        credit
        for position, rule in enumerate(terms.persistent_failure)
        for case in _concerned(rule, cases)
        for credit in _due(rule, position, case, fee, earlier)
    )


def _concerned(rule: PersistentFailure, cases: Mapping[str, Case]) -> Iterator[Case]:
    for level_id, case in cases.items():
        if not rule.service_levels or level_id in rule.service_levels:
            yield case


def _due(
    rule: PersistentFailure,
    position: int,
    case: Case,
    fee: Decimal,
    earlier: Sequence[ServiceCredits],
) -> Iterator[PersistentFailureCredit]:
    if not case.now.missed:
        return
    misses = _unused_misses(rule, position, case, earlier)
    if len(misses) < rule.count:
        return
    credit = case.money(fee * rule.percent / Decimal(100))
    factors = (
        f"{amount_words(fee, case.currency)}, the fee of the last 12 months,"
        f" × {percent_words(rule.percent)}"
    )
    yield PersistentFailureCredit(
        rule=position,
        service_level=case.level.id,
        misses=misses,
        before_cap=credit,
        credit=credit,
        why=(
            f"{stated_or(rule.clause, case.level)}: {case.level.id} was missed for the"
            f" {ordinal(len(misses))} time within {rule.within_months} months"
            f" ({', '.join(each.label for each in misses)});"
            f" {product_words(factors, credit, case.currency)}"
        ),
    )


def _unused_misses(
    rule: PersistentFailure, position: int, case: Case, earlier: Sequence[ServiceCredits]
) -> tuple[Period, ...]:
    window = Period.months_ending(case.now.period.end, rule.within_months)
    used = {
        miss
        for given in earlier
        for failure in given.persistent_failures
        if (failure.rule, failure.service_level) == (position, case.level.id)
        for miss in failure.misses
    }
    return tuple(
        assessment.period
        for assessment in case.timeline
        if assessment.missed
        and window.contains(assessment.period.end)
        and assessment.period not in used
    )
