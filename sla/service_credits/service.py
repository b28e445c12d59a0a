"""Keep service credits as they were computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.tables import canonical_json
from governance.values import Money, Period, round_money
from sla.measurements.details import exact, exact_text
from sla.measurements.models import MeasuredPeriodRecord
from sla.service_credits.further import further_text, with_further
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal
from sla.service_credits.values import EarnedBack, LevelCredit, ServiceCredits
from sla.service_credits.wording import number_words


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
        earn_backs_json=_earn_backs_json(credit),
        bonus_minor=minor(credit.bonus),
        further_json=further_text(credit),
    )
    session.add(total)
    session.flush()
    session.add_all([_row(total, one) for one in credit.service_levels])
    session.flush()
    return total


def _earn_backs_json(credit: ServiceCredits) -> str | None:
    if not credit.earn_backs:
        return None
    rows = [
        {
            "service_level": one.service_level,
            "start": one.period.start.isoformat(),
            "end": one.period.end.isoformat(),
            "amount": exact_text(one.amount),
            "why": one.why,
        }
        for one in credit.earn_backs
    ]
    return canonical_json(rows).decode()


def _row(total: ServiceCreditTotal, one: LevelCredit) -> ServiceCreditRecord:
    return ServiceCreditRecord(
        total_id=total.id,
        service_level=one.id,
        value=None if one.value is None else number_words(one.value),
        status=one.status,
        currency=total.currency,
        before_cap_minor=Money.of(one.before_cap, total.currency).minor,
        credit_minor=Money.of(one.credit, total.currency).minor,
        points=exact_text(one.points),
        multiplier=exact_text(one.multiplier),
        bonus_minor=None if one.bonus is None else Money.of(one.bonus, total.currency).minor,
        expected=None if one.expected is None else number_words(one.expected),
        why=one.why,
    )


def service_credits_of(session: Session, measured: MeasuredPeriodRecord) -> ServiceCredits | None:
    """The service credit that was stored with a measured period; None where there is none."""
    total = total_of(session, measured)
    if total is None:
        return None

    def amount(minor: int) -> Decimal:
        return Money(minor, total.currency).amount

    stored = ServiceCredits(
        period=Period(measured.period_start, measured.period_end),
        currency=total.currency,
        base=amount(total.base_minor),
        cap=None if total.cap_minor is None else amount(total.cap_minor),
        service_levels=tuple(_level_credit(row) for row in credits_of(session, total)),
        before_cap=amount(total.before_cap_minor),
        credit=amount(total.credit_minor),
        earned_back=amount(total.earned_back_minor),
        net=amount(total.net_minor),
        earn_backs=tuple(
            _earned_back(one, total.currency) for one in json.loads(total.earn_backs_json or "[]")
        ),
        bonus=amount(total.bonus_minor),
    )
    return with_further(stored, total.further_json)


def _level_credit(row: ServiceCreditRecord) -> LevelCredit:
    return LevelCredit(
        id=row.service_level,
        value=exact(row.value),
        status=row.status,
        credit=row.credit.amount,
        before_cap=Money(row.before_cap_minor, row.currency).amount,
        why=row.why,
        points=exact(row.points),
        multiplier=exact(row.multiplier),
        bonus=None if row.bonus_minor is None else Money(row.bonus_minor, row.currency).amount,
        expected=exact(row.expected),
    )


def _earned_back(stored: Mapping[str, str], currency: str) -> EarnedBack:
    days = Period(date.fromisoformat(stored["start"]), date.fromisoformat(stored["end"]))
    amount = round_money(Decimal(stored["amount"]), currency)
    return EarnedBack(stored["service_level"], days, amount, stored["why"])


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
