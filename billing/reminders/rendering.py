"""The PDF of a reminder: drawn from its frozen JSON while nothing is locked, and frozen itself."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.reminders.letter import Letter, read_letter
from billing.reminders.models import Reminder, ReminderDocument, ReminderDocumentKind
from billing.reminders.queries import find_document, get_document, get_reminder
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.tables import digest


def letter_to_draw(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> Letter | None:
    """What the PDF of a reminder is drawn from; None where it is drawn already.

    Raises NotFound for an unknown reminder, Forbidden for who may not send.
    """
    require(session, actor, engagement, Permission.SEND_INVOICE)
    row = get_reminder(session, actor, engagement, number)
    if find_document(session, row, ReminderDocumentKind.PDF):
        return None
    return read_letter(get_document(session, row, ReminderDocumentKind.JSON).data)


def keep_reminder_pdf(  # noqa: PLR0917 (who, where, which, and what was drawn with what)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    data: bytes,
    template_version: str,
) -> ReminderDocument:
    """Freeze a PDF; where another was faster, that one stays. Raises as `letter_to_draw`."""
    require(session, actor, engagement, Permission.SEND_INVOICE)
    lock_engagement(session, engagement)
    row = get_reminder(session, actor, engagement, number)
    kind = ReminderDocumentKind.PDF
    if kept := find_document(session, row, kind):
        return kept
    document = ReminderDocument(
        reminder_id=row.id,
        kind=kind,
        sha256=digest(data),
        data=data,
        template_version=template_version,
    )
    session.add(document)
    session.flush()
    _note(session, actor, row, document)
    return document


def _note(session: Session, actor: Actor, row: Reminder, document: ReminderDocument) -> None:
    after = {"sha256": document.sha256, "template_version": document.template_version or ""}
    change = Change(
        Action.REMINDER_RENDERED, "reminder", row.id, row.reference, row.engagement_id, None, after
    )
    record(session, actor, change)
