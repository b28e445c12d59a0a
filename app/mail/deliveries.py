"""Mails that carry frozen documents, on their way into the outbox."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.mail.delivery_letters import parcel_of
from app.mail.outbox import Mail, queue_mail
from app.settings import Settings
from billing.deliveries.models import Delivery
from billing.deliveries.queries import is_under_way, latest_number, proposed_recipients
from billing.deliveries.service import deliver
from billing.deliveries.subjects import deliverable_invoice
from billing.deliveries.values import Parcel
from billing.invoices.models import FeeInvoice
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement
from governance.errors import Conflict


class OutboxPost:
    """Takes a delivery's mail into the outbox of the installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def largest(self) -> int:
        """Bytes of the longest mail that the mail server takes."""
        return self._settings.mail_max_bytes

    def queue(self, session: Session, delivery: Delivery, parcel: Parcel) -> None:
        """Write the letter and queue it; the documents are read when it is sent."""
        letter = parcel.letter
        context = {
            "host": self._settings.public_host,
            "letter": letter,
            "note": delivery.note,
            "files": [one.file_name for one in parcel.enclosures],
        }
        mail = Mail(
            recipient="",
            subject=letter.subject,
            template="delivery",
            key=f"delivery {delivery.id}",
            context=context,
            language=parcel.language,
            delivery_id=delivery.id,
            sender=letter.sender,
            reply_to=letter.reply_to or "",
        )
        queue_mail(session, self._settings.secret(), mail, delivery.made_at)


def send_invoice(  # noqa: PLR0917 (who, where, which, and what the page showed)
    session: Session,
    settings: Settings,
    actor: Actor,
    engagement: Engagement,
    invoice: FeeInvoice,
    shown: str | None = None,
) -> Delivery:
    """Send an issued invoice as usual: its usual documents to whom they usually go.

    Raises as `deliver`, BadInput too where neither the contract nor an earlier mail says whom it
    goes to, and Conflict where it was sent already or is on its way, or would go to others than
    those whose mark a page has `shown`.
    """
    lock_engagement(session, engagement)
    found = deliverable_invoice(session, actor, engagement, invoice)
    key = (found.subject.kind, found.subject.id)
    if is_under_way(session, *key):
        raise Conflict(f"{found.subject.name} was sent already, or is on its way")
    whom = proposed_recipients(session, engagement)
    if shown is not None and shown != whom.mark:
        raise Conflict(
            f"{found.subject.name} would go to others than the page showed; look at them first"
        )
    parcel = parcel_of(found, whom, found.usual, after=latest_number(session, *key))
    return deliver(session, actor, engagement, parcel, OutboxPost(settings))
