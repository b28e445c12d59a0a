"""Whether a person may be given a role: by whom, and next to what they hold already."""

from __future__ import annotations

from datetime import date

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import (
    LEADS,
    Actor,
    DutyConflict,
    Permission,
    Role,
    Side,
    conflicts,
    grantable,
)
from governance.engagements.models import Engagement
from governance.engagements.queries import (
    covered_conflicts,
    employer_side,
    require,
    standing_of,
)
from governance.engagements.terms import ALWAYS, Term, term_of
from governance.errors import Conflict, Forbidden
from governance.parties.models import Membership, Organisation, User
from governance.parties.operators import is_operator


def check_grant(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    whom: User | Organisation,
    role: Role,
    *,
    term: Term = ALWAYS,
) -> None:
    """Raise unless the actor may give `role` to `whom`: a user, or the employer of one invited.

    Raises NotFound and Forbidden as the policy says, Forbidden too for a role of the other side
    and for oneself;
    Conflict where the role can't be held with what the person is or holds already and no
    exception covers it; BadInput for a term without a day.
    """
    require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    term.check(actor.at.date())
    if isinstance(whom, User) and whom.id == actor.user_id:
        raise Forbidden("nobody gives a role to themselves; another lead has to")
    check_gives(session, actor, engagement, _organisation_id(whom), role)
    check_conflicts(session, engagement, whom, role, term=term, day=actor.at.date())


def gives(
    session: Session, actor: Actor, engagement: Engagement, employer_id: int, role: Role
) -> bool:
    """Whether the actor says who of an organisation holds `role`."""
    standing = standing_of(session, actor, engagement)
    led = led_sides(session, engagement, actor.at.date())
    return role in grantable(standing.roles, led, employer_side(engagement, employer_id))


def check_gives(
    session: Session, actor: Actor, engagement: Engagement, employer_id: int, role: Role
) -> None:
    """Forbidden, with whose it is, unless the actor says who of an organisation holds `role`."""
    if not gives(session, actor, engagement, employer_id, role):
        raise Forbidden(_not_yours(role))


def _not_yours(role: Role) -> str:
    if role.side is None:
        return "the auditor is appointed by the committee chair"
    lead = LEADS[role.side].value.replace("_", " ")
    return (
        f"roles of the {role.side.value}'s side are given by its {lead}; a side without one gets"
        f" its first from the other, and that is an employee of the {role.side.value}"
    )


def check_conflicts(
    session: Session,
    engagement: Engagement,
    whom: User | Organisation,
    role: Role,
    *,
    term: Term,
    day: date,
) -> None:
    """Conflict where the role can't be held with what the person is or holds in its days.

    Exceptions that run on `day` count. Who gives the role is not asked.
    """
    employer = employer_side(engagement, _organisation_id(whom))
    if isinstance(whom, Organisation):
        found, name, secret = conflicts({role}, employer), f"someone of {whom.name}", False
    else:
        held = _held_beside(session, engagement, whom, role, term)
        operates = is_operator(session, whom.id, day)
        secret = not belongs(session, engagement, whom)
        found = conflicts(held | {role}, employer, operator=operates)
        found -= covered_conflicts(session, engagement, whom.id, day)
        name = whom.name
    if found:
        what = " and ".join(sorted(_words(one, secret=secret) for one in found))
        raise Conflict(
            f"with the role {role.value.replace('_', ' ')} {name} {what}. Such duties are kept"
            " apart; only a committee chair can grant an exception, with a reason, and never to"
            " themselves"
        )


def _words(conflict: DutyConflict, *, secret: bool) -> str:
    """Who runs the installation is told of members only; `secret` says that it is none."""
    if secret and conflict is DutyConflict.OPERATES_AND_ACTS:
        return "has a duty outside this engagement that does not go with it"
    return conflict.words


def belongs(session: Session, engagement: Engagement, user: User) -> bool:
    """Whether a person has, had or is to have a role in the engagement."""
    found = select(col(Membership.id)).where(
        col(Membership.engagement_id) == engagement.id, col(Membership.user_id) == user.id
    )
    return session.scalars(found.limit(1)).first() is not None


def is_acquainted(session: Session, engagement: Engagement, user: User) -> bool:
    """Whether who manages an engagement may know of a person's account.

    They may of the parties' people and of those who have a role in it.
    """
    parties = {engagement.client_id, engagement.provider_id}
    return user.organisation_id in parties or belongs(session, engagement, user)


def _organisation_id(whom: User | Organisation) -> int:
    return whom.organisation_id if isinstance(whom, User) else whom.id


def _held_beside(
    session: Session, engagement: Engagement, user: User, role: Role, term: Term
) -> frozenset[Role]:
    """The user's other roles that are held on a day of the term."""
    held = session.scalars(
        select(Membership).where(
            col(Membership.engagement_id) == engagement.id,
            col(Membership.user_id) == user.id,
            col(Membership.role) != role,
        ),
        execution_options={"populate_existing": True},
    )
    return frozenset(one.role for one in held if term_of(one).overlaps(term))


def led_sides(
    session: Session,
    engagement: Engagement,
    day: date,
    *,
    without: Membership | None = None,
    lasting: bool = False,
) -> frozenset[Side]:
    """The sides that somebody with an open account leads on a day.

    `without` doesn't count; with `lasting` nobody does whose last day is known.
    """
    found = session.scalars(
        select(Membership)
        .join(User, and_(col(User.id) == col(Membership.user_id), col(User.active)))
        .where(
            col(Membership.engagement_id) == engagement.id,
            or_(*(col(Membership.role) == lead for lead in LEADS.values())),
        ),
        # What was read before a lock may be out of date.
        execution_options={"populate_existing": True},
    )
    skipped = without.id if without is not None else None
    leads = {
        one.role
        for one in found
        if one.id != skipped
        and term_of(one).runs_on(day)
        and not (lasting and one.ends_on is not None)
    }
    return frozenset(side for side, lead in LEADS.items() if lead in leads)
