"""Every period's service credit with its claim, and the invoice that it comes off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from billing.settlement.claims import came_off
from billing.settlement.queries import settled_periods
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound
from governance.parties.models import User
from governance.values import Period
from sla.claims.queries import stated_credits
from sla.claims.service import ClaimView, claim_views
from sla.service_credits.service import service_credits_of
from sla.service_credits.values import ServiceCredits


@dataclass(frozen=True, slots=True)
class PeriodCredit:
    """One settled period's service credit."""

    credits: ServiceCredits
    restatement: int
    """The number of the sealed restatement that states it; 0 for the settlement itself."""
    claim: ClaimView | None
    """None where the contract asks for no claim."""
    claimed_by: User | None
    comes_off: Period | None
    """The period of the invoice that it comes off; None while it is on none."""
    invoice: str
    """That invoice's number; empty for none and for a draft."""

    @property
    def period(self) -> Period:
        """The days that it is for."""
        return self.credits.period


def credit_history(
    session: Session, actor: Actor, engagement: Engagement, at: datetime
) -> tuple[PeriodCredit, ...]:
    """The service credits of an engagement's settled periods, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    numbers = {
        one.period: one.invoice.number or "" for one in settled_periods(session, actor, engagement)
    }
    claims = {one.window.period: one for one in claim_views(session, engagement, at)}
    invoices = came_off(session, engagement)
    found = []
    for period, (_, measured) in stated_credits(session, engagement).items():
        given = service_credits_of(session, measured)
        if given is None:
            continue
        claim, off = claims.get(period), invoices.get(period)
        found.append(
            PeriodCredit(
                credits=given,
                restatement=measured.restatement,
                claim=claim,
                claimed_by=_claimed_by(session, claim),
                comes_off=off,
                invoice=numbers.get(off, "") if off else "",
            )
        )
    return tuple(reversed(found))


def _claimed_by(session: Session, claim: ClaimView | None) -> User | None:
    key = claim.row.decided_by_id if claim and claim.row else None
    return None if key is None else session.get_one(User, key)


def credit_of_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period, at: datetime
) -> PeriodCredit:
    """The same for one period; NotFound where it isn't settled or the contract has no credits."""
    for one in credit_history(session, actor, engagement, at):
        if one.period == period:
            return one
    raise NotFound(f"{period.label} of {engagement.reference} has no service credit")
