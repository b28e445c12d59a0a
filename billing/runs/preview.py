"""What a billing run of a month would do with each engagement; nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import FeeInvoice, InvoiceState
from billing.runs.readiness import Judged, judge_settled, judge_unsettled
from billing.runs.values import Preview, PreviewLine, Readiness
from billing.settlement.models import SettlementRecord
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.parties.models import Organisation
from governance.runs.queries import all_handled, open_items
from governance.values import Money, Period

BILLING = "billing"
"""The kind of run that issues invoices."""


USUAL_THRESHOLD = "10"
_PERCENTAGE = re.compile(r"\d{1,6}([.,]\d{1,4})?", re.ASCII)


def month_of(text: str) -> Period:
    """The month that somebody asks for, such as 2026-01; BadInput for anything else."""
    period = Period.parse(text)
    if len(list(period.months())) != 1:
        allowed = "a month as 2026-01"
        raise BadInput.one(Problem("this is no month", column="month", found=text, allowed=allowed))
    return period


def threshold_of(text: str) -> Decimal:
    """From how many percent on a difference stands out; BadInput for what is no percentage."""
    stated = text.strip() or USUAL_THRESHOLD
    if not _PERCENTAGE.fullmatch(stated):
        what, allowed = "this is no percentage", "a number such as 10"
        raise BadInput.one(Problem(what, column="threshold", found=text[:40], allowed=allowed))
    return Decimal(stated.replace(",", "."))


def providers_of(session: Session, actor: Actor) -> tuple[Organisation, ...]:
    """The providers whose engagements the actor may bill, by name."""
    ids = {one.provider_id for one in all_handled(session, actor, Permission.RUN_BILLING)}
    found = session.scalars(
        select(Organisation).where(col(Organisation.id).in_(ids)).order_by(col(Organisation.name))
    )
    return tuple(found)


def billed_by(session: Session, actor: Actor, provider_id: int) -> tuple[Engagement, ...]:
    """The provider's engagements that the actor may bill, by reference."""
    return handled_of(session, actor, provider_id, Permission.RUN_BILLING)


def handled_of(
    session: Session, actor: Actor, provider_id: int, permission: Permission
) -> tuple[Engagement, ...]:
    """The provider's engagements in which the actor may do `permission`, by reference."""
    handled = all_handled(session, actor, permission)
    return tuple(one for one in handled if one.provider_id == provider_id)


def preview_billing(session: Session, actor: Actor, provider_id: int, month: Period) -> Preview:
    """Each of the provider's engagements that the actor may bill, with its invoice of the month.

    An invoice is of the month in which its period ends. Raises nothing: what can't be billed
    says why.
    """
    engagements = billed_by(session, actor, provider_id)
    settled = settled_in(session, engagements, month)
    waiting = open_items(session, BILLING, month)
    shown = _Shown(_clients(session, engagements), _last(session, engagements, month))
    lines = []
    for one in engagements:
        found = settled.get(one.id)
        if one.id in waiting:
            judged = Judged(Readiness.IN_RUN, "an unfinished run has it before it")
        elif found is None:
            judged = judge_unsettled(session, actor, one, month)
        else:
            judged = judge_settled(session, actor, one, *found)
        lines.append(shown.line(one, month, judged, found[1] if found else None))
    return Preview(month, tuple(lines))


def settled_in(
    session: Session, engagements: Sequence[Engagement], month: Period
) -> dict[int, tuple[SettlementRecord, FeeInvoice]]:
    """By engagement, the current settlement whose period ends in the month, and its invoice."""
    found = session.execute(
        select(SettlementRecord, FeeInvoice)
        .join(FeeInvoice, col(FeeInvoice.settlement_id) == col(SettlementRecord.id))
        .where(
            col(SettlementRecord.engagement_id).in_([one.id for one in engagements]),
            col(SettlementRecord.superseded_at).is_(None),
            col(FeeInvoice.corrects_id).is_(None),
            col(SettlementRecord.period_end) >= month.start,
            col(SettlementRecord.period_end) <= month.end,
        )
        .order_by(col(SettlementRecord.period_end))
    )
    return {row.engagement_id: (row, invoice) for row, invoice in found}


@dataclass(frozen=True, slots=True)
class _Shown:
    """What lines show besides the verdict."""

    clients: Mapping[int, str]
    last: Mapping[int, Money]

    def line(
        self, engagement: Engagement, month: Period, judged: Judged, invoice: FeeInvoice | None
    ) -> PreviewLine:
        return PreviewLine(
            engagement_id=engagement.id,
            reference=engagement.reference,
            title=engagement.title,
            client=self.clients[engagement.client_id],
            period=Period(invoice.period_start, invoice.period_end) if invoice else month,
            settled=invoice is not None,
            readiness=judged.readiness,
            why=judged.why,
            payable=invoice.money(invoice.payable_minor) if invoice else None,
            last=self.last.get(engagement.id),
        )


def _clients(session: Session, engagements: Sequence[Engagement]) -> dict[int, str]:
    ids = {one.client_id for one in engagements}
    rows = session.execute(
        select(col(Organisation.id), col(Organisation.name)).where(col(Organisation.id).in_(ids))
    )
    return {row.id: row.name for row in rows}


def _last(session: Session, engagements: Sequence[Engagement], month: Period) -> dict[int, Money]:
    """By engagement, what the latest invoice of before the month comes to, issued or not."""
    mine = (
        col(FeeInvoice.engagement_id).in_([one.id for one in engagements]),
        col(FeeInvoice.state) != InvoiceState.SUPERSEDED,
        col(FeeInvoice.corrects_id).is_(None),
        col(FeeInvoice.period_end) < month.start,
        # A month without an invoice, of those billed by quarter or year, has an empty draft.
        (col(FeeInvoice.state) == InvoiceState.ISSUED) | (col(FeeInvoice.payable_minor) != 0),
    )
    latest = (
        select(col(FeeInvoice.engagement_id), func.max(col(FeeInvoice.period_end)).label("ended"))
        .where(*mine)
        .group_by(col(FeeInvoice.engagement_id))
    )
    ended = {row.engagement_id: row.ended for row in session.execute(latest)}
    rows = session.scalars(
        select(FeeInvoice).where(*mine, col(FeeInvoice.period_end).in_(set(ended.values())))
    )
    return {
        one.engagement_id: one.money(one.payable_minor)
        for one in rows
        if one.period_end == ended[one.engagement_id]
    }
