"""Invitations accepted: the link makes its reader a user, and a member where it names a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action
from governance.engagements.grants import check_grant
from governance.engagements.invitations import record_invitation, still_open, token_digest
from governance.engagements.members import enrol
from governance.engagements.models import Engagement, Invitation
from governance.engagements.queries import lock_engagement
from governance.engagements.terms import Term
from governance.errors import Conflict, Forbidden, NotFound, PlumblineError
from governance.parties.models import Organisation, User
from governance.parties.operators import is_operator
from governance.parties.passwords import BASIC_RULES, PasswordRules
from governance.parties.service import NewUser, create_user, find_user, get_user

_GONE = "This invitation was used, withdrawn, or is out of date. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Opened:
    """An open invitation as its reader sees it."""

    invitation: Invitation
    inviter: str
    organisation: Organisation
    engagement: Engagement | None
    account_id: int | None
    """The user whom the address belongs to, who accepts by signing in."""


def open_invitation(session: Session, token: str, at: datetime) -> Opened:
    """What a link invites to; NotFound where it was used, withdrawn, or is out of date."""
    invitation = _by_token(session, token, at, lock=False)
    engagement_id, inviter_id = invitation.engagement_id, invitation.invited_by_id
    inviter = get_user(session, inviter_id) if inviter_id else None
    account = find_user(session, invitation.email)
    return Opened(
        invitation,
        inviter.name if inviter else "Whoever runs this installation",
        session.get_one(Organisation, invitation.organisation_id),
        session.get_one(Engagement, engagement_id) if engagement_id else None,
        account.id if account else None,
    )


def _by_token(session: Session, token: str, at: datetime, *, lock: bool) -> Invitation:
    """The lock lets the same link not be used twice at the same moment."""
    query = select(Invitation).where(
        col(Invitation.token_sha256) == token_digest(token), *still_open(at)
    )
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound(_GONE)
    return found


def accept_as_new(
    session: Session,
    token: str,
    name: str,
    password: str,
    visit: Actor,
    *,
    rules: PasswordRules = BASIC_RULES,
) -> User:
    """Make the account that a link invites to, with the membership it names.

    `visit` says when and in which request. Raises NotFound for a link that is not open, Conflict
    where the address has an account or who invited may no longer do so, BadInput for an unusable
    name or password, Forbidden where one party would make accounts of the other's company.
    """
    invitation = _by_token(session, token, visit.at, lock=True)
    employer = session.get_one(Organisation, invitation.organisation_id)
    _check_employer(session, invitation, employer)
    guest = Actor(None, "invited person", visit.at, visit.request_id)
    new = NewUser(invitation.email, name, password)
    user = create_user(session, guest, employer, new, rules)
    _accept(session, Actor(user.id, user.name, visit.at, visit.request_id), invitation, user)
    return user


def _check_employer(session: Session, invitation: Invitation, employer: Organisation) -> None:
    """Accounts of a company that has some are made by its own people or an operator.

    Otherwise one party could open engagements in the other's name.
    """
    if invitation.invited_by_id is None or invitation.engagement_id is None:
        return
    if get_user(session, invitation.invited_by_id).organisation_id == employer.id:
        return
    count = select(func.count()).where(col(User.organisation_id) == employer.id)
    if session.execute(count).scalar_one():
        raise Forbidden(
            f"Accounts of {employer.name} are made by its own people or by whoever runs this"
            " installation. Ask them for one, sign in, and open this link again."
        )


def accept_as_user(session: Session, token: str, actor: Actor) -> Engagement | None:
    """Accept with an account that exists; answers the engagement it led to.

    Raises NotFound for a link that is not open, Forbidden for another address than the invited
    one, Conflict where who invited may no longer do so or the role can't be held.
    """
    invitation = _by_token(session, token, actor.at, lock=True)
    user = get_user(session, actor.signed_in_id)
    if user.email_key != invitation.email_key:
        raise Forbidden("This invitation is for another e-mail address than yours.")
    return _accept(session, actor, invitation, user)


def _accept(
    session: Session, actor: Actor, invitation: Invitation, user: User
) -> Engagement | None:
    invitation.accepted_at, invitation.accepted_by_id = actor.at, user.id
    session.flush()
    engagement = _join(session, actor, invitation, user)
    record_invitation(session, actor, Action.INVITATION_ACCEPTED, invitation, user)
    return engagement


def _join(session: Session, actor: Actor, invitation: Invitation, user: User) -> Engagement | None:
    if invitation.engagement_id is None or invitation.role is None:
        _check_operator(session, actor, invitation)
        return None
    engagement = session.get_one(Engagement, invitation.engagement_id)
    term = Term(invitation.starts_on, invitation.ends_on)
    lock_engagement(session, engagement)
    _check_inviter(session, actor, invitation, engagement, user)
    enrol(session, actor, engagement, user, invitation.role, term=term)
    return engagement


def _check_operator(session: Session, actor: Actor, invitation: Invitation) -> None:
    """Who invited a user must still be an operator; None is the command line."""
    inviter_id = invitation.invited_by_id
    if inviter_id is not None and not is_operator(session, inviter_id, actor.at.date()):
        raise Conflict("Who invited you may no longer do so. Ask for a new invitation.")


def _check_inviter(
    session: Session, actor: Actor, invitation: Invitation, engagement: Engagement, user: User
) -> None:
    """Who invited must still be one who may give this role to this person."""
    if invitation.invited_by_id is None or invitation.role is None:
        return
    inviter = get_user(session, invitation.invited_by_id)
    asked = Actor(inviter.id, inviter.name, actor.at, actor.request_id)
    term = Term(invitation.starts_on, invitation.ends_on)
    try:
        check_grant(session, asked, engagement, user, invitation.role, term=term)
    except Conflict:
        raise
    except PlumblineError:
        raise Conflict(
            f"{inviter.name} may no longer give you this role. Ask for a new one."
        ) from None
