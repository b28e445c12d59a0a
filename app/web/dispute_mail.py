"""Tells the other side by mail what happened to a dispute; amounts are on the page only."""

from __future__ import annotations

from collections.abc import Iterator

from app.documents.formatting import period
from app.mail.letters import plain_name
from app.mail.outbox import Mail, queue_mail
from app.security.throttle import DISPUTE_MAILS, attempt
from app.web.addresses import engagement_path
from app.web.credit_notes import period_of_invoice
from app.web.unit_of_work import Work
from billing.disputes.models import DisputeSubject
from billing.disputes.queries import ListedDispute
from governance.access import Permission, Side, permits
from governance.engagements.members import members
from governance.engagements.models import Engagement
from governance.parties.models import User

RAISED = "disputes"
WITHDRAWN = "no longer disputes"
UPHELD = "has answered, and upholds"
ACCEPTED = "has answered, and draws up a credit note for"
_ANSWERS = {Side.CLIENT: Permission.RESOLVE_DISPUTE, Side.PROVIDER: Permission.DISPUTE_INVOICE}
"""By the side that acted: what those may do who are told."""


def tell_other_side(
    unit: Work, engagement: Engagement, found: ListedDispute, side: Side, what: str
) -> None:
    """Queue one mail to each of the other side who deals with disputes.

    Whoever had many of them today gets no more: the list of disputes shows them all.
    """
    for user in _told(unit, engagement, side):
        if attempt(unit.session, DISPUTE_MAILS, user.email, unit.actor.at) is not None:
            continue
        mail = _mail(unit, engagement, found, user, what)
        queue_mail(unit.session, unit.settings.secret(), mail, unit.actor.at)


def _mail(unit: Work, engagement: Engagement, found: ListedDispute, user: User, what: str) -> Mail:
    dispute, invoice = found.dispute, found.invoice
    part = {
        DisputeSubject.LINE: f"line {dispute.position} of ",
        DisputeSubject.SERVICE_CREDIT: "the service credit of ",
        DisputeSubject.WHOLE: "",
    }[dispute.subject]
    when = period(period_of_invoice(invoice))
    path = engagement_path(engagement.reference, "disputes", str(dispute.number))
    context = {
        "host": unit.settings.public_host,
        "name": user.name,
        "who": plain_name(unit.actor.name),
        "what": f"{what} {part}invoice {invoice.number}",
        "period": when,
        "engagement": f"{engagement.reference}, {plain_name(engagement.title)}",
        "link": unit.settings.public_url.rstrip("/") + path,
    }
    subject = f"Plumbline: {engagement.reference}, dispute {dispute.reference}"
    key = f"dispute {dispute.id} {dispute.state.value} {user.id}"
    return Mail(user.email, subject, "dispute", key, context)


def _told(unit: Work, engagement: Engagement, side: Side) -> Iterator[User]:
    day, seen = unit.actor.at.date(), {unit.actor.user_id}
    for member in members(unit.session, unit.actor, engagement):
        role = member.membership.role
        if role.side in {None, side} or not permits({role}, _ANSWERS[side]):
            continue
        if member.user.id not in seen and member.term.runs_on(day) and member.user.active:
            seen.add(member.user.id)
            yield member.user
