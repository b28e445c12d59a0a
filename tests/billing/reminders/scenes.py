"""An engagement with terms for late payment, and invoices that are late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from billing.invoices.models import FeeInvoice
from governance.access import Actor
from tests.billing.payments.scenes import Scene, make_invoice, make_scene
from tests.factories import contract_bytes

LATE = (
    "late_payment: {rate_percent: 9, flat: '40.00', grace_days: 10},"
    " reminders: [{after_days: 7}, {after_days: 21, fee: '5.00'}, {after_days: 35, fee: '10.00'}],"
    " every: month"
)


def late_contract(reference: str = "ENG-1", terms: str = LATE) -> bytes:
    """The usual contract, with terms for late payment."""
    return contract_bytes(reference).replace(b"every: month", terms.encode())


def make_late_scene(session: Session, reference: str = "ENG-1", terms: str = LATE) -> Scene:
    """An engagement without invoices, whose contract has such terms."""
    return make_scene(session, reference, late_contract(reference, terms))


def make_late_invoice(
    session: Session, scene: Scene, sequence: int, minor: int = 1_000_000
) -> FeeInvoice:
    """The invoice of the x-th month, issued on its 2nd and due on its 28th."""
    years, month = divmod(sequence - 1, 12)
    issued_on = date(2026 + years, month + 1, 2)
    return make_invoice(session, scene.engagement, sequence, minor, issued_on=issued_on)


def on(actor: Actor, day: date) -> Actor:
    """The same person on another day, at noon."""
    return replace(actor, at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
