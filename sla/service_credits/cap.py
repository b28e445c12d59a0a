"""Caps on a period's service credit, and sharing a capped total over the service levels.

Source: the contract language, section "Service credits", common keys.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from governance.contract.service_credits import AtRiskPool, ServiceCreditTerms
from governance.values import minor_digits, round_money, summed
from sla.service_credits.annual import last_twelve_months
from sla.service_credits.values import PeriodResults, ServiceCredits

Key = TypeVar("Key", bound=Hashable)


def cap_of(
    terms: ServiceCreditTerms,
    results: PeriodResults,
    earlier: Sequence[ServiceCredits],
    currency: str,
) -> Decimal | None:
    """The tightest cap agreed for the period, rounded half up; None where none is agreed.

    The annual cap is its percentage of the bases of the last 12 months, this period included,
    less the credits already given in them. Credits earned back don't free the annual cap again;
    one that lapsed unclaimed was never given. All that a period's results cost falls under the
    caps: misses, persistent failures and late milestones.
    """
    caps = list(_caps(terms, results, earlier))
    return max(Decimal(0), round_money(min(caps), currency)) if caps else None


def _caps(
    terms: ServiceCreditTerms, results: PeriodResults, earlier: Sequence[ServiceCredits]
) -> Iterator[Decimal]:
    if isinstance(terms, AtRiskPool):
        yield results.charges * terms.at_risk_percent / Decimal(100)
    if terms.cap_percent is not None:
        yield results.charges * terms.cap_percent / Decimal(100)
    if terms.annual_cap_percent is not None:
        year = last_twelve_months(results, earlier)
        given = summed(each.counted for each in year.before)
        yield year.base * terms.annual_cap_percent / Decimal(100) - given


def share_out(total: Decimal, uncapped: Mapping[Key, Decimal], currency: str) -> dict[Key, Decimal]:
    """Share `total` over the credits in proportion, each share rounded half up to the currency.

    What the rounding leaves over, or took too much, goes to the largest credit, and on to the
    next largest where a share would exceed its own credit or fall below zero. So the shares add
    up to `total`, which must not exceed the sum of the credits, exactly.
    """
    whole = summed(uncapped.values())
    if total >= whole:
        return dict(uncapped)
    shares = {key: round_money(total * each / whole, currency) for key, each in uncapped.items()}
    left = total - summed(shares.values())
    for key in sorted(uncapped, key=lambda key: uncapped[key], reverse=True):
        moved = max(-shares[key], min(left, uncapped[key] - shares[key]))
        shares[key] += moved
        left -= moved
    cent = Decimal(1).scaleb(-minor_digits(currency))
    return {key: share.quantize(cent) for key, share in shares.items()}
