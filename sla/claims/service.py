"""Claim a period's service credit for the client, and record that one has lapsed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import contract_of, governing_versions
from governance.errors import Conflict
from governance.values import Money, Period, money_text
from sla.claims.models import CreditClaim
from sla.claims.queries import claims_in, stated_credits
from sla.claims.values import Window, window_under
from sla.service_credits.values import ClaimState


@dataclass(frozen=True, slots=True)
class ClaimView:
    """Where a period's credit stands with its claim."""

    window: Window
    state: ClaimState
    """Lapsed as soon as the window is over, whether or not it is recorded already."""
    today: date
    """The day where the engagement is."""
    amount: Money | None
    """The credit as it counts now; None where the period isn't settled yet."""
    row: CreditClaim | None
    """What became of it; None while nothing is recorded."""

    @property
    def days_left(self) -> int:
        """Calendar days until the last one to claim on."""
        return self.window.days_left(self.today)

    @property
    def may_be_claimed(self) -> bool:
        """Whether the client can claim it now: it is open, and not known to be nothing."""
        known_nothing = self.amount is not None and self.amount.minor <= 0
        is_open = self.state is ClaimState.OPEN and self.window.accepts(self.today)
        return is_open and not known_nothing


def today_of(contract: Contract, at: datetime) -> date:
    """The day of a moment where the engagement is."""
    return at.astimezone(ZoneInfo(contract.engagement.time_zone)).date()


def claim_views(session: Session, engagement: Engagement, at: datetime) -> tuple[ClaimView, ...]:
    """Every period whose credit has to be claimed and that is over, oldest first.

    Periods are those of the contract's months so far, each by the version that governs its last
    day. The caller has checked the permission.
    """
    rows, stated = claims_in(session, engagement), stated_credits(session, engagement)
    found = []
    for period, contract in _periods(session, engagement, at):
        window = window_under(contract, period)
        if window is None:
            continue
        row, today = rows.get(period), today_of(contract, at)
        total = stated[period][0] if period in stated else None
        amount = None if total is None else Money(total.credit_minor, total.currency)
        state = row.state if row else window.state(today)
        found.append(ClaimView(window, state, today, amount, row))
    return tuple(found)


def _periods(
    session: Session, engagement: Engagement, at: datetime
) -> list[tuple[Period, Contract]]:
    """The months of the engagement that are over, each with the contract that governs it."""
    versions = governing_versions(session, engagement)
    if not any(_may_ask(one.document) for one in versions):
        return []
    contracts = [(one.effective_from, one.number, contract_of(one)) for one in versions]
    if not any(_asks_for_claims(contract) for *_, contract in contracts):
        return []
    frame = contracts[-1][2].engagement
    today = today_of(contracts[-1][2], at)
    last = min(today, frame.ends) if frame.ends else today
    if last < frame.starts:
        return []
    found = []
    for month in Period(frame.starts, last).months():
        whole = Period.month(month.end.year, month.end.month)
        known = [one for one in contracts if one[0] <= whole.end]
        if whole.end < today and known:
            found.append((whole, max(known, key=lambda one: one[:2])[2]))
    return found


def _may_ask(document: bytes) -> bool:
    """Whether it is worth reading a contract for its claim windows; most have none.

    A key that is written with escapes is rare, and read too.
    """
    return b"claim_within_days" in document or b"\\" in document


def _asks_for_claims(contract: Contract) -> bool:
    terms = contract.service_credits
    return terms is not None and terms.claim_within_days is not None


def claim_view_of(
    session: Session, engagement: Engagement, period: Period, at: datetime
) -> ClaimView | None:
    """The same for one period; None where its credit needs no claim, or the period isn't over."""
    views = claim_views(session, engagement, at)
    return next((one for one in views if one.window.period == period), None)


def claim_credit(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> CreditClaim:
    """Claim, for the client, a period's service credit as a whole.

    It comes off the next invoice that isn't sealed, whatever amount the credit then has. A claim
    may be made before the period is settled, so that nobody lets it lapse by settling late.

    Raises Forbidden for who may not claim, Conflict where the contract asks for no claim, the
    period isn't over, the credit is claimed already or has lapsed, or where there is none.
    """
    require(session, actor, engagement, Permission.CLAIM_CREDIT)
    lock_engagement(session, engagement)
    view = claim_view_of(session, engagement, period, actor.at)
    if view is None:
        raise Conflict(f"the contract asks for no claim to the service credit of {period.label}")
    _check_open(view, period)
    row = _row(engagement, view, actor, claimed_on=view.today)
    session.add(row)
    session.flush()
    _record(session, actor, engagement, row, Action.CREDIT_CLAIMED)
    return row


def _check_open(view: ClaimView, period: Period) -> None:
    if view.state is ClaimState.CLAIMED:
        raise Conflict(f"the service credit of {period.label} is claimed already")
    if view.state is ClaimState.LAPSED:
        raise Conflict(
            f"the service credit of {period.label} could be claimed until {view.window.until}"
            " and has lapsed"
        )
    if not view.may_be_claimed:
        raise Conflict(f"{period.label} has no service credit to claim")


def lapse_credits(session: Session, actor: Actor, engagement: Engagement) -> list[CreditClaim]:
    """Record the credits whose window is over without a claim; answers those it recorded.

    A credit that is nothing, or that the provider hasn't computed yet, is recorded once it is
    more. Each is recorded once, however often this runs.
    """
    lock_engagement(session, engagement)
    done = []
    for view in claim_views(session, engagement, actor.at):
        if view.row or view.state is not ClaimState.LAPSED:
            continue
        if view.amount is None or view.amount.minor <= 0:
            continue
        row = _row(engagement, view, actor, claimed_on=None)
        session.add(row)
        session.flush()
        _record(session, actor, engagement, row, Action.CREDIT_LAPSED)
        done.append(row)
    return done


def _row(
    engagement: Engagement, view: ClaimView, actor: Actor, *, claimed_on: date | None
) -> CreditClaim:
    return CreditClaim(
        engagement_id=engagement.id,
        period_start=view.window.period.start,
        period_end=view.window.period.end,
        until=view.window.until,
        claimed_on=claimed_on,
        decided_at=actor.at,
        decided_by_id=None if claimed_on is None else actor.signed_in_id,
        currency=engagement.currency,
        amount_minor=None if view.amount is None else view.amount.minor,
    )


def _record(
    session: Session, actor: Actor, engagement: Engagement, row: CreditClaim, action: Action
) -> None:
    amount = row.amount
    after = {
        "period": row.period.label,
        "until": row.until.isoformat(),
        "currency": row.currency,
        "amount": None if amount is None else money_text(amount.amount, row.currency),
    }
    label = f"{engagement.reference} {row.period.label}"
    change = Change(action, "credit_claim", row.id, label, engagement.id, None, after)
    record(session, actor, change)
