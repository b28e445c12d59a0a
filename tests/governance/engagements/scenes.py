"""An engagement with the lead of each side, for tests of who may do what in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from governance.access import Actor, Role, Side
from governance.engagements.members import Term, add_member, members
from governance.engagements.models import Engagement
from governance.engagements.terms import ALWAYS
from governance.parties.models import Membership, User
from tests.factories import NOW, make_employee

TODAY = NOW.date()
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement with the lead of each side."""

    engagement: Engagement
    manager: Actor
    chair: Actor

    def employee(self, session: Session, side: Side | None) -> User:
        """Somebody new of a side."""
        return make_employee(session, self.engagement, side)

    def add(
        self, session: Session, actor: Actor, user: User, role: Role, term: Term = ALWAYS
    ) -> Membership:
        """A role, given by the actor."""
        return add_member(session, actor, self.engagement, user, role, term=term)

    def number_of(self, session: Session, actor: Actor, role: Role) -> int:
        """The id of somebody's role."""
        (found,) = [
            one.membership.id
            for one in members(session, self.manager, self.engagement)
            if (one.user.id, one.membership.role) == (actor.user_id, role)
        ]
        return found
