"""Find claims and incidents again; the callers have checked the permission."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Permission, Role, permits
from governance.engagements.models import Engagement
from governance.parties.models import Membership, User
from governance.values import Period
from sla.claims.models import CreditClaim, CreditIncident
from sla.claims.values import Incident
from sla.measurements.models import MeasuredPeriodRecord
from sla.reviews.queries import sealed_periods
from sla.service_credits.models import ServiceCreditTotal


def claims_in(session: Session, engagement: Engagement) -> dict[Period, CreditClaim]:
    """Every credit of an engagement that was claimed or has lapsed, by period."""
    found = session.scalars(
        select(CreditClaim)
        .where(col(CreditClaim.engagement_id) == engagement.id)
        .order_by(col(CreditClaim.period_start))
    )
    return {row.period: row for row in found}


def claimants(session: Session, engagement: Engagement, day: date) -> tuple[User, ...]:
    """Everyone who may claim credits for the client on a day, by name."""
    roles = [role for role in Role if permits({role}, Permission.CLAIM_CREDIT)]
    found = session.scalars(
        select(User)
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(
            col(Membership.engagement_id) == engagement.id,
            col(Membership.role).in_(roles),
            col(User.active),
            or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= day),
            or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= day),
        )
        .order_by(col(User.name), col(User.id))
    )
    by_id = {one.id: one for one in found}
    return tuple(by_id.values())


def incidents_of(
    session: Session, engagement: Engagement, period: Period
) -> tuple[CreditIncident, ...]:
    """The incidents of a period that stand, oldest first."""
    found = session.scalars(
        select(CreditIncident)
        .where(
            col(CreditIncident.engagement_id) == engagement.id,
            col(CreditIncident.period_start) == period.start,
            col(CreditIncident.period_end) == period.end,
            col(CreditIncident.removed_at).is_(None),
        )
        .order_by(col(CreditIncident.number))
    )
    return tuple(found)


def incidents_in(
    session: Session, engagement: Engagement, months: Iterable[Period]
) -> dict[Period, tuple[Incident, ...]]:
    """What calculations know of the incidents of some periods; those without any are left out."""
    found = {month: incidents_of(session, engagement, month) for month in months}
    return {month: tuple(row.incident for row in rows) for month, rows in found.items() if rows}


def stated_credits(
    session: Session, engagement: Engagement
) -> dict[Period, tuple[ServiceCreditTotal, MeasuredPeriodRecord]]:
    """The service credit of each settled period as it counts now.

    That is the period's last settlement, or the last restatement that both sides have sealed.
    """
    rows = session.execute(
        select(ServiceCreditTotal, MeasuredPeriodRecord)
        .join(
            MeasuredPeriodRecord,
            col(MeasuredPeriodRecord.id) == col(ServiceCreditTotal.measured_period_id),
        )
        .where(col(MeasuredPeriodRecord.engagement_id) == engagement.id)
        .order_by(
            col(MeasuredPeriodRecord.period_start),
            col(MeasuredPeriodRecord.restatement),
            col(MeasuredPeriodRecord.id),
        )
    )
    sealed = {seal.measured_period_id for seal in sealed_periods(session, engagement)}
    return {
        Period(measured.period_start, measured.period_end): (total, measured)
        for total, measured in rows
        if not measured.restatement or measured.id in sealed
    }
