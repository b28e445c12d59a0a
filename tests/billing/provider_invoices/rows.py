"""Rows of the provider's invoices, without files behind them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.provider_invoices.checking import comparison_adapter, documents_adapter
from billing.provider_invoices.comparison import compare
from billing.provider_invoices.models import (
    ContestState,
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceContest,
    ProviderInvoiceMatch,
    ProviderInvoiceProfile,
    ProviderInvoiceState,
)
from billing.provider_invoices.values import Expected
from governance.engagements.models import Engagement
from governance.tables import digest
from governance.values import Money
from tests.billing.provider_invoices.documents import billed_of_case, table


def add_provider_invoice(
    session: Session, engagement: Engagement, user_id: int, now: datetime
) -> ProviderInvoice:
    """An invoice of January that nothing was expected for, and what hangs on it.

    A difference of another document is contested as PC-1.
    """
    document = billed_of_case(table()["as_agreed"], "EUR")
    period = document.period
    assert period is not None
    result = compare([document], Expected(period, "EUR", (), ()), {})
    row = ProviderInvoice(
        engagement_id=engagement.id,
        number=document.number,
        type=document.type,
        source=document.source,
        issued_on=document.issued_on,
        period_start=period.start,
        period_end=period.end,
        currency="EUR",
        total_minor=Money.of(document.total, "EUR").minor,
        file_name="invoice.xml",
        sha256=digest(b"x"),
        size=1,
        data=b"x",
        read_json=documents_adapter().dump_json(document).decode(),
        state=ProviderInvoiceState.OPEN,
        handed_in_at=now,
        handed_in_by_id=user_id,
    )
    check = ProviderInvoiceCheck(
        engagement_id=engagement.id,
        number=1,
        period_start=period.start,
        period_end=period.end,
        currency="EUR",
        billed_minor=row.total_minor,
        expected_minor=0,
        result_json=comparison_adapter().dump_json(result).decode(),
        made_at=now,
        made_by_id=user_id,
    )
    profile = ProviderInvoiceProfile(
        engagement_id=engagement.id,
        mapping_json='{"columns":{},"days":"day_first","mark":null}',
        saved_at=now,
        saved_by_id=user_id,
    )
    session.add_all([row, check, profile])
    session.flush()
    match = ProviderInvoiceMatch(
        invoice_id=row.id, item="line 9", target="", decided_at=now, decided_by_id=user_id
    )
    contest = ProviderInvoiceContest(
        engagement_id=engagement.id,
        number=1,
        check_id=check.id,
        difference="price|P-0|line 1|CH-01|Service desk",
        document="P-0",
        title="Service desk",
        clause="4.1",
        reason="it costs less",
        currency="EUR",
        amount_minor=Money.of(Decimal(5), "EUR").minor,
        state=ContestState.OPEN,
        raised_at=now,
        raised_by_id=user_id,
    )
    session.add_all([match, contest])
    session.flush()
    return row
