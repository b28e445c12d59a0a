"""What pages say of the deliveries of an invoice or credit note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.mail.models import OutboxMail
from app.mail.outbox import waiting_mails
from app.web.unit_of_work import Work, allowed
from billing.credit_notes.models import CreditNote, CreditNoteState
from billing.deliveries.fetches import first_fetches
from billing.deliveries.queries import Delivered, deliveries_of
from billing.deliveries.subjects import Deliverable, deliverable_invoice, deliverable_note
from billing.deliveries.values import DeliveryState, Means
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.access import Permission
from governance.engagements.models import Engagement

MEANS: Final = {
    Means.EMAIL: "By e-mail",
    Means.PORTAL: "Over the client’s portal",
    Means.PEPPOL: "Over the Peppol network",
    Means.POST: "By post",
    Means.OTHER: "In another way",
    Means.HERE: "Taken from these pages",
}


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """One delivery, as one side sees it."""

    delivered: Delivered
    means: str
    words: str
    """How far it is."""
    look: str
    """The state's colour and sign."""
    problem: str
    """Why it isn't sent; empty for who doesn't send."""
    next_attempt: datetime | None
    """When a mail that was put off is tried again."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document that the client downloaded."""

    file_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Deliveries:
    """All deliveries of one subject, and what the viewer may do."""

    shown: tuple[ShownDelivery, ...]
    fetched: tuple[Fetched, ...]
    after: int
    """Number of the latest delivery; forms send it back."""
    may_send: bool
    may_acknowledge: bool
    name: str


def invoice_deliveries(
    unit: Work, engagement: Engagement, invoice: FeeInvoice
) -> Deliveries | None:
    """The deliveries of an invoice; None for a draft."""
    if invoice.state is not InvoiceState.ISSUED:
        return None
    return _deliveries(
        unit, engagement, deliverable_invoice(unit.session, unit.actor, engagement, invoice)
    )


def note_deliveries(unit: Work, engagement: Engagement, note: CreditNote) -> Deliveries | None:
    """The deliveries of a credit note; None for one that isn't issued."""
    if note.state is not CreditNoteState.ISSUED:
        return None
    place = (unit.session, unit.actor, engagement)
    return _deliveries(unit, engagement, deliverable_note(*place, note.draft_number))


def _deliveries(unit: Work, engagement: Engagement, found: Deliverable) -> Deliveries:
    """The deliveries of an issued document; the client doesn't see what failed, and why."""
    session, subject, may = unit.session, found.subject, allowed(unit, engagement)
    known = deliveries_of(session, subject.kind, [subject.id]).get(subject.id, ())
    inside = bool({Permission.SEND_INVOICE, Permission.VIEW_AUDIT} & may)
    waiting = waiting_mails(session, [one.delivery.id for one in known])
    shown = tuple(
        _shown(one, waiting.get(one.delivery.id), inside=inside)
        for one in known
        if inside or one.delivery.state is not DeliveryState.GIVEN_UP
    )
    acknowledged = any(one.delivery.acknowledged_at for one in known)
    return Deliveries(
        shown=shown,
        fetched=_fetched(unit, engagement, found),
        after=known[0].delivery.number if known else 0,
        may_send=Permission.SEND_INVOICE in may,
        may_acknowledge=Permission.DISPUTE_INVOICE in may and not acknowledged,
        name=subject.name,
    )


def _fetched(unit: Work, engagement: Engagement, found: Deliverable) -> tuple[Fetched, ...]:
    names = {now.sha256: one.file_name for one, now in found.made.items() if now.sha256}
    fetched = first_fetches(unit.session, engagement, names)
    return tuple(Fetched(names[sha256], at) for sha256, at in fetched.items())


def _shown(one: Delivered, mail: OutboxMail | None, *, inside: bool) -> ShownDelivery:
    words, look = _state(one, mail, inside=inside)
    put_off = mail is not None and bool(mail.last_error)
    problem = (mail.last_error if mail is not None else "") or one.delivery.problem
    return ShownDelivery(
        delivered=one,
        means=MEANS[one.delivery.means],
        words=words,
        look=look,
        problem=problem if inside else "",
        next_attempt=mail.next_attempt_at if mail and put_off and inside else None,
    )


def _state(one: Delivered, mail: OutboxMail | None, *, inside: bool) -> tuple[str, str]:
    if one.delivery.acknowledged_at:
        return "Received", "met"
    match one.delivery.state:
        case DeliveryState.SENT:
            sent = "Handed to the mail server" if one.delivery.sent_at else "Delivered"
            return (sent if inside else "Sent"), "met"
        case DeliveryState.GIVEN_UP:
            return "Given up", "below_minimum"
    if mail is not None and mail.last_error and inside:
        return "Put off", "below_expected"
    return "On its way", "no_data"
