"""Every service of the provider's invoices, used once."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Session

from billing.provider_invoices.contests import (
    answer_contest,
    raise_contests,
    resolve_contest,
    withdraw_contest,
)
from billing.provider_invoices.models import ProviderInvoiceState
from billing.provider_invoices.service import (
    InvoiceFile,
    check_period,
    decide_on_invoice,
    hand_in_invoice,
    match_line,
)
from governance.access import Role
from governance.engagements.models import Engagement
from tests.factories import JANUARY, make_member

_ROWS = """\
Invoice,Date,Month,Item,Description,Net,VAT rate,VAT
{number},2026-01-31,2026-01,CH-01,Service desk,1100.00,19,209.00
{number},2026-01-31,2026-01,X-1,Workshop,50.00,19,9.50
"""


def csv_file(number: str) -> InvoiceFile:
    """A service desk that costs 100.00 more than agreed, and a workshop that nobody agreed."""
    return InvoiceFile(f"{number}.csv", _ROWS.format(number=number).encode())


def use_provider_invoices(session: Session, engagement: Engagement) -> None:
    """Of an engagement with a settled January."""
    finance = make_member(session, engagement, Role.CLIENT_FINANCE)
    provider = make_member(session, engagement, Role.PROVIDER_FINANCE)
    place = (session, finance, engagement)
    mistaken = hand_in_invoice(*place, csv_file("P-0"))
    decide_on_invoice(*place, mistaken.id, ProviderInvoiceState.SET_ASIDE, "a copy")
    row = hand_in_invoice(*place, csv_file("P-1"))
    match_line(*place, row.id, "line 2", "CH-02")
    check_period(*place, JANUARY)
    first, *others = raise_contests(*place, JANUARY)
    answer_contest(session, provider, engagement, first.number, Decimal("1.00"), "so it was")
    resolve_contest(*place, first.number, "C-1")
    for one in others:
        withdraw_contest(*place, one.number)
    decide_on_invoice(*place, row.id, ProviderInvoiceState.APPROVED, "the rest is fine")
