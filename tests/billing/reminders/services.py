"""Every service of reminders and statements, used once."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from billing.reminders.queries import charges_of
from billing.reminders.rendering import keep_reminder_pdf
from billing.reminders.service import Chosen, draft_reminder, issue_reminder, waive_charge
from billing.statements.keeping import keep_statement
from billing.statements.queries import account_views, statements_of
from governance.access_terms import Side
from governance.values import Period
from tests.billing.reminders.scenes import make_late_invoice, make_late_scene, on

_SEQUENCE, _DAY = 30, date(2028, 8, 10)
"""An invoice of June 2028, whose number no other invoice of the provider has."""


def use_reminders_and_statements(session: Session) -> None:
    """In an engagement of its own, whose contract has terms for late payment."""
    scene = make_late_scene(session, "ENG-LATE")
    invoice = make_late_invoice(session, scene, _SEQUENCE)
    actor = on(scene.finance, _DAY)
    place = (session, actor, scene.engagement)
    chosen = Chosen(frozenset({invoice.id}), charges=True)
    total = draft_reminder(*place, chosen, None).letter.total
    row = issue_reminder(*place, chosen, None, total)
    keep_reminder_pdf(*place, row.number, b"drawn", "0" * 64)
    waive_charge(*place, row.number, charges_of(session, row)[0].id, "goodwill")
    found = statements_of(account_views(*place, Side.CLIENT), Period(date(2028, 1, 1), _DAY))
    keep_statement(*place, found[0], b"drawn", "0" * 64)
