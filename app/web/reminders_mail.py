"""Mails that carry reminders and statements of account, from the pages of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.mail.account_letters import reminder_letter, statement_letter
from app.mail.deliveries import OutboxPost
from app.web.forms import text_of
from app.web.unit_of_work import Work
from billing.deliveries.queries import (
    Delivered,
    Proposed,
    deliveries_of,
    latest_number,
    proposed_recipients,
)
from billing.deliveries.recipients import addresses_in
from billing.deliveries.service import deliver
from billing.deliveries.values import DeliverySubject, DocumentTable, Enclosure, Letter, Parcel
from billing.reminders.letter import Letter as ReminderLetter
from billing.reminders.models import Reminder, ReminderDocumentKind
from billing.statements.models import AccountStatement, StatementDocument
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem

_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Sending:
    """What the part of a page shows that sends a document."""

    deliveries: tuple[Delivered, ...]
    """Latest first."""
    whom: Proposed
    after: int
    """Number of the latest delivery, which the form sends along."""


def sending_of(
    unit: Work, engagement: Engagement, subject: DeliverySubject, subject_id: int
) -> Sending:
    """What was sent, and to whom it would go now; the caller has checked the permission."""
    session = unit.session
    return Sending(
        deliveries_of(session, subject, [subject_id]).get(subject_id, ()),
        proposed_recipients(session, engagement),
        latest_number(session, subject, subject_id),
    )


def send_reminder(
    unit: Work,
    engagement: Engagement,
    row: Reminder,
    letter: ReminderLetter,
    form: Mapping[str, Any],
) -> None:
    """Queue a reminder to the addresses of the form; raises as `deliver`."""
    name = f"{engagement.reference}-{row.reference}.pdf".replace("/", "_")
    kind = ReminderDocumentKind.PDF.value
    enclosed = Enclosure(DocumentTable.REMINDER, row.id, kind, name)
    subject = (DeliverySubject.REMINDER, row.id, f"reminder {row.reference}")
    _deliver(unit, engagement, subject, enclosed, reminder_letter(letter), letter.language, form)


def send_statement(  # noqa: PLR0917 (the statement in all its parts, and the form)
    unit: Work,
    engagement: Engagement,
    row: AccountStatement,
    document: StatementDocument,
    contract: Contract,
    form: Mapping[str, Any],
) -> None:
    """Queue a statement that was kept; raises as `deliver`."""
    name = f"{engagement.reference}-statement-{row.last_day}.pdf".replace("/", "_")
    kind = document.kind.value
    enclosed = Enclosure(DocumentTable.STATEMENT, row.id, kind, name)
    subject = (DeliverySubject.STATEMENT, row.id, f"statement to {row.last_day}")
    written, language = statement_letter(row, contract), contract.invoicing.language
    _deliver(unit, engagement, subject, enclosed, written, language, form)


def _deliver(  # noqa: PLR0917 (all that goes along)
    unit: Work,
    engagement: Engagement,
    subject: tuple[DeliverySubject, int, str],
    enclosed: Enclosure,
    letter: Letter,
    language: str,
    form: Mapping[str, Any],
) -> None:
    kind, subject_id, name = subject
    parcel = Parcel(
        subject=kind,
        subject_id=subject_id,
        name=name,
        enclosures=(enclosed,),
        to=addresses_in(text_of(form, "to")),
        cc=addresses_in(text_of(form, "cc")),
        letter=letter,
        language=language,
        after=_after(form),
        note=text_of(form, "note"),
    )
    deliver(unit.session, unit.actor, engagement, parcel, OutboxPost(unit.settings))


def _after(form: Mapping[str, Any]) -> int:
    """The latest delivery that the page showed."""
    text = text_of(form, "after")
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        what = "this is no number of a delivery"
        raise BadInput.one(Problem(what, column="after", found=text[:20]))
    return int(text)
