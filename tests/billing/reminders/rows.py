"""Rows of reminders and kept statements, without the services that make them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.invoices.models import FeeInvoice
from billing.reminders.letter import Letter, letter_json
from billing.reminders.models import (
    ChargeKind,
    LateCharge,
    Reminder,
    ReminderDocument,
    ReminderDocumentKind,
    ReminderLine,
)
from billing.statements.models import (
    AccountStatement,
    StatementDocument,
    StatementDocumentKind,
)
from governance.contract.engagement import Party
from governance.engagements.models import Engagement
from governance.tables import canonical_json, digest

_NOTHING = digest(b"")


def add_reminder(
    session: Session,
    engagement: Engagement,
    user_id: int,
    now: datetime,
    invoice: FeeInvoice | None = None,
) -> LateCharge:
    """A reminder with its JSON and a fee, about an invoice if there is one; its charge."""
    day = now.date()
    row = Reminder(
        engagement_id=engagement.id,
        number=1,
        level=1,
        currency="EUR",
        open_minor=100,
        charged_minor=500,
        issued_on=day,
        pay_by=day + timedelta(days=10),
        issued_at=now,
        issued_by_id=user_id,
    )
    session.add(row)
    session.flush()
    data = canonical_json(letter_json(_letter(row, engagement)))
    charge = LateCharge(
        engagement_id=engagement.id,
        reminder_id=row.id,
        kind=ChargeKind.FEE,
        currency="EUR",
        amount_minor=500,
        charged_on=day,
    )
    session.add(charge)
    session.add(
        ReminderDocument(
            reminder_id=row.id, kind=ReminderDocumentKind.JSON, sha256=digest(data), data=data
        )
    )
    if invoice is not None:
        line = ReminderLine(
            reminder_id=row.id,
            invoice_id=invoice.id,
            step=1,
            currency="EUR",
            open_minor=100,
            days_late=8,
        )
        session.add(line)
    session.flush()
    return charge


def _letter(row: Reminder, engagement: Engagement) -> Letter:
    return Letter(
        number=row.reference,
        level=1,
        last=False,
        issued_on=row.issued_on,
        pay_by=row.pay_by,
        engagement=engagement.reference,
        title=engagement.title,
        seller=Party(name="Clearwater Receivables Ltd", country="IE"),
        buyer=Party(name="Nordlicht Handel GmbH", country="DE"),
        language="en",
        currency="EUR",
        lines=(),
        fee=Decimal("5.00"),
        charges=False,
        earlier=Decimal(0),
        on_account=Decimal(0),
        terms=None,
    )


def add_statement(
    session: Session, engagement: Engagement, user_id: int, now: datetime
) -> AccountStatement:
    """A kept statement with an empty document."""
    row = AccountStatement(
        engagement_id=engagement.id,
        number=1,
        first_day=now.date(),
        last_day=now.date(),
        currency="EUR",
        closing_minor=0,
        made_at=now,
        made_by_id=user_id,
    )
    session.add(row)
    session.flush()
    document = StatementDocument(
        statement_id=row.id,
        kind=StatementDocumentKind.PDF,
        sha256=_NOTHING,
        data=b"",
        template_version=_NOTHING,
    )
    session.add(document)
    session.flush()
    return row
