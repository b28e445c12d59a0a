"""The service credit of one period, from its cases and the credits of the periods before.

Source: the contract language, section "Service credits".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from governance.contract.document import Contract
from governance.contract.service_credits import BonusMalusTerms, EarnBackForm, ServiceCreditTerms
from governance.values import round_money, summed
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award
from sla.service_credits.balance import balances, set_off
from sla.service_credits.bonus_malus import capped_bonuses
from sla.service_credits.cap import cap_of, share_out
from sla.service_credits.claim import with_claim, with_net
from sla.service_credits.earn_back import earned_back
from sla.service_credits.incidents import once_an_incident
from sla.service_credits.methods import award_of
from sla.service_credits.milestones import late_milestones
from sla.service_credits.persistent_failure import persistent_failures
from sla.service_credits.values import (
    LevelCredit,
    Mechanism,
    MilestoneLate,
    PeriodResults,
    PersistentFailureCredit,
    ServiceCredits,
)
from sla.service_credits.wording import amount_words, clause_words, comparison

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class PeriodCase:
    """All that the credit of one period follows from."""

    contract: Contract
    cases: Mapping[str, Case]
    """By service level id."""
    results: PeriodResults
    reached: Mapping[str, date]
    """The milestones known to be reached so far."""
    earlier: Sequence[ServiceCredits]
    """Of all periods before, oldest first."""

    @property
    def terms(self) -> ServiceCreditTerms | None:
        """None where the contract agrees no service credits."""
        return self.contract.service_credits

    @property
    def currency(self) -> str:
        """The engagement's."""
        return self.contract.engagement.currency


@dataclass(frozen=True, slots=True)
class _Costs:
    """What a period costs before and, once shared out, after the cap."""

    awards: Mapping[str, Award]
    failures: Sequence[PersistentFailureCredit] = ()
    late: Sequence[MilestoneLate] = ()

    def uncapped(self) -> dict[tuple[str, ...], Decimal]:
        """Every credit by a key of its own: misses, persistent failures, milestones."""
        return {
            **{("level", level_id): award.credit for level_id, award in self.awards.items()},
            **{_failure_key(each): each.before_cap for each in self.failures},
            **{("milestone", each.id): each.before_cap for each in self.late},
        }


def _failure_key(failure: PersistentFailureCredit) -> tuple[str, ...]:
    return ("failure", str(failure.rule), failure.service_level)


@dataclass(frozen=True, slots=True)
class _Capped:
    cap: Decimal | None
    currency: str
    shares: Mapping[tuple[str, ...], Decimal]

    def words(self, share: Decimal, before: Decimal) -> str:
        """What the cap left of a credit, to end its sentence with."""
        if self.cap is None or share >= before:
            return ""
        cap = amount_words(self.cap, self.currency)
        return f"; its share under the cap of {cap} is {amount_words(share, self.currency)}"


def credit_of_period(of: PeriodCase) -> ServiceCredits:
    """The credit with its earn-backs, bonus and claim; rounding as `compute_credits` says."""
    costs = _costs(of)
    capped = _capped(of, costs)
    levels = tuple(_level_credits(of.cases, costs.awards, capped))
    uncapped, zero = costs.uncapped(), round_money(_NOTHING, of.currency)
    stated = ServiceCredits(
        period=of.results.period,
        currency=of.currency,
        base=of.results.charges,
        cap=capped.cap,
        service_levels=levels,
        before_cap=round_money(summed(uncapped.values()), of.currency),
        credit=round_money(summed(capped.shares.values()), of.currency),
        earned_back=zero,
        net=zero,
        bonus=sum((level.bonus for level in levels if level.bonus), zero),
        persistent_failures=tuple(_failures(costs.failures, capped)),
        milestones=tuple(_milestones(costs.late, capped)),
        agreed=tuple(_agreed(of.terms)),
    )
    claimed = with_claim(stated, of.terms, of.results.claims)
    return with_net(_with_earn_backs(of, claimed))


def _costs(of: PeriodCase) -> _Costs:
    terms = of.terms
    if terms is None:
        return _Costs(dict.fromkeys(of.cases, Award(_NOTHING)))
    awards: Mapping[str, Award] = {
        level_id: award_of(terms, case) for level_id, case in of.cases.items()
    }
    awards = once_an_incident(terms, of.cases, awards, of.results.chosen)
    if isinstance(terms, BonusMalusTerms):
        awards = capped_bonuses(terms, awards, of.results, of.earlier, of.currency)
    return _Costs(
        awards,
        persistent_failures(terms, of.cases, of.results, of.earlier),
        late_milestones(terms, of.results, of.reached, of.earlier, of.currency),
    )


def _capped(of: PeriodCase, costs: _Costs) -> _Capped:
    uncapped = costs.uncapped()
    cap = None if of.terms is None else cap_of(of.terms, of.results, of.earlier, of.currency)
    if cap is None:
        return _Capped(None, of.currency, uncapped)
    total = min(cap, summed(uncapped.values()))
    return _Capped(cap, of.currency, share_out(total, uncapped, of.currency))


def _agreed(terms: ServiceCreditTerms | None) -> Iterator[Mechanism]:
    if terms is None:
        return
    if isinstance(terms, BonusMalusTerms):
        yield Mechanism.BONUS
    if terms.persistent_failure:
        yield Mechanism.PERSISTENT_FAILURES
    if terms.milestones:
        yield Mechanism.MILESTONES
    if terms.earn_back is not None and terms.earn_back.form is EarnBackForm.BALANCE:
        yield Mechanism.BALANCE


def _level_credits(
    cases: Mapping[str, Case], awards: Mapping[str, Award], capped: _Capped
) -> Iterator[LevelCredit]:
    for level_id, case in cases.items():
        if not case.now.stated:
            continue
        award, credit = awards[level_id], capped.shares["level", level_id]
        yield LevelCredit(
            id=level_id,
            value=case.now.value,
            status=case.now.status,
            credit=case.money(credit),
            before_cap=case.money(award.credit),
            why=_why(case, award) + capped.words(credit, award.credit),
            points=award.points,
            multiplier=award.multiplier,
            bonus=None if award.bonus is None else case.money(award.bonus),
            expected=None if case.level.ratchet is None else case.level.expected,
        )


def _why(case: Case, award: Award) -> str:
    level, now = case.level, case.now
    text = f"{clause_words(level)}: {comparison(level, case.direction, now.value, now.status)}"
    if now.risen:
        text += f" ({now.risen})"
    if not now.consequential:
        return f"{text}; {now.why_not}"
    if not now.judged:
        return f"{text}; judged at the end of the {level.window.value}"
    return f"{text}; {award.arithmetic}" if award.arithmetic else text


def _failures(
    failures: Sequence[PersistentFailureCredit], capped: _Capped
) -> Iterator[PersistentFailureCredit]:
    for each in failures:
        share = round_money(capped.shares[_failure_key(each)], capped.currency)
        why = each.why + capped.words(share, each.before_cap)
        yield replace(each, credit=share, why=why)


def _milestones(late: Sequence[MilestoneLate], capped: _Capped) -> Iterator[MilestoneLate]:
    for each in late:
        share = round_money(capped.shares["milestone", each.id], capped.currency)
        why = each.why + capped.words(share, each.before_cap)
        yield replace(each, credit=share, why=why)


def _with_earn_backs(of: PeriodCase, stated: ServiceCredits) -> ServiceCredits:
    earn_back = None if of.terms is None else of.terms.earn_back
    if earn_back is None:
        return stated
    so_far = (*of.earlier, stated)
    if earn_back.form is EarnBackForm.BALANCE:
        movements = balances(earn_back, of.cases, so_far)
        returned = set_off(movements, stated)
        stated = replace(stated, balance=movements)
    else:
        starts = of.contract.engagement.starts
        returned = earned_back(earn_back, of.cases, so_far, starts)
    amount = sum((each.amount for each in returned), stated.earned_back)
    return replace(stated, earned_back=amount, earn_backs=returned)
