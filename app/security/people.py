"""Who is behind a session's token or an API token, with all that guards ask about them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from app.security.api_tokens import find_token, note_use
from app.security.models import Proof
from app.security.second_factors import has_second_factor, must_enrol, must_use_second_factor
from app.security.sessions import SignedIn, find_pending, find_session, timeouts, touch_session
from app.settings import Settings
from governance.access import Actor, Permission
from governance.errors import Busy
from governance.parties.models import User
from governance.parties.operators import is_operator
from governance.parties.service import organisation_of
from governance.tenancy import EVERYTHING

_TOUCH_PATIENCE = 50
"""Milliseconds; a note of the last use that isn't written now is written a request later."""


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in user of a request, or the user whose API token it carries."""

    actor: Actor
    organisation: str
    session_id: int | None = None
    """None for an API token."""
    proof: Proof | None = None
    confirmed_at: datetime | None = None
    """When the person last showed who they are; never for an API token."""
    operator: bool = False
    """Whether the person runs the installation today."""
    scopes: frozenset[Permission] | None = None
    """What the API token may do at most; None for a session."""
    engagement_id: int | None = None
    """The only engagement that the API token is for."""
    must_enrol: bool = False
    """Whether a role demands a second factor that the person doesn't have."""

    @property
    def name(self) -> str:
        """The name as it stands in the audit log."""
        return self.actor.name

    def confirmed_within(self, minutes: int) -> bool:
        """Whether the person has shown who they are in the last minutes."""
        since = self.actor.at - timedelta(minutes=minutes)
        return self.confirmed_at is not None and self.confirmed_at > since


@dataclass(frozen=True, slots=True)
class Visit:
    """When a request came, and its number."""

    at: datetime
    request_id: str


def person_of_session(
    engine: Engine, settings: Settings, token: str, visit: Visit
) -> Person | bool:
    """The person behind a session's token.

    Otherwise whether the session waits for its second step.
    """
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        found = find_session(session, token, visit.at, timeouts(settings))
        if found is None:
            return find_pending(session, token, visit.at) is not None
        person = _in_session(session, settings, found, visit)
    if found.needs_touch:
        with suppress(Busy), session_scope(engine, patience=_TOUCH_PATIENCE) as session:
            touch_session(session, token, visit.at)
    return person


def _in_session(session: Session, settings: Settings, found: SignedIn, visit: Visit) -> Person:
    actor = _actor(found.user, visit)
    return Person(
        actor,
        organisation_of(session, found.user.id).name,
        session_id=found.session.id,
        proof=found.session.proof,
        confirmed_at=found.session.confirmed_at,
        operator=is_operator(session, actor.signed_in_id, actor.at.date()),
        must_enrol=must_enrol(session, actor, found.session.proof, settings),
    )


def person_of_token(engine: Engine, settings: Settings, token: str, visit: Visit) -> Person | None:
    """The person behind an API token; None where it is unknown, expired or revoked."""
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        found = find_token(session, token, visit.at)
        if found is None:
            return None
        actor = _actor(found.user, visit)
        weak = must_use_second_factor(session, actor, settings)
        person = Person(
            actor,
            organisation_of(session, found.user.id).name,
            operator=is_operator(session, actor.signed_in_id, actor.at.date()),
            scopes=found.scopes,
            engagement_id=found.token.engagement_id,
            must_enrol=weak and not has_second_factor(session, found.user.id),
        )
    if found.needs_note:
        with suppress(Busy), session_scope(engine, patience=_TOUCH_PATIENCE) as session:
            note_use(session, found.token, visit.at)
    return person


def _actor(user: User, visit: Visit) -> Actor:
    return Actor(user.id, user.name, visit.at, visit.request_id)
