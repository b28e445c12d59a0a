"""What the pages of the provider's own invoices show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from app.documents.charts import WaterfallStep, waterfall_chart
from app.documents.formatting import short_period
from app.web.unit_of_work import Work, allowed
from billing.provider_invoices.checking import document_read
from billing.provider_invoices.contests import contestable
from billing.provider_invoices.letter import letter
from billing.provider_invoices.models import ContestState, ProviderInvoice, ProviderInvoiceContest
from billing.provider_invoices.queries import (
    Month,
    check_of,
    list_contests,
    list_invoices,
    months_of,
)
from billing.settlement.queries import current_settlement
from governance.engagements.models import Engagement
from governance.engagements.versions import agreed_contract, contract_of
from governance.values import Money, Period, summed

_CHARTED = 24


@dataclass(frozen=True, slots=True)
class Overcharges:
    """What became of billing, month by month."""

    months: Sequence[Month]
    currency: str

    def sum_of(self, part: str) -> Decimal:
        """One of the amounts over all months."""
        return summed(
            Money(getattr(one, part), one.currency).amount
            for one in self.months
            if one.currency == self.currency
        )

    @property
    def chart(self) -> Markup:
        """The difference of each month, and what they add up to."""
        months = [one for one in self.months if one.currency == self.currency][-_CHARTED:]
        steps = [
            WaterfallStep(short_period(one.period), Money(one.difference, one.currency).amount)
            for one in months
        ]
        whole = summed(step.amount for step in steps)
        total = WaterfallStep("Billed too much", whole, is_total=True)
        return waterfall_chart([*steps, total], "Billed too much, by month", self.currency)


def list_context(unit: Work, engagement: Engagement) -> dict[str, Any]:
    """The list of documents, overcharges over time, and what is contested."""
    place = (unit.session, unit.actor, engagement)
    invoices, months = list_invoices(*place), months_of(*place)
    return {
        "engagement": engagement,
        "invoices": invoices,
        "differences": {one.period: one for one in months},
        "overcharges": Overcharges(months, engagement.currency),
        "contests": list_contests(*place),
        "ids": ids_of(invoices),
        "may": allowed(unit, engagement),
    }


def ids_of(invoices: Sequence[ProviderInvoice]) -> Mapping[str, int]:
    """Ids of documents by number; of several set aside the newest one's."""
    return {one.number: one.id for one in reversed(invoices)}


def invoice_context(unit: Work, engagement: Engagement, row: ProviderInvoice) -> dict[str, Any]:
    """One document with the check of its period."""
    place = (unit.session, unit.actor, engagement)
    check, contests = check_of(*place, row.period), list_contests(*place, row.period)
    free = contestable(check.result, contests) if check else ()
    expected = [one.expected for one in check.result.rows if one.expected] if check else []
    contract = contract_of(agreed_contract(unit.session, engagement))
    return {
        "engagement": engagement,
        "invoice": row,
        "document": document_read(row),
        "check": check,
        "settled": current_settlement(unit.session, engagement, row.period) is not None,
        "targets": [(one.key, one.title) for one in expected],
        "contests": contests,
        "by_difference": _by_difference(contests),
        "contestable": {one.key for one in free},
        "contestable_sum": summed(one.amount for one in free),
        "letter": letter(contract, row.period, said) if (said := _said(contests)) else "",
        "ids": ids_of(list_invoices(*place)),
        "may": allowed(unit, engagement),
    }


def _by_difference(
    contests: Sequence[ProviderInvoiceContest],
) -> Mapping[str, ProviderInvoiceContest]:
    """The newest contest of each difference."""
    return {one.difference: one for one in reversed(contests)}


def _said(contests: Sequence[ProviderInvoiceContest]) -> list[ProviderInvoiceContest]:
    """What waits for an answer, oldest first."""
    return [one for one in reversed(contests) if one.state is ContestState.OPEN]


def letter_of(unit: Work, engagement: Engagement, period: Period) -> str:
    """The letter on what waits for an answer; empty where nothing does."""
    found = _said(list_contests(unit.session, unit.actor, engagement, period))
    contract = contract_of(agreed_contract(unit.session, engagement))
    return letter(contract, period, found) if found else ""
