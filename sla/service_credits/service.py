"""Keep service credits as they were computed."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.values import Money
from sla.measurements.models import MeasuredPeriodRecord
from sla.measurements.service import exact_text
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal
from sla.service_credits.values import LevelCredit, ServiceCredits


def store_service_credits(
    session: Session, measured: MeasuredPeriodRecord, credit: ServiceCredits
) -> ServiceCreditTotal:
    """Add a period's service credit with each service level's share; never changed afterwards."""

    def minor(amount: Decimal) -> int:
        return Money.of(amount, credit.currency).minor

    total = ServiceCreditTotal(
        measured_period_id=measured.id,
        currency=credit.currency,
        base_minor=minor(credit.base),
        cap_minor=None if credit.cap is None else minor(credit.cap),
        before_cap_minor=minor(credit.before_cap),
        credit_minor=minor(credit.credit),
        earned_back_minor=minor(credit.earned_back),
        net_minor=minor(credit.net),
    )
    session.add(total)
    session.flush()
    session.add_all([_row(total, one) for one in credit.service_levels])
    session.flush()
    return total


def _row(total: ServiceCreditTotal, one: LevelCredit) -> ServiceCreditRecord:
    return ServiceCreditRecord(
        total_id=total.id,
        service_level=one.id,
        value=exact_text(one.value),
        status=one.status,
        currency=total.currency,
        before_cap_minor=Money.of(one.before_cap, total.currency).minor,
        credit_minor=Money.of(one.credit, total.currency).minor,
        points=exact_text(one.points),
        multiplier=exact_text(one.multiplier),
        why=one.why,
    )


def total_of(session: Session, measured: MeasuredPeriodRecord) -> ServiceCreditTotal | None:
    """The service credit of a measured period; None where the contract agrees none."""
    return session.execute(
        select(ServiceCreditTotal).where(col(ServiceCreditTotal.measured_period_id) == measured.id)
    ).scalar_one_or_none()


def credits_of(session: Session, total: ServiceCreditTotal) -> tuple[ServiceCreditRecord, ...]:
    """Each service level's share, in the contract's order."""
    found = session.scalars(
        select(ServiceCreditRecord)
        .where(col(ServiceCreditRecord.total_id) == total.id)
        .order_by(col(ServiceCreditRecord.id))
    )
    return tuple(found)
