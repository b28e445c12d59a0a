"""Everything that can happen to accounts but second factors, once."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy.orm import Session

from app.mail.letters import invitation_mail
from app.mail.outbox import claim_next, note_sent, queue_mail
from app.security.accounts import ask_for_new_email, confirm_new_email, erase_invited
from app.security.api_tokens import NewToken, make_token, note_use, revoke_token
from app.security.password_resets import ask_reset, use_reset
from app.security.sessions import confirm_session, revoke_other_sessions, start_session
from app.security.throttle import SIGN_IN_ACCOUNT, attempt
from app.settings import Settings
from governance.access import Actor, Permission, Role
from governance.engagements.invitations import (
    Guest,
    forget_old_invitations,
    invite_member,
    revoke_invitation,
)
from governance.engagements.joining import accept_as_new
from governance.engagements.models import Engagement
from governance.parties.models import User
from governance.parties.service import is_own_password
from tests.factories import NOW, PASSWORD, actor_of, make_user

UNTIL = NOW + timedelta(days=7)
VISIT = Actor(None, "not signed in", NOW, "request-1")


def use_every_account_service(
    session: Session, settings: Settings, lead: Actor, engagement: Engagement
) -> None:
    """Invitations, resets, another address, API tokens, sessions, mail and counters."""
    user = _invited(session, settings, lead, engagement)
    _reset(session, settings, user)
    _new_address(session, settings, user)
    _tokens(session, lead)
    _sessions(session, make_user(session))
    attempt(session, SIGN_IN_ACCOUNT, "ada@example.org", NOW)


def _invited(session: Session, settings: Settings, lead: Actor, engagement: Engagement) -> User:
    role = Role.PROVIDER_FINANCE
    first, second, third = (
        invite_member(session, lead, engagement, Guest(email, "Ada"), role, expires_at=UNTIL)
        for email in ("invited@example.org", "withdrawn@example.org", "erased@example.org")
    )
    queue_mail(session, settings.secret(), invitation_mail(settings, first), NOW)
    assert _last_link(session, settings).endswith(first.token)
    revoke_invitation(session, lead, engagement, second.invitation.id)
    erase_invited(session, lead, third.invitation.email)
    later = Actor(None, "housekeeping", NOW + timedelta(days=31))
    forget_old_invitations(session, later)
    return accept_as_new(session, first.token, "Ada Invited", PASSWORD, VISIT)


def _reset(session: Session, settings: Settings, user: User) -> None:
    ask_reset(session, settings, user.email, NOW, "request-1")
    token = _last_link(session, settings)
    use_reset(session, settings, token, PASSWORD + " again", VISIT)
    _last_link(session, settings)


def _new_address(session: Session, settings: Settings, user: User) -> None:
    ask_for_new_email(session, settings, actor_of(user), "new-address@example.org")
    confirm_new_email(session, settings, _last_link(session, settings), NOW, "request-1")


def _last_link(session: Session, settings: Settings) -> str:
    """Send what waits; answers the last part of the last link."""
    found = ""
    while (mail := claim_next(session, settings.secret(), NOW)) is not None:
        note_sent(session, mail.id, NOW)
        found = re.findall(r"https?://\S+/([\w-]+)", mail.text)[-1]
    return found


def _tokens(session: Session, actor: Actor) -> None:
    scopes = frozenset({Permission.VIEW})
    token, _ = make_token(session, actor, NewToken("job", scopes, NOW.date()))
    note_use(session, token, NOW)
    revoke_token(session, actor, token.id)
    make_token(session, actor, NewToken("another job", scopes, NOW.date()))


def _sessions(session: Session, user: User) -> None:
    actor = actor_of(user)
    token = start_session(session, user, NOW)
    start_session(session, user, NOW)
    assert not is_own_password(session, actor, "wrong")
    confirm_session(session, token, actor)
    assert revoke_other_sessions(session, actor, user) == 2
