"""The report on duties: who holds what, since when and until when, and every conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor, DutyConflict, Permission, Side, conflicts
from governance.engagements.members import Member, members
from governance.engagements.models import DutyException, Engagement
from governance.engagements.queries import employer_side, require, running_exceptions
from governance.parties.models import Organisation, User
from governance.parties.operators import is_operator


@dataclass(frozen=True, slots=True)
class FoundConflict:
    """A conflict among a person's duties, and what covers it."""

    conflict: DutyConflict
    exception: DutyException | None
    granted_by: User | None

    @property
    def is_covered(self) -> bool:
        """Whether a running exception allows it."""
        return self.exception is not None


@dataclass(frozen=True, slots=True)
class PersonDuties:
    """Everything that one person is and holds in an engagement."""

    user: User
    employer: Organisation
    employer_side: Side | None
    """None for who works for neither party."""
    operates: bool
    """Whether the person also runs the installation."""
    held: tuple[Member, ...]
    """Roles that are over stay listed until they are removed."""
    conflicts: tuple[FoundConflict, ...]
    """Among the roles that run today or are to come, and share a day."""

    @property
    def uncovered(self) -> tuple[FoundConflict, ...]:
        """The conflicts that no exception allows."""
        return tuple(one for one in self.conflicts if not one.is_covered)


def duties_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[PersonDuties, ...]:
    """Who holds what in the engagement, by name, with every conflict and what covers it.

    People whose accounts are closed stay listed as long as they hold a role.
    """
    require(session, actor, engagement, Permission.VIEW_DUTIES)
    held: dict[int, list[Member]] = {}
    for member in members(session, actor, engagement):
        held.setdefault(member.user.id, []).append(member)
    exceptions = exceptions_of(session, actor, engagement)
    return tuple(
        _duties(session, actor.at.date(), engagement, roles, exceptions) for roles in held.values()
    )


def exceptions_of(
    session: Session, actor: Actor, engagement: Engagement
) -> Mapping[tuple[int, DutyConflict], tuple[DutyException, User]]:
    """The exceptions that run today with who granted them, by person and conflict."""
    require(session, actor, engagement, Permission.VIEW_DUTIES)
    rows = session.execute(
        running_exceptions(engagement, actor.at.date())
        .add_columns(User)
        .join(User, col(User.id) == col(DutyException.granted_by_id))
        .order_by(col(DutyException.id))
    )
    return {
        (row.DutyException.user_id, row.DutyException.conflict): (row.DutyException, row.User)
        for row in rows
    }


def unused_exceptions(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[tuple[User, DutyException, User], ...]:
    """Running exceptions that cover nothing now: beneficiary, exception and who granted it."""
    used = {
        found.exception.id
        for person in duties_of(session, actor, engagement)
        for found in person.conflicts
        if found.exception
    }
    return tuple(
        (session.get_one(User, exception.user_id), exception, granted_by)
        for exception, granted_by in exceptions_of(session, actor, engagement).values()
        if exception.id not in used
    )


def _duties(
    session: Session,
    day: date,
    engagement: Engagement,
    held: list[Member],
    exceptions: Mapping[tuple[int, DutyConflict], tuple[DutyException, User]],
) -> PersonDuties:
    user = held[0].user
    employer = session.scalars(
        select(Organisation).where(col(Organisation.id) == user.organisation_id)
    ).one()
    side = employer_side(engagement, employer.id)
    operates = is_operator(session, user.id, day)
    found = []
    for conflict in sorted(_conflicts(day, held, side, operates=operates)):
        exception, granted_by = exceptions.get((user.id, conflict), (None, None))
        found.append(FoundConflict(conflict, exception, granted_by))
    return PersonDuties(user, employer, side, operates, tuple(held), tuple(found))


def _conflicts(
    day: date, held: list[Member], employer: Side | None, *, operates: bool
) -> frozenset[DutyConflict]:
    """Roles that follow one another don't meet, and so don't conflict."""
    lasting = [one for one in held if not one.term.is_over(day)]
    found: frozenset[DutyConflict] = frozenset()
    for each in lasting:
        together = {one.membership.role for one in lasting if one.term.overlaps(each.term)}
        found |= conflicts(together, employer, operator=operates)
    return found
