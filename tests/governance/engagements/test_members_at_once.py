"""Members changed by two at the same moment: what counts is what stands under the lock."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import session_scope
from governance.access import Actor, Role
from governance.engagements.members import Member, Term, change_term, members, remove_member
from governance.engagements.models import Engagement
from governance.errors import Conflict, NotFound
from governance.tenancy import EVERYTHING
from tests.factories import NOW, make_actor, make_engagement, make_member

TODAY = NOW.date()


@dataclass(frozen=True, slots=True)
class _Led:
    engagement: Engagement
    first: Actor
    second: Actor


def _led_twice(engine: Engine) -> _Led:
    """An engagement whose client is led by two."""
    with session_scope(engine, sees=EVERYTHING) as session:
        engagement = make_engagement(session, make_actor(session))
        chairs = [make_member(session, engagement, Role.COMMITTEE_CHAIR) for _ in range(2)]
    return _Led(engagement, *chairs)


def _chair(session: Session, led: _Led, actor: Actor) -> Member:
    (found,) = [
        one for one in members(session, led.first, led.engagement) if one.user.id == actor.user_id
    ]
    return found


def test_a_role_that_went_meanwhile_is_not_found(postgresql_engine: Engine) -> None:
    led = _led_twice(postgresql_engine)
    with session_scope(postgresql_engine, sees=EVERYTHING) as session:
        member = _chair(session, led, led.second)
        with session_scope(postgresql_engine, sees=EVERYTHING) as other:
            remove_member(other, led.first, led.engagement, _chair(other, led, led.second))
        with pytest.raises(NotFound):
            change_term(session, led.first, led.engagement, member, Term(ends_on=TODAY))


def test_a_lead_that_ended_meanwhile_is_none(postgresql_engine: Engine) -> None:
    led = _led_twice(postgresql_engine)
    with session_scope(postgresql_engine, sees=EVERYTHING) as session:
        own = _chair(session, led, led.first)
        # Held, so that the session knows the row as it was.
        assert (seen := _chair(session, led, led.second)).membership.ends_on is None
        with session_scope(postgresql_engine, sees=EVERYTHING) as other:
            theirs = _chair(other, led, led.second)
            change_term(other, led.first, led.engagement, theirs, Term(ends_on=TODAY))
        with pytest.raises(Conflict, match="last one to lead"):
            remove_member(session, led.first, led.engagement, own)
        assert seen.membership.ends_on == TODAY
