"""API tokens: what a program of a user's presents in place of a session.

A token never does more than its owner may at that moment, and never more than its scopes.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import ApiToken, ApiTokenUse
from app.security.throttle import insert_for
from governance.access import APPROVALS, Actor, Permission, permissions_of
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import get_engagement, memberships_of
from governance.errors import BadInput, NotFound, Problem
from governance.parties.models import User

PREFIX = "plb_"
"""Begins every token, so that people and scanners know one when they see it."""
LONGEST_DAYS = 365
_LONGEST_NAME = 80
_NOTE_EVERY = timedelta(minutes=1)
_SHAPE = re.compile(r"plb_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is made from."""

    name: str
    scopes: frozenset[Permission]
    last_day: date | None
    """The last day, in UTC, on which it works."""
    reference: str = ""
    """The one engagement it is for; empty for all of the owner's."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that is good, with its owner."""

    token: ApiToken
    user: User
    scopes: frozenset[Permission]
    needs_note: bool
    """Whether the time of last use should be written again."""


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as its owner sees it: everything but the token itself."""

    token: ApiToken
    engagement: Engagement | None
    last_used_at: datetime | None


def offered_scopes(session: Session, actor: Actor, *, operator: bool) -> tuple[Permission, ...]:
    """What a token of the actor's could be for: what any role of theirs carries now.

    Approvals are a person's own yes, which no program gives for them.
    """
    roles = {row.role for row in session.execute(memberships_of(actor))}
    of_roles = permissions_of(roles)
    found = of_roles | {Permission.VIEW_OPERATION} if operator else of_roles
    return tuple(one for one in Permission if one in found - APPROVALS)


def make_token(
    session: Session, actor: Actor, new: NewToken, *, operator: bool = False
) -> tuple[ApiToken, str]:
    """Make a token; answers the row and the token itself, which is shown once.

    Raises BadInput for a missing name, no scope, a scope that the actor doesn't have, or an end
    that is missing, over, or more than a year away; NotFound for others' engagements.
    """
    _check(new, actor, offered_scopes(session, actor, operator=operator))
    engagement = get_engagement(session, actor, new.reference) if new.reference else None
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=actor.signed_in_id,
        name=" ".join(new.name.split()),
        token_sha256=_digest(text),
        scopes=" ".join(sorted(new.scopes)),
        engagement_id=engagement.id if engagement else None,
        created_at=actor.at,
        expires_at=_end_of(new.last_day or actor.at.date(), actor),
    )
    session.add(row)
    session.flush()
    _record(session, actor, Action.API_TOKEN_MADE, row)
    return row, text


def _end_of(day: date, actor: Actor) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), actor.at.tzinfo)


def _check(new: NewToken, actor: Actor, offered: Collection[Permission]) -> None:
    today = actor.at.date()
    name = " ".join(new.name.split())
    problems = []
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        problems.append(
            Problem(
                "the name is missing or too long",
                column="name",
                allowed=f"1 to {_LONGEST_NAME} characters that say which program it is for",
            )
        )
    if not new.scopes:
        problems.append(Problem("nothing is chosen that the token may do", column="scopes"))
    problems += [
        Problem(_refused(scope), column="scopes", found=scope.value)
        for scope in sorted(new.scopes - set(offered))
    ]
    latest = today + timedelta(days=LONGEST_DAYS)
    if new.last_day is None or not today <= new.last_day <= latest:
        problems.append(
            Problem(
                "the token needs a last day",
                column="last_day",
                found=new.last_day.isoformat() if new.last_day else "",
                allowed=f"{today} to {latest}",
            )
        )
    if problems:
        raise BadInput(problems)


def _refused(scope: Permission) -> str:
    if scope in APPROVALS:
        return "an approval is given by a person, never by a program"
    return "none of your roles allows this"


def find_token(session: Session, text: str, now: datetime) -> Presented | None:
    """The token and its owner; None where it is unknown, expired, revoked or the user inactive."""
    if not _SHAPE.fullmatch(text):
        return None
    row = session.execute(
        select(ApiToken, User, ApiTokenUse)
        .join(User, col(User.id) == col(ApiToken.user_id))
        .outerjoin(ApiTokenUse, col(ApiTokenUse.token_id) == col(ApiToken.id))
        .where(
            col(ApiToken.token_sha256) == _digest(text),
            col(ApiToken.revoked_at).is_(None),
            col(ApiToken.expires_at) > now,
            col(User.active),
        )
    ).one_or_none()
    if row is None:
        return None
    known = {one.value for one in Permission if one not in APPROVALS}
    scopes = frozenset(Permission(one) for one in row.ApiToken.scopes.split() if one in known)
    used = row.ApiTokenUse
    needs_note = used is None or now - used.last_used_at >= _NOTE_EVERY
    return Presented(row.ApiToken, row.User, scopes, needs_note)


def note_use(session: Session, token: ApiToken, now: datetime) -> None:
    """Note that the token was used."""
    new = insert_for(session)(ApiTokenUse).values(token_id=token.id, last_used_at=now)
    session.execute(
        new.on_conflict_do_update(index_elements=["token_id"], set_={"last_used_at": now})
    )


def tokens_of(session: Session, actor: Actor) -> tuple[ListedToken, ...]:
    """The actor's tokens that work or would still work, the newest first."""
    rows = session.execute(
        select(ApiToken, ApiTokenUse)
        .outerjoin(ApiTokenUse, col(ApiTokenUse.token_id) == col(ApiToken.id))
        .where(
            col(ApiToken.user_id) == actor.signed_in_id,
            col(ApiToken.revoked_at).is_(None),
            or_(col(ApiToken.expires_at) > actor.at - timedelta(days=30)),
        )
        .order_by(col(ApiToken.id).desc())
    ).all()
    ids = {row.ApiToken.engagement_id for row in rows} - {None}
    seen = select(Engagement).where(col(Engagement.id).in_(ids))
    engagements = {one.id: one for one in session.scalars(seen)} if ids else {}
    return tuple(
        ListedToken(
            row.ApiToken,
            engagements.get(row.ApiToken.engagement_id),
            row.ApiTokenUse.last_used_at if row.ApiTokenUse else None,
        )
        for row in rows
    )


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    """Make one of the actor's own tokens worthless; NotFound for any other."""
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != actor.signed_in_id or row.revoked_at is not None:
        raise NotFound("there is no such token")
    _revoke(session, actor, row)


def revoke_all_tokens(session: Session, actor: Actor, user: User) -> int:
    """Make all tokens of a user worthless; answers how many that were."""
    rows = session.scalars(
        select(ApiToken).where(col(ApiToken.user_id) == user.id, col(ApiToken.revoked_at).is_(None))
    ).all()
    for row in rows:
        _revoke(session, actor, row)
    return len(rows)


def _revoke(session: Session, actor: Actor, row: ApiToken) -> None:
    row.revoked_at = actor.at
    session.flush()
    _record(session, actor, Action.API_TOKEN_REVOKED, row)


def _record(session: Session, actor: Actor, action: Action, row: ApiToken) -> None:
    after = {
        "scopes": row.scopes,
        "expires": row.expires_at.isoformat(),
        "engagement": str(row.engagement_id or ""),
    }
    change = Change(action, "api_token", row.id, row.name, after=after, person_id=row.user_id)
    record(session, actor, change)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
