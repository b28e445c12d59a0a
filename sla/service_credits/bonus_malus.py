"""A malus for misses and a bonus for surpassing, both beyond a neutral zone.

% of the base = (distance from expected − neutral points) × percent a point, up to a maximum.
Source: the contract language, section "Service credits", method bonus_malus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from governance.contract.service_credits import BonusMalusTerms
from governance.contract.service_levels import BonusMalus
from governance.values import plain, round_money, summed
from sla.service_credits.annual import last_twelve_months
from sla.service_credits.assessment import Case, better
from sla.service_credits.award import Award, product_words
from sla.service_credits.cap import share_out
from sla.service_credits.values import PeriodResults, ServiceCredits
from sla.service_credits.wording import amount_words, counted, percent_words

_NOTHING = Decimal(0)


def award(case: Case) -> Award:
    """The malus of a miss as a credit, or the bonus of a value that surpasses what is expected.

    Within the neutral zone, its bounds included, nothing follows. Parts of a point count in
    part. Both are rounded half up to the currency; the bonus isn't capped yet.
    """
    terms, value = case.level.bonus_malus, case.now.value
    if terms is None:
        nothing = "the service level has no bonus or malus"
        return Award(_NOTHING, nothing if case.now.missed else "")
    if value is None or not case.now.counts or value == case.level.expected:
        return Award(_NOTHING, bonus=_NOTHING)
    surpassed = better(case.direction, value, case.level.expected)
    maximum = terms.max_bonus_percent if surpassed else terms.max_malus_percent
    if surpassed and not maximum:
        return Award(_NOTHING, bonus=_NOTHING)
    beyond = abs(value - case.level.expected) - terms.neutral_points
    if beyond <= 0:
        return Award(_NOTHING, _in_zone(terms), bonus=_NOTHING)
    return _beyond(case, terms, beyond, maximum, surpassed=surpassed)


def _in_zone(terms: BonusMalus) -> str:
    return (
        f"within the neutral zone of {counted(terms.neutral_points, 'point')}, so nothing follows"
    )


def _beyond(
    case: Case, terms: BonusMalus, beyond: Decimal, maximum: Decimal, *, surpassed: bool
) -> Award:
    uncapped = beyond * terms.percent_per_point
    percent = min(uncapped, maximum)
    amount = case.money(case.base * percent / Decimal(100))
    zone = f" beyond the neutral {plain(terms.neutral_points)}" if terms.neutral_points else ""
    steps = f"{counted(beyond, 'point')}{zone} × {percent_words(terms.percent_per_point)}"
    if percent < uncapped:
        steps += f", at most {percent_words(percent)}"
    name = "bonus" if surpassed else "malus"
    factors = f"{amount_words(case.base, case.currency)} × {percent_words(percent)}"
    arithmetic = f"{steps}; {name} {product_words(factors, amount, case.currency)}"
    if surpassed:
        return Award(_NOTHING, arithmetic, bonus=amount)
    return Award(amount, arithmetic, bonus=_NOTHING)


def capped_bonuses(
    terms: BonusMalusTerms,
    awards: Mapping[str, Award],
    results: PeriodResults,
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> dict[str, Award]:
    """The awards with their bonuses under the annual bonus cap, shared as credits are.

    The cap is its percentage of the bases of the last 12 months, this one included, less the
    bonuses of the months before.
    """
    bonuses = {key: award.bonus for key, award in awards.items() if award.bonus is not None}
    total = summed(bonuses.values())
    cap = _bonus_cap(terms, results, earlier, currency)
    if cap is None or total <= cap:
        return dict(awards)
    shares = share_out(cap, bonuses, currency)
    return {
        **awards,
        **dict(_shared(awards, shares, f"{amount_words(cap, currency)}", currency)),
    }


def _shared(
    awards: Mapping[str, Award], shares: Mapping[str, Decimal], cap: str, currency: str
) -> Iterator[tuple[str, Award]]:
    for key, share in shares.items():
        award = awards[key]
        if award.bonus:
            share_words = amount_words(share, currency)
            words = f"; its share under the annual bonus cap, of which {cap} is left, is"
            text = f"{award.arithmetic}{words} {share_words}"
            yield key, replace(award, bonus=share, arithmetic=text)


def _bonus_cap(
    terms: BonusMalusTerms,
    results: PeriodResults,
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> Decimal | None:
    if terms.annual_bonus_cap_percent is None:
        return None
    year = last_twelve_months(results, earlier)
    paid = summed(each.bonus for each in year.before)
    cap = year.base * terms.annual_bonus_cap_percent / Decimal(100) - paid
    return max(_NOTHING, round_money(cap, currency))
