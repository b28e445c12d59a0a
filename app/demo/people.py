"""The people of the demo engagement: both sides, an auditor, and who runs the installation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from governance.access import Actor, Role
from governance.contract.engagement import Engagement as Terms
from governance.engagements.members import add_member
from governance.engagements.models import Engagement
from governance.parties.models import Organisation, OrganisationKind, User
from governance.parties.operators import appoint_operator
from governance.parties.service import NewUser, create_user, find_or_create_organisation

_AUDITORS = "Prüfhaus Kern GmbH"
_OPERATORS = "Hafenkontor Betrieb GmbH"


@dataclass(frozen=True, slots=True)
class Person:
    """A demo user."""

    email: str
    name: str
    role: Role


MANAGER = Person("manager@lotwerk.example", "Jana Petersen", Role.PROVIDER_ACCOUNT_MANAGER)
BILLING = Person("billing@lotwerk.example", "Cem Aydin", Role.PROVIDER_FINANCE)
CHAIR = Person("chair@nordkamm.example", "Tom Albers", Role.COMMITTEE_CHAIR)
COMMITTEE = Person("committee@nordkamm.example", "Lena Voss", Role.CLIENT_COMMITTEE)
FINANCE = Person("finance@nordkamm.example", "Mira Siems", Role.CLIENT_FINANCE)
AUDITOR = Person("auditor@pruefhaus.example", "Dr. Ida Kern", Role.AUDITOR)
OPERATOR = Person("operator@hafenkontor.example", "Ole Brandt", Role.OPERATOR)
PEOPLE = (MANAGER, BILLING, CHAIR, COMMITTEE, FINANCE, AUDITOR, OPERATOR)


def make_people(session: Session, actor: Actor, terms: Terms, password: str) -> dict[str, User]:
    """Everyone's account, by e-mail address; the operator runs the installation."""
    users = {
        one.email: create_user(
            session,
            actor,
            _employer(session, actor, terms, one.role),
            NewUser(one.email, one.name, password),
        )
        for one in PEOPLE
    }
    appoint_operator(session, actor, users[OPERATOR.email])
    return users


def _employer(session: Session, actor: Actor, terms: Terms, role: Role) -> Organisation:
    if role.side is not None:
        kind = OrganisationKind(role.side.value)
        party = {OrganisationKind.CLIENT: terms.client}.get(kind, terms.provider)
        return find_or_create_organisation(session, kind, party.name, party.country, actor.at)
    if role is Role.OPERATOR:
        kind, name = OrganisationKind.OPERATOR, _OPERATORS
    else:
        kind, name = OrganisationKind.CLIENT, _AUDITORS
    return find_or_create_organisation(session, kind, name, "DE", actor.at)


def give_roles(
    session: Session, manager: Actor, engagement: Engagement, users: dict[str, User]
) -> None:
    """The manager names the chair, and each lead the others of their side."""
    add_member(session, manager, engagement, users[CHAIR.email], CHAIR.role)
    add_member(session, manager, engagement, users[BILLING.email], BILLING.role)
    chair = Actor(users[CHAIR.email].id, CHAIR.name, manager.at, manager.request_id)
    for one in (COMMITTEE, FINANCE, AUDITOR):
        add_member(session, chair, engagement, users[one.email], one.role)
