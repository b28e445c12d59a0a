"""Who runs the installation: appointed by the command line or by another operator."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.errors import BadInput, Conflict, Forbidden, Problem
from governance.parties.models import OperatorTerm, User

_DAY = timedelta(days=1)


def is_operator(session: Session, user_id: int | None, day: date) -> bool:
    """Whether the person runs the installation on that day, with an open account."""
    running = _running(day).where(col(OperatorTerm.user_id) == user_id)
    return session.scalars(running.limit(1)).first() is not None


def operators(session: Session, day: date) -> tuple[tuple[User, OperatorTerm], ...]:
    """Everyone who runs the installation on that day, by e-mail address."""
    rows = session.execute(
        _running(day).add_columns(User).order_by(col(User.email_key), col(OperatorTerm.id))
    )
    return tuple((row.User, row.OperatorTerm) for row in rows)


def _running(day: date) -> Select[OperatorTerm]:
    return (
        select(OperatorTerm)
        .join(User, and_(col(User.id) == col(OperatorTerm.user_id), col(User.active)))
        .where(
            or_(col(OperatorTerm.starts_on).is_(None), col(OperatorTerm.starts_on) <= day),
            or_(col(OperatorTerm.ends_on).is_(None), col(OperatorTerm.ends_on) >= day),
        )
    )


def appoint_operator(
    session: Session, actor: Actor, user: User, *, ends_on: date | None = None
) -> OperatorTerm:
    """Let a person run the installation from today on, up to and with `ends_on`.

    Raises Forbidden for who is no operator and for oneself; Conflict where the person runs it
    already or the account is closed; BadInput for a last day in the past.
    """
    _require_another_operator(session, actor, user)
    today = actor.at.date()
    if ends_on is not None and ends_on < today:
        raise BadInput.one(
            Problem(
                "the last day is past", column="ends_on", found=str(ends_on), allowed="a later day"
            )
        )
    if not user.active:
        raise Conflict(f"the account of {user.email} is closed")
    if is_operator(session, user.id, today):
        raise Conflict(f"{user.email} runs the installation already")
    term = OperatorTerm(user_id=user.id, starts_on=today, ends_on=ends_on, granted_at=actor.at)
    session.add(term)
    session.flush()
    after = {"starts_on": today.isoformat(), "ends_on": ends_on.isoformat() if ends_on else None}
    _record(session, actor, Action.OPERATOR_APPOINTED, user, after)
    return term


def dismiss_operator(session: Session, actor: Actor, user: User) -> None:
    """End a person's term; the next request finds it ended.

    Raises Forbidden for who is no operator and for oneself; Conflict where the person is none,
    and for the last one.
    """
    _require_another_operator(session, actor, user)
    today = actor.at.date()
    running = _locked(session, today)
    own = [term for term in running if term.user_id == user.id]
    if not own:
        raise Conflict(f"{user.email} doesn't run the installation")
    if len(own) == len(running):
        raise Conflict(f"{user.email} is the last operator; appoint another one first")
    for term in own:
        term.ends_on = today - _DAY
    session.flush()
    _record(session, actor, Action.OPERATOR_DISMISSED, user, {"ends_on": str(today - _DAY)})


def check_not_last(session: Session, user: User, day: date) -> None:
    """Conflict where the person is the only one who runs the installation on that day."""
    running = _locked(session, day)
    if running and all(term.user_id == user.id for term in running):
        raise Conflict(f"{user.email} is the last operator; appoint another one first")


def _locked(session: Session, day: date) -> list[OperatorTerm]:
    """The terms that run; the lock lets two operators not undo each other at the same moment."""
    session.execute(select(col(OperatorTerm.id)).with_for_update())
    # Asked again under the lock: an account may have been closed meanwhile.
    return list(session.scalars(_running(day), execution_options={"populate_existing": True}))


def _require_another_operator(session: Session, actor: Actor, user: User) -> None:
    """The command line may, who works there has the server itself."""
    if actor.user_id is None:
        return
    if not is_operator(session, actor.user_id, actor.at.date()):
        raise Forbidden("only an operator appoints and dismisses operators")
    if actor.user_id == user.id:
        raise Forbidden("nobody appoints or dismisses themselves; another operator has to")


def _record(
    session: Session, actor: Actor, action: Action, user: User, after: dict[str, str | None]
) -> None:
    record(session, actor, Change(action, "user_account", user.id, user.email, after=after))
