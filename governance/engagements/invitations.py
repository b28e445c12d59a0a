"""Invitations: a link that makes its reader a user, and a member where it names a role.

Whether an address has an account already is asked only when the link is used, so that nobody
learns it by inviting.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, not_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, Permission, Role, Side
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.grants import check_gives, check_grant, gives
from governance.engagements.models import Engagement, Invitation
from governance.engagements.queries import lock_engagement, require
from governance.engagements.terms import ALWAYS, Term
from governance.errors import BadInput, Conflict, Forbidden, NotFound, Problem
from governance.parties.models import Membership, Organisation, User
from governance.parties.operators import is_operator
from governance.parties.service import (
    check_person,
    organisation_of,
)

_KEPT = timedelta(days=30)
"""So long after its end an unused invitation says whom it was for."""
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is invited."""

    email: str
    name: str
    """How the mail greets them; they choose the name of their account themselves."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A new invitation."""

    invitation: Invitation
    token: str
    """Stands in the mail's link and nowhere else."""
    inviter: str
    organisation: Organisation
    engagement: Engagement | None


def invite_member(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    guest: Guest,
    role: Role,
    *,
    expires_at: datetime,
    term: Term = ALWAYS,
) -> Sent:
    """Invite somebody into an engagement.

    Someone new will work for the party that the role acts for, or, as an auditor, for the
    actor's own organisation. Raises what `check_grant` raises, BadInput for an unusable address
    or name, Conflict where a member has the role already.
    """
    employer = _employer(session, actor, engagement, role)
    invitation = _invitation(actor, guest, employer, expires_at)
    lock_engagement(session, engagement)
    check_grant(session, actor, engagement, employer, role, term=term)
    _check_no_member(session, engagement, invitation.email, role)
    invitation.engagement_id, invitation.role = engagement.id, role
    invitation.starts_on, invitation.ends_on = term.starts_on, term.ends_on
    return _send(session, actor, invitation, employer, engagement)


def _employer(session: Session, actor: Actor, engagement: Engagement, role: Role) -> Organisation:
    match role.side:
        case Side.CLIENT:
            return session.get_one(Organisation, engagement.client_id)
        case Side.PROVIDER:
            return session.get_one(Organisation, engagement.provider_id)
        case _:
            return organisation_of(session, actor.signed_in_id)


def _check_no_member(session: Session, engagement: Engagement, email: str, role: Role) -> None:
    """Who is a member is no secret to those who manage them."""
    held = select(Membership).join(User, col(User.id) == col(Membership.user_id))
    found = session.scalars(
        held.where(
            col(Membership.engagement_id) == engagement.id,
            col(Membership.role) == role,
            col(User.email_key) == email.casefold(),
        )
    ).first()
    if found is not None:
        raise Conflict(f"{email} has this role in {engagement.reference} already")


def invite_user(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    guest: Guest,
    *,
    expires_at: datetime,
) -> Sent:
    """Invite somebody as a user of an organisation, without any role.

    Raises Forbidden unless an operator or the command line does it, BadInput for an unusable
    address or name.
    """
    _require_operator(session, actor)
    invitation = _invitation(actor, guest, organisation, expires_at)
    return _send(session, actor, invitation, organisation, None)


def _require_operator(session: Session, actor: Actor) -> None:
    if actor.user_id is not None and not is_operator(session, actor.user_id, actor.at.date()):
        raise Forbidden("only an operator invites users of an organisation")


def _invitation(
    actor: Actor, guest: Guest, employer: Organisation, expires_at: datetime
) -> Invitation:
    email, name = guest.email.strip(), " ".join(guest.name.split())
    check_person(email, name)
    if len(name) > _LONGEST_NAME:
        problem = Problem(
            "the name is too long",
            column="name",
            found=f"{len(name)} characters",
            allowed=f"1 to {_LONGEST_NAME} characters",
        )
        raise BadInput.one(problem)
    return Invitation(
        token_sha256="",
        email=email,
        email_key=email.casefold(),
        name=name,
        organisation_id=employer.id,
        invited_by_id=actor.user_id,
        created_at=actor.at,
        expires_at=expires_at,
    )


def _send(
    session: Session,
    actor: Actor,
    invitation: Invitation,
    employer: Organisation,
    engagement: Engagement | None,
) -> Sent:
    forget_old_invitations(session, actor)
    token = secrets.token_urlsafe(32)
    invitation.token_sha256 = token_digest(token)
    session.add(invitation)
    session.flush()
    after = {
        "email": invitation.email,
        "name": invitation.name,
        "organisation": employer.name,
        "role": invitation.role.value if invitation.role else None,
        "starts_on": str(invitation.starts_on) if invitation.starts_on else None,
        "ends_on": str(invitation.ends_on) if invitation.ends_on else None,
        "expires": invitation.expires_at.isoformat(),
    }
    record_invitation(session, actor, Action.USER_INVITED, invitation, after=after)
    return Sent(invitation, token, actor.name, employer, engagement)


def open_invitations(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[Invitation, ...]:
    """The invitations into an engagement that can still be accepted, newest first."""
    require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    return _newest_first(session, col(Invitation.engagement_id) == engagement.id, actor.at)


def withdrawable(
    session: Session, actor: Actor, engagement: Engagement, found: Collection[Invitation]
) -> frozenset[int]:
    """The ids of those invitations that the actor can withdraw."""
    return frozenset(
        one.id
        for one in found
        if one.role and gives(session, actor, engagement, one.organisation_id, one.role)
    )


def open_user_invitations(session: Session, actor: Actor) -> tuple[Invitation, ...]:
    """The invitations of users without a role that can still be accepted, newest first."""
    _require_operator(session, actor)
    return _newest_first(session, col(Invitation.engagement_id).is_(None), actor.at)


def _newest_first(
    session: Session, which: ColumnElement[bool], at: datetime
) -> tuple[Invitation, ...]:
    found = select(Invitation).where(which, *still_open(at)).order_by(col(Invitation.id).desc())
    return tuple(session.scalars(found))


def still_open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """What holds of invitations that can be accepted at a moment."""
    return (
        col(Invitation.accepted_at).is_(None),
        col(Invitation.revoked_at).is_(None),
        col(Invitation.expires_at) > at,
    )


def revoke_invitation(
    session: Session, actor: Actor, engagement: Engagement | None, invitation_id: int
) -> None:
    """Make a link worthless; NotFound where there is no such open invitation.

    Without an engagement it is one of an operator's. Forbidden where the actor couldn't give
    its role, as one side doesn't undo what the other has sent.
    """
    if engagement is None:
        _require_operator(session, actor)
    else:
        require(session, actor, engagement, Permission.MANAGE_MEMBERS)
    of = col(Invitation.engagement_id)
    mine = of.is_(None) if engagement is None else of == engagement.id
    found = session.scalars(
        select(Invitation).where(col(Invitation.id) == invitation_id, mine, *still_open(actor.at))
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such open invitation")
    if engagement is not None and found.role is not None:
        check_gives(session, actor, engagement, found.organisation_id, found.role)
    found.revoked_at = actor.at
    session.flush()
    record_invitation(session, actor, Action.INVITATION_REVOKED, found)


def erase_invitations(session: Session, email: str, at: datetime) -> dict[int, str]:
    """Erase an address from invitations; answers which they were, with the names given there.

    Whether somebody has an account of that address makes no difference; open links are worth
    nothing any more. The caller records it.
    """
    query = select(Invitation).where(col(Invitation.email_key) == email.strip().casefold())
    found = session.scalars(query).all()
    names = {one.id: one.name for one in found}
    for one in found:
        _forget(one)
        if one.accepted_at is None and one.revoked_at is None:
            one.revoked_at = at
    session.flush()
    return names


def _forget(invitation: Invitation) -> None:
    gone = f"erased-{invitation.id}"
    invitation.email = invitation.email_key = f"{gone}@invalid"
    invitation.name = gone


def forget_old_invitations(session: Session, actor: Actor) -> int:
    """Erase address and name of those who never accepted, 30 days after the link ended.

    Of the invitations that the session sees; answers how many that were. The log keeps its
    commitments.
    """
    ended = actor.at - _KEPT
    old = select(Invitation).where(
        col(Invitation.accepted_at).is_(None),
        or_(col(Invitation.expires_at) < ended, col(Invitation.revoked_at) < ended),
        not_(col(Invitation.email_key).like("erased-%@invalid")),
    )
    found = session.scalars(old.with_for_update(skip_locked=True)).all()
    for one in found:
        _forget(one)
        session.flush()
        record_invitation(session, actor, Action.INVITATION_FORGOTTEN, one)
    return len(found)


def record_invitation(
    session: Session,
    actor: Actor,
    action: Action,
    invitation: Invitation,
    user: User | None = None,
    *,
    after: dict[str, str | None] | None = None,
) -> None:
    """Record what happened to an invitation; `user` is who accepted it."""
    change = Change(
        action,
        "invitation",
        invitation.id,
        invitation.email,
        invitation.engagement_id,
        after=after,
        person_id=user.id if user else None,
    )
    record(session, actor, change)


def token_digest(token: str) -> str:
    """What is kept of a link's secret."""
    return sha256(token.encode()).hexdigest()
