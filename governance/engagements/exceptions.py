"""Exceptions: one person may hold what conflicts, for a reason that others can read."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, DutyConflict, Item, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import DutyException, Engagement
from governance.engagements.queries import lock_engagement, require, running_exceptions
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import User

_LONGEST_REASON = 1000


def grant_exception(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    user: User,
    conflict: DutyConflict,
    *,
    reason: str,
    ends_on: date | None = None,
) -> DutyException:
    """Let a person have a conflict among their duties, until `ends_on` or a revocation.

    Only the committee chair may, and never for themselves. It lets the duties be held; what the
    person prepared another one approves all the same.

    Raises Forbidden, BadInput for a missing reason or a last day in the past, Conflict where one
    runs already.
    """
    item = Item(prepared_by=user.id)
    require(session, actor, engagement, Permission.GRANT_EXCEPTION, item)
    reason = " ".join(reason.split())
    _check(reason, ends_on, actor.at.date())
    lock_engagement(session, engagement)
    running = running_exceptions(engagement, actor.at.date()).where(
        col(DutyException.user_id) == user.id, col(DutyException.conflict) == conflict
    )
    if session.scalars(running).first() is not None:
        raise Conflict(f"{user.name} has this exception already")
    granted = DutyException(
        engagement_id=engagement.id,
        user_id=user.id,
        conflict=conflict,
        reason=reason,
        granted_by_id=actor.signed_in_id,
        granted_at=actor.at,
        ends_on=ends_on,
    )
    session.add(granted)
    session.flush()
    _record(session, actor, Action.EXCEPTION_GRANTED, granted, user)
    return granted


def _check(reason: str, ends_on: date | None, today: date) -> None:
    problems = []
    if not reason or len(reason) > _LONGEST_REASON:
        problems.append(
            Problem(
                "the reason is missing or too long",
                column="reason",
                allowed=f"1 to {_LONGEST_REASON} characters that others understand",
            )
        )
    if ends_on is not None and ends_on < today:
        problems.append(
            Problem(
                "the last day is past",
                column="ends_on",
                found=ends_on.isoformat(),
                allowed=f"{today} or later, or none",
            )
        )
    if problems:
        raise BadInput(problems)


def revoke_exception(
    session: Session, actor: Actor, engagement: Engagement, exception_id: int
) -> DutyException:
    """End an exception now; the person approves nothing more while the conflict lasts.

    Raises Forbidden for all but the chair and for one's own, NotFound for an unknown one,
    Conflict where it is over already.
    """
    require(session, actor, engagement, Permission.GRANT_EXCEPTION)
    lock_engagement(session, engagement)
    granted = session.get(DutyException, exception_id, populate_existing=True)
    if granted is None or granted.engagement_id != engagement.id:
        raise NotFound(f"{engagement.reference} has no such exception")
    item = Item(prepared_by=granted.user_id)
    require(session, actor, engagement, Permission.GRANT_EXCEPTION, item)
    if granted.revoked_at is not None:
        raise Conflict("this exception is revoked already")
    granted.revoked_at = actor.at
    session.flush()
    user = session.get_one(User, granted.user_id)
    _record(session, actor, Action.EXCEPTION_REVOKED, granted, user)
    return granted


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    granted: DutyException,
    user: User,
) -> None:
    after = {
        "email": user.email,
        "conflict": granted.conflict.value,
        "ends_on": granted.ends_on.isoformat() if granted.ends_on else None,
    }
    record(
        session,
        actor,
        Change(
            action,
            "duty_exception",
            granted.id,
            user.name,
            granted.engagement_id,
            after=after,
            reason=granted.reason,
            person_id=user.id,
        ),
    )
