"""Find the provider's invoices, their checks and what was contested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.provider_invoices.checking import comparison_of, current_check, is_stale
from billing.provider_invoices.comparison import Comparison
from billing.provider_invoices.models import (
    ContestState,
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceContest,
)
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import NotFound
from governance.values import Period

_STILL = frozenset({ContestState.OPEN, ContestState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class PeriodCheck:
    """A check as it stands."""

    row: ProviderInvoiceCheck
    result: Comparison
    stale: bool
    """Whether the period was settled again since."""


@dataclass(frozen=True, slots=True)
class Month:
    """What became of a period's billing; amounts in whole minor units."""

    period: Period
    currency: str
    billed: int
    expected: int
    contested: int
    """What waits for an answer or for its credit note."""
    recovered: int
    """What was credited of what was contested."""

    @property
    def difference(self) -> int:
        """What is billed too much."""
        return self.billed - self.expected


def get_invoice(
    session: Session, actor: Actor, engagement: Engagement, invoice_id: int
) -> ProviderInvoice:
    """One document, for a member; NotFound for an unknown one."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.scalars(
        select(ProviderInvoice).where(
            col(ProviderInvoice.engagement_id) == engagement.id,
            col(ProviderInvoice.id) == invoice_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"{engagement.reference} has no such invoice of the provider")
    return row


def list_invoices(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[ProviderInvoice, ...]:
    """All documents, newest period first, those set aside too."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(ProviderInvoice)
        .where(col(ProviderInvoice.engagement_id) == engagement.id)
        .order_by(col(ProviderInvoice.period_start).desc(), col(ProviderInvoice.id).desc())
    )
    return tuple(found)


def check_of(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> PeriodCheck | None:
    """The newest check of a period, for a member; None where it wasn't checked yet."""
    require(session, actor, engagement, Permission.VIEW)
    row = current_check(session, engagement, period)
    if row is None:
        return None
    return PeriodCheck(row, comparison_of(row), is_stale(session, engagement, row))


def list_contests(
    session: Session, actor: Actor, engagement: Engagement, period: Period | None = None
) -> tuple[ProviderInvoiceContest, ...]:
    """What was contested, newest first; of one period or of all."""
    require(session, actor, engagement, Permission.VIEW)
    asked = (
        select(ProviderInvoiceContest)
        .where(col(ProviderInvoiceContest.engagement_id) == engagement.id)
        .order_by(col(ProviderInvoiceContest.number).desc())
    )
    if period is not None:
        asked = asked.join(
            ProviderInvoiceCheck,
            col(ProviderInvoiceCheck.id) == col(ProviderInvoiceContest.check_id),
        ).where(
            col(ProviderInvoiceCheck.period_start) == period.start,
            col(ProviderInvoiceCheck.period_end) == period.end,
        )
    return tuple(session.scalars(asked))


def months_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[Month, ...]:
    """Billed, expected, contested and recovered by checked period, oldest first."""
    require(session, actor, engagement, Permission.VIEW)
    checks = session.scalars(
        select(ProviderInvoiceCheck).where(col(ProviderInvoiceCheck.engagement_id) == engagement.id)
    ).all()
    periods = {row.id: row.period for row in checks}
    contests: dict[Period, list[ProviderInvoiceContest]] = {}
    for one in list_contests(session, actor, engagement):
        contests.setdefault(periods[one.check_id], []).append(one)
    current = [row for row in checks if row.superseded_at is None]
    return tuple(_month(row, contests.get(row.period, ())) for row in _by_period(current))


def _by_period(rows: Iterable[ProviderInvoiceCheck]) -> list[ProviderInvoiceCheck]:
    return sorted(rows, key=lambda row: row.period_start)


def _month(row: ProviderInvoiceCheck, contests: Sequence[ProviderInvoiceContest]) -> Month:
    return Month(
        row.period,
        row.currency,
        row.billed_minor,
        row.expected_minor,
        sum(_waiting(one) for one in contests if one.state in _STILL),
        sum(one.accepted_minor or 0 for one in contests if one.state is ContestState.RESOLVED),
    )


def _waiting(contest: ProviderInvoiceContest) -> int:
    accepted = contest.accepted_minor
    return contest.amount_minor if accepted is None else accepted
