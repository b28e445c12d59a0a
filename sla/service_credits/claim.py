"""Whether a period's credit was claimed in time.

Source: the contract language, section "Service credits", key `claim_within_days`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from governance.contract.service_credits import ServiceCreditTerms
from governance.values import Period
from sla.service_credits.values import Claim, Claims, ServiceCredits


def last_day_to_claim(terms: ServiceCreditTerms | None, period: Period) -> date | None:
    """The last calendar day on which a period's credit can be claimed; None where it needn't be.

    The day after the period is the first of the `claim_within_days` days, and the last of them
    still counts.
    """
    if terms is None or terms.claim_within_days is None:
        return None
    return period.end + timedelta(days=terms.claim_within_days)


def with_claim(
    given: ServiceCredits, terms: ServiceCreditTerms | None, claims: Claims | None
) -> ServiceCredits:
    """The credit with the state of its claim, and its net by that.

    Open until the last day to claim, then claimed or lapsed. A credit that lapsed is nothing in
    the net, and nothing to later caps and earn-backs either; its amount and its sentences stay,
    so that everyone sees what was lost. The bonus and what was earned back on earlier credits
    stand. Nothing changes where nothing was credited, or nothing is known of claims.
    """
    until = last_day_to_claim(terms, given.period)
    if until is None or claims is None or not given.credit:
        return given
    claimed = replace(given, claim=Claim(claims.state(until), until, claims.claimed_on))
    return with_net(_without_set_off(claimed) if claimed.lapsed else claimed)


def _without_set_off(given: ServiceCredits) -> ServiceCredits:
    """Without what a balance took off this credit, which is nothing now."""
    others = tuple(each for each in given.earn_backs if each.period != given.period)
    amount = sum((each.amount for each in others), given.earned_back - given.earned_back)
    return replace(given, earn_backs=others, earned_back=amount)


def with_net(given: ServiceCredits) -> ServiceCredits:
    """The credit with its net: credit − earned_back − bonus."""
    return replace(given, net=given.counted - given.earned_back - given.bonus)
