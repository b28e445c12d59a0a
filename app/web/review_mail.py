"""Tells the other side by mail what happened to a period's figures."""

from __future__ import annotations

from collections.abc import Iterator

from app.mail.letters import ReviewNews, review_mail
from app.mail.outbox import queue_mail
from app.web.unit_of_work import Work
from governance.access import Permission, Side, permits
from governance.engagements.members import members
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.values import Period

SUBMITTED = "has submitted the figures, which wait for your side"
RECALLED = "has taken the submitted figures back"
CONTESTED = "contests a figure"
WITHDRAWN = "no longer contests a figure"
REPLIED = "has answered on a contested figure"
PROPOSED = "proposes how to decide a contested figure"
ACCEPTED = "has accepted the decision that your side proposed"
REFUSED = "has refused the decision that your side proposed"
INCIDENT = "has marked misses as of one incident, so that the period has to be settled again"
NO_INCIDENT = "no longer has misses count as of one incident; the period has to be settled again"
SEALED = "has sealed the figures, so that the invoice can be issued"


def tell_other_side(
    unit: Work, engagement: Engagement, period: Period, side: Side, what: str, *, item: str = ""
) -> None:
    """Queue one mail to each of the other side who can answer; `side` is whose act it was."""
    key = f"{engagement.id} {period.label} {unit.actor.at.isoformat()} {unit.actor.user_id} {what}"
    news = ReviewNews(
        who=unit.actor.name,
        what=what,
        item=item,
        period=period,
        reference=engagement.reference,
        title=engagement.title,
        key=key,
    )
    for user in _answering(unit, engagement, side):
        mail = review_mail(unit.settings, user, news)
        queue_mail(unit.session, unit.settings.secret(), mail, unit.actor.at)


def _answering(unit: Work, engagement: Engagement, side: Side) -> Iterator[User]:
    day, told = unit.actor.at.date(), {unit.actor.user_id}
    for member in members(unit.session, unit.actor, engagement):
        role = member.membership.role
        other = role.side not in {None, side}
        if not other or not permits({role}, Permission.DISCUSS_FIGURES):
            continue
        if member.user.id not in told and member.term.runs_on(day) and member.user.active:
            told.add(member.user.id)
            yield member.user
