"""Which credits come off an invoice where the client has to claim them.

Source: the contract language, section "Service credits", `claim_within_days`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal

from governance.values import Period
from sla.service_credits.values import ClaimState, EarnedBack, ServiceCredits


def with_claims(
    due: Sequence[ServiceCredits], given: Sequence[ServiceCredits], late: Collection[Period]
) -> tuple[ServiceCredits, ...]:
    """Of the credits that are `due` on an invoice, what was claimed; and what was claimed later.

    A credit that is open or has lapsed comes off with nothing; what was earned back of earlier
    credits and the period's bonus count all the same. `late` are earlier periods, whose invoice
    was sealed before the claim: of them comes off the credit alone, less what a balance is set
    off against it, as the rest was settled there. Oldest first.
    """
    earlier = [_alone(one) for one in given if one.period in late]
    return (*earlier, *(_without_open(one) for one in due if one.period not in late))


def _without_open(given: ServiceCredits) -> ServiceCredits:
    """Without the credit while it is open or lapsed; an invoice states no part of it then."""
    if given.claim is None or given.claim.state is ClaimState.CLAIMED:
        return given
    nothing = given.credit - given.credit
    others = tuple(one for one in given.earn_backs if one.period != given.period)
    back = _sum(given, others)
    return replace(
        given,
        service_levels=tuple(
            replace(one, before_cap=nothing, credit=nothing) for one in given.service_levels
        ),
        persistent_failures=(),
        milestones=(),
        before_cap=nothing,
        credit=nothing,
        earn_backs=others,
        earned_back=back,
        net=-(back + given.bonus),
    )


def _alone(given: ServiceCredits) -> ServiceCredits:
    own = tuple(one for one in given.earn_backs if one.period == given.period)
    back = _sum(given, own)
    return replace(
        given,
        service_levels=tuple(replace(one, bonus=None) for one in given.service_levels),
        earn_backs=own,
        earned_back=back,
        bonus=given.bonus - given.bonus,
        net=given.credit - back,
    )


def _sum(given: ServiceCredits, earn_backs: Sequence[EarnedBack]) -> Decimal:
    """With the decimals of the currency, where there is nothing to add up, too."""
    nothing = given.earned_back - given.earned_back
    return sum((one.amount for one in earn_backs), nothing)
