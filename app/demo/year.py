"""What becomes of the demo's invoices in a year: paid, short, too much, disputed, late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.demo.calendar import Calendar, after
from app.demo.papers import Receipt, camt_statement, csv_statement, own_invoice
from app.demo.people import BILLING, FINANCE, MANAGER, Person
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.rendering import draw_credit_note, keep_drawn_note
from billing.disputes.models import DisputeSubject
from billing.disputes.service import NewDispute, accept_dispute, raise_dispute
from billing.invoices.fee_document import read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.payments.csv_reader import Mapped
from billing.payments.importing import (
    Choice,
    StatementFile,
    confirm_import,
    get_preview,
    start_import,
)
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.queries import open_minor_of
from billing.payments.write_offs import NewWriteOff, decide_write_off, propose_write_off
from billing.provider_invoices.service import InvoiceFile, hand_in_invoice
from billing.reminders.service import Chosen, draft_reminder, issue_reminder
from billing.settlement.models import DocumentKind
from billing.settlement.queries import document_of, find_settlement
from billing.settlement.service import Workshop
from billing.statements.queries import late_series, terms_of
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.engagements.service import get_engagement
from governance.parties.service import user_by_email
from governance.values import Money, Period


def actor_of(
    session: Session, person: Person, calendar: Calendar, day: date, hour: int = 9
) -> Actor:
    """A demo person on a day of the demo."""
    user = user_by_email(session, person.email)
    return Actor(user.id, user.name, calendar.at(day, hour), "demo")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the happenings of a month need."""

    session: Session
    reference: str
    calendar: Calendar
    workshop: Workshop

    def actor(self, person: Person, day: date, hour: int = 9) -> Actor:
        """Somebody on a day."""
        return actor_of(self.session, person, self.calendar, day, hour)

    def engagement(self) -> Engagement:
        """The demo's."""
        return get_engagement(self.session, self.actor(MANAGER, date(2026, 1, 1)), self.reference)

    def invoice(self, label: str) -> FeeInvoice:
        """The issued invoice of a month."""
        start = Period.parse(label).start
        return self.session.scalars(
            select(FeeInvoice).where(
                col(FeeInvoice.engagement_id) == self.engagement().id,
                col(FeeInvoice.period_start) == start,
                col(FeeInvoice.state) == InvoiceState.ISSUED,
            )
        ).one()

    def open(self, label: str) -> Money:
        """What is open on it."""
        invoice = self.invoice(label)
        return invoice.money(open_minor_of(self.session, [invoice])[invoice.id])


def _received(scene: Scene, day: date, label: str, differs: str = "0") -> Receipt:
    """A month's invoice paid, with what was paid too much or too little."""
    owed = scene.open(label)
    amount = Money.of(owed.amount + Decimal(differs), owed.currency)
    text = f"Rechnung {scene.invoice(label).number}"
    return Receipt(scene.calendar.day(day), amount, text)


def _import(scene: Scene, day: date, name: str, data: bytes) -> None:
    """Hand a statement in and confirm what it proposes."""
    billing, engagement = scene.actor(BILLING, day), scene.engagement()
    place = (scene.session, billing, engagement)
    started = start_import(*place, StatementFile(name, data, Mapped()))
    lines = get_preview(*place, started.id).lines
    choices = [
        Choice(one.entry.key, parts=one.proposal.parts)
        for one in lines
        if one.ticked and one.proposal
    ]
    confirm_import(*place, started.id, choices)


def _february(scene: Scene) -> None:
    """A bank keeps its charges: the difference is proposed by one and given up by another."""
    paid = _received(scene, date(2026, 2, 3), "2025-12", "-12.50")
    _import(scene, date(2026, 2, 9), "umsatz-2026-02.csv", csv_statement([paid]))
    rest = scene.open("2025-12")
    new = NewWriteOff(
        scene.invoice("2025-12").id,
        rest.minor,
        WriteOffKind.CURRENCY,
        "The client's bank kept its charges; asking for them costs more than they are.",
    )
    proposer, approver = (
        scene.actor(BILLING, date(2026, 2, 10)),
        scene.actor(MANAGER, date(2026, 2, 11)),
    )
    engagement = scene.engagement()
    number = propose_write_off(scene.session, proposer, engagement, new).number
    decide_write_off(scene.session, approver, engagement, number, WriteOffState.APPROVED)


def _march(scene: Scene) -> None:
    """Paid too much, and the next invoice's second line disputed and credited."""
    paid = _received(scene, date(2026, 3, 5), "2026-01", "250.00")
    _import(scene, date(2026, 3, 9), "statement-2026-03.xml", camt_statement([paid]))
    engagement, invoice = scene.engagement(), scene.invoice("2026-02")
    reason = "120 of the invoices counted were sent a second time because of a wrong address."
    new = NewDispute(DisputeSubject.LINE, reason, Decimal("84.00"), 2)
    client = scene.actor(FINANCE, date(2026, 3, 18))
    number = raise_dispute(scene.session, client, engagement, invoice, new).number
    manager, billing = (scene.actor(one, date(2026, 3, 24)) for one in (MANAGER, BILLING))
    answer = "They were, and a second copy isn't a second invoice."
    note = accept_dispute(scene.session, manager, engagement, number, reason=answer)
    issue_credit_note(scene.session, billing, engagement, note.draft_number)
    place = (scene.session, billing, engagement)
    drawn = draw_credit_note(*place, note.draft_number, scene.workshop.render)
    keep_drawn_note(*place, drawn)


def _april(scene: Scene) -> None:
    """What the credit note left is paid."""
    paid = _received(scene, date(2026, 4, 2), "2026-02")
    _import(scene, date(2026, 4, 8), "umsatz-2026-04.csv", csv_statement([paid]))


def _may(scene: Scene) -> None:
    """Paid without a reference: the amount tells which invoice it is."""
    paid = replace(_received(scene, date(2026, 5, 4), "2026-03"), text="Dienstleistung")
    _import(scene, date(2026, 5, 8), "statement-2026-05.xml", camt_statement([paid]))


def _june(scene: Scene) -> None:
    """One half of an invoice is paid."""
    whole = scene.open("2026-04")
    half = Money(whole.minor // 2, whole.currency)
    paid = replace(_received(scene, date(2026, 6, 5), "2026-04"), amount=half)
    _import(scene, date(2026, 6, 9), "umsatz-2026-06.csv", csv_statement([paid]))


def _august(scene: Scene) -> None:
    """June's invoice is paid; May's isn't, and is long due.

    The provider's own system wrote an invoice of July too, dearer than what the contract says.
    """
    paid = _received(scene, date(2026, 8, 4), "2026-06")
    _import(scene, date(2026, 8, 7), "statement-2026-08.xml", camt_statement([paid]))
    client, engagement = scene.actor(FINANCE, date(2026, 8, 10)), scene.engagement()
    row = find_settlement(scene.session, client, engagement, Period.month(2026, 7))
    stated = read_fee_document(document_of(scene.session, row, DocumentKind.INVOICE).data)
    file = InvoiceFile("lotwerk-2026-07.csv", own_invoice(stated, Decimal("57.60")))
    hand_in_invoice(scene.session, client, engagement, file)


def _july(scene: Scene) -> None:
    """May's invoice isn't paid: a reminder, and a second one with interest."""
    _remind(scene, date(2026, 7, 14), "2026-05", charges=False)
    _remind(scene, date(2026, 7, 28), "2026-05", charges=True)


def _remind(scene: Scene, day: date, label: str, *, charges: bool) -> None:
    billing, engagement = scene.actor(BILLING, day), scene.engagement()
    terms = terms_of(scene.session, engagement, billing)
    series = late_series(scene.session, engagement, terms, scene.workshop.store)
    chosen = Chosen(frozenset({scene.invoice(label).id}), charges=charges)
    place = (scene.session, billing, engagement)
    seen = draft_reminder(*place, chosen, series).letter.total
    issue_reminder(*place, chosen, series, seen)


def _nothing(scene: Scene) -> None:
    """Nothing comes in."""
    del scene


_HAPPENINGS: Mapping[str, Callable[[Scene], None]] = {
    "2025-01": _nothing,
    "2026-01": _february,
    "2026-02": _march,
    "2026-03": _april,
    "2026-04": _may,
    "2026-05": _june,
    "2026-06": _july,
    "2026-07": _august,
}


def happen(scene: Scene, period: Period) -> None:
    """What happens after a month's invoice is issued and before the next one's.

    Usually the invoice of the month before is paid in full.
    """
    of_its_own = _HAPPENINGS.get(period.label)
    if of_its_own:
        of_its_own(scene)
        return
    paid = _received(scene, after(period, 6), period.previous().label)
    name = f"statement-{paid.booked_on:%Y-%m}.xml"
    _import(scene, after(period, 10), name, camt_statement([paid]))
