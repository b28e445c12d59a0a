"""What the application writes to people; never a figure, and links only to its own pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.documents.formatting import day, moment, period, words
from app.mail.outbox import Mail
from app.settings import Settings
from app.web.addresses import segment
from governance.engagements.invitations import Sent
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.values import Period
from sla.claims.values import Window

_HELLO = "Plumbline: "

_OPERATOR = "Whoever runs this installation"
"""Who invites from the server's own command line."""


def _common(settings: Settings, **more: Any) -> dict[str, Any]:
    return {"host": settings.public_host, **more}


def _link(settings: Settings, *parts: str) -> str:
    return "/".join([settings.public_url.rstrip("/"), *parts])


def plain_name(name: str) -> str:
    """A name that somebody else typed, without what mail programs make links of.

    "Ada, see evil.example/now" would be a link in a mail of ours; "Ada, see evil example now"
    is none. Initials keep their full stops.
    """
    words_only = re.sub(r"[^\w\s.,'’()-]|_", " ", name)
    return " ".join(re.sub(r"\.(?=\w{2})", " ", words_only).split())


def invitation_mail(settings: Settings, sent: Sent) -> Mail:
    """Who invites, to what, and the link to accept it."""
    invitation = sent.invitation
    role = words(invitation.role) if invitation.role else ""
    context = _common(
        settings,
        name=plain_name(invitation.name),
        inviter=plain_name(sent.inviter if invitation.invited_by_id else _OPERATOR),
        organisation=sent.organisation.name,
        engagement=sent.engagement.title if sent.engagement else "",
        role=role,
        link=_link(settings, "invitations", sent.token),
        until=moment(invitation.expires_at),
    )
    subject = f"{_HELLO}you are invited"
    return Mail(invitation.email, subject, "invitation", f"invitation {invitation.id}", context)


def reset_mail(settings: Settings, user: User, token: str, until: datetime, key: str) -> Mail:
    """The link to choose a new password."""
    context = _common(
        settings, name=user.name, link=_link(settings, "reset", token), until=moment(until)
    )
    return Mail(user.email, f"{_HELLO}choose a new password", "reset", key, context)


def changed_mail(
    settings: Settings, user: User, what: str, at: datetime, *, recipient: str = ""
) -> Mail:
    """That something about an account has changed, to its address or the one it had before."""
    context = _common(
        settings, name=user.name, what=what, at=moment(at), link=_link(settings, "reset")
    )
    key = f"changed {user.id} {at.isoformat()} {what}"
    subject = f"{_HELLO}your account has changed"
    return Mail(recipient or user.email, subject, "account_changed", key, context)


def new_address_mail(
    settings: Settings, user: User, address: str, token: str, until: datetime
) -> Mail:
    """The link by which a person shows that a new address is theirs."""
    context = _common(
        settings,
        name=user.name,
        link=_link(settings, "new-address", token),
        until=moment(until),
    )
    key = f"new address {user.id} {until.isoformat()}"
    return Mail(address, f"{_HELLO}confirm your address", "new_address", key, context)


def claim_mail(
    settings: Settings,
    user: User,
    engagement: Engagement,
    window: Window,
    *,
    before: int,
    left: int,
) -> Mail:
    """That a service credit lapses unless it is claimed; its amount is on the page only.

    `before` is the reminder that is due, in days before the last one, and `left` the days there
    are.
    """
    when = period(window.period)
    context = _common(
        settings,
        name=user.name,
        period=when,
        until=day(window.until),
        left="today" if left == 0 else f"in {left} {'day' if left == 1 else 'days'}",
        engagement=f"{engagement.reference}, {plain_name(engagement.title)}",
        link=_link(
            settings,
            "engagements",
            segment(engagement.reference),
            "credits",
        ),
    )
    subject = f"{_HELLO}{engagement.reference}, claim the service credit of {when}"
    key = f"claim {engagement.id} {window.period.label} {before} {user.id}"
    return Mail(user.email, subject, "claim", key, context)


@dataclass(frozen=True, slots=True)
class ReviewNews:
    """Something that one side did with a period's figures, as the other side is told."""

    who: str
    """The person who did it."""
    what: str
    """What they did, as it follows the name: "has submitted the figures"."""
    item: str
    """The title of the figure that it is about; empty for the whole period."""
    period: Period
    reference: str
    title: str
    key: str
    """Names the act, so that it is told once."""


def review_mail(settings: Settings, user: User, news: ReviewNews) -> Mail:
    """What the other side did with a period's figures; the figures are on the page only."""
    context = _common(
        settings,
        name=user.name,
        who=plain_name(news.who),
        what=news.what,
        item=plain_name(news.item),
        period=period(news.period),
        engagement=f"{news.reference}, {plain_name(news.title)}",
        link=_link(settings, "engagements", news.reference, "periods", news.period.label),
    )
    subject = f"{_HELLO}{news.reference}, {period(news.period)}"
    return Mail(user.email, subject, "review", f"review {news.key} {user.id}", context)
