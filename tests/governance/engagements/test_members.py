"""Members: given by who leads their side, changed, taken away, and each side keeps a lead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from governance.access import Role, Side
from governance.audit.models import Action
from governance.audit.rows import has_changed_rows
from governance.audit.service import entries_of, events_of, read_fields
from governance.engagements.duties import duties_of
from governance.engagements.grants import check_grant
from governance.engagements.members import (
    Term,
    change_term,
    get_member,
    members,
    remove_member,
)
from governance.engagements.queries import get_engagement, roles_in
from governance.engagements.terms import ALWAYS
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import Organisation, User
from governance.parties.service import deactivate
from tests.factories import (
    NOW,
    actor_of,
    make_actor,
    make_engagement,
    make_member,
    make_role,
    make_user,
)
from tests.governance.engagements.scenes import DAY, TODAY, Scene


def test_each_lead_gives_the_roles_of_its_own_side(session: Session, scene: Scene) -> None:
    client, provider = (scene.employee(session, side) for side in (Side.CLIENT, Side.PROVIDER))
    scene.add(session, scene.chair, client, Role.CLIENT_FINANCE)
    scene.add(session, scene.manager, provider, Role.PROVIDER_FINANCE)
    scene.add(session, scene.chair, scene.employee(session, None), Role.AUDITOR)
    other = scene.employee(session, Side.CLIENT)
    for role in (Role.CLIENT_COMMITTEE, Role.COMMITTEE_CHAIR, Role.AUDITOR, Role.OPERATOR):
        with pytest.raises(Forbidden):
            scene.add(session, scene.manager, other, role)
    with pytest.raises(Forbidden):
        scene.add(session, actor_of(client), other, Role.CLIENT_COMMITTEE)
    with pytest.raises(NotFound):
        scene.add(session, make_actor(session), other, Role.CLIENT_COMMITTEE)


def test_a_side_without_a_lead_gets_an_employee_from_the_other(session: Session) -> None:
    manager = make_actor(session)
    scene = Scene(make_engagement(session, manager), manager, manager)
    with pytest.raises(Forbidden, match="an employee of the client"):
        scene.add(session, manager, scene.employee(session, None), Role.COMMITTEE_CHAIR)
    scene.add(session, manager, scene.employee(session, Side.CLIENT), Role.COMMITTEE_CHAIR)
    with pytest.raises(Forbidden, match="given by its committee chair"):
        scene.add(session, manager, scene.employee(session, Side.CLIENT), Role.COMMITTEE_CHAIR)


def test_nobody_gives_a_role_to_themselves_or_holds_one_for_longer(
    session: Session, scene: Scene
) -> None:
    chair = session.get_one(User, scene.chair.signed_in_id)
    with pytest.raises(Forbidden, match="to themselves"):
        scene.add(session, scene.chair, chair, Role.AUDITOR)
    second = make_member(session, scene.engagement, Role.COMMITTEE_CHAIR)
    number = scene.number_of(session, scene.chair, Role.COMMITTEE_CHAIR)
    own = get_member(session, scene.chair, scene.engagement, number)
    shorter = Term(TODAY, TODAY + 9 * DAY)
    change_term(session, scene.chair, scene.engagement, own, shorter)
    for longer in (
        ALWAYS,
        Term(TODAY),
        Term(TODAY, TODAY + 10 * DAY),
        replace(shorter, starts_on=None),
    ):
        with pytest.raises(Forbidden, match="extends their own role"):
            change_term(session, scene.chair, scene.engagement, own, longer)
    change_term(session, second, scene.engagement, own, ALWAYS)


def test_a_role_taken_away_is_one_entry(session: Session, scene: Scene) -> None:
    user = scene.employee(session, Side.CLIENT)
    membership = scene.add(session, scene.chair, user, Role.CLIENT_FINANCE)
    before = len(entries_of(session, scene.engagement.id))
    member = get_member(session, scene.chair, scene.engagement, membership.id)
    remove_member(session, scene.chair, scene.engagement, member)
    entry, *others = entries_of(session, scene.engagement.id)
    assert len(others) == before
    assert entry.action is Action.MEMBER_REMOVED
    rows = read_fields(session, entry)["rows"]
    assert rows == [["membership", str(membership.id), None]]
    assert not has_changed_rows(session)


def test_a_lead_who_ends_takes_no_lead_without_end_along(session: Session, scene: Scene) -> None:
    own = get_member(
        session,
        scene.chair,
        scene.engagement,
        scene.number_of(session, scene.chair, Role.COMMITTEE_CHAIR),
    )
    ending = scene.employee(session, Side.CLIENT)
    scene.add(session, scene.chair, ending, Role.COMMITTEE_CHAIR, Term(ends_on=TODAY + DAY))
    with pytest.raises(Conflict, match="until further notice"):
        remove_member(session, scene.chair, scene.engagement, own)
    over = scene.number_of(session, actor_of(ending), Role.COMMITTEE_CHAIR)
    later = replace(scene.chair, at=NOW + 5 * DAY)
    remove_member(
        session, later, scene.engagement, get_member(session, later, scene.engagement, over)
    )


def test_roles_that_follow_one_another_do_not_meet(session: Session, scene: Scene) -> None:
    user = scene.employee(session, Side.PROVIDER)
    scene.add(session, scene.manager, user, Role.PROVIDER_FINANCE, Term(TODAY, TODAY + 5 * DAY))
    later = Term(TODAY + 6 * DAY)
    scene.add(session, scene.manager, user, Role.PROVIDER_ACCOUNT_MANAGER, later)
    (duties,) = [
        one for one in duties_of(session, scene.chair, scene.engagement) if one.user.id == user.id
    ]
    assert duties.conflicts == ()
    member = get_member(
        session,
        scene.manager,
        scene.engagement,
        scene.number_of(session, actor_of(user), Role.PROVIDER_FINANCE),
    )
    with pytest.raises(Conflict, match="prepares the figures"):
        change_term(session, scene.manager, scene.engagement, member, Term(TODAY, TODAY + 6 * DAY))


def test_a_side_keeps_a_lead(session: Session, scene: Scene) -> None:
    own = get_member(
        session,
        scene.chair,
        scene.engagement,
        scene.number_of(session, scene.chair, Role.COMMITTEE_CHAIR),
    )
    with pytest.raises(Conflict, match="last one to lead the client"):
        remove_member(session, scene.chair, scene.engagement, own)
    for term in (Term(ends_on=TODAY + DAY), Term(starts_on=TODAY + DAY)):
        with pytest.raises(Conflict, match="name another committee chair first"):
            change_term(session, scene.chair, scene.engagement, own, term)
    with pytest.raises(Forbidden, match="their own side"):
        remove_member(session, scene.manager, scene.engagement, own)
    second = make_member(session, scene.engagement, Role.COMMITTEE_CHAIR)
    deactivate(session, second, session.get_one(User, second.signed_in_id))
    with pytest.raises(Conflict, match="last one"):
        remove_member(session, scene.chair, scene.engagement, own)
    make_member(session, scene.engagement, Role.COMMITTEE_CHAIR)
    remove_member(session, scene.chair, scene.engagement, own)
    with pytest.raises(NotFound):
        get_engagement(session, scene.chair, scene.engagement.reference)


def test_a_term_is_changed_and_the_change_recorded(session: Session, scene: Scene) -> None:
    user = scene.employee(session, Side.CLIENT)
    membership = scene.add(session, scene.chair, user, Role.CLIENT_FINANCE)
    member = get_member(session, scene.chair, scene.engagement, membership.id)
    for wrong in (Term(ends_on=TODAY - DAY), Term(TODAY + DAY, TODAY)):
        with pytest.raises(BadInput, match="last day"):
            change_term(session, scene.chair, scene.engagement, member, wrong)
    change_term(session, scene.chair, scene.engagement, member, Term(ends_on=TODAY))
    event = events_of(session, scene.engagement.id)[0]
    assert event.action is Action.MEMBER_CHANGED
    assert f'"ends_on":"{TODAY}"' in (event.after or "")
    assert '"ends_on":null' in (event.before or "")
    tomorrow = replace(actor_of(user), at=NOW + DAY)
    assert roles_in(session, tomorrow, scene.engagement) == frozenset()
    again = replace(scene.chair, at=NOW + DAY)
    assert scene.add(session, again, user, Role.CLIENT_FINANCE).id == membership.id
    assert roles_in(session, tomorrow, scene.engagement) == {Role.CLIENT_FINANCE}


def test_members_of_other_engagements_are_not_found(session: Session, scene: Scene) -> None:
    other = make_engagement(session, make_actor(session), "ENG-2")
    foreign = make_member(session, other, Role.CLIENT_FINANCE)
    (row,) = [one for one in members(session, foreign, other) if one.user.id == foreign.user_id]
    with pytest.raises(NotFound):
        get_member(session, scene.chair, scene.engagement, row.membership.id)
    with pytest.raises(NotFound):
        remove_member(session, scene.chair, scene.engagement, row)


def test_a_closed_account_gets_no_role(session: Session, scene: Scene) -> None:
    user = scene.employee(session, Side.CLIENT)
    deactivate(session, scene.chair, user)
    with pytest.raises(Conflict, match="closed"):
        scene.add(session, scene.chair, user, Role.CLIENT_FINANCE)


def test_an_invitation_is_checked_by_the_employer(session: Session, scene: Scene) -> None:
    client, provider = (
        session.get_one(Organisation, number)
        for number in (scene.engagement.client_id, scene.engagement.provider_id)
    )
    check_grant(session, scene.chair, scene.engagement, client, Role.CLIENT_FINANCE)
    with pytest.raises(Conflict, match=f"someone of {provider.name} works for the party"):
        check_grant(session, scene.chair, scene.engagement, provider, Role.CLIENT_FINANCE)
    with pytest.raises(Forbidden):
        check_grant(session, scene.manager, scene.engagement, client, Role.CLIENT_FINANCE)


def test_running_the_installation_opens_no_engagement(session: Session, scene: Scene) -> None:
    user = make_user(session)
    operator = make_role(session, scene.engagement, user, Role.OPERATOR)
    with pytest.raises(NotFound):
        get_engagement(session, operator, scene.engagement.reference)
    number = scene.number_of(session, operator, Role.OPERATOR)
    legacy = get_member(session, scene.manager, scene.engagement, number)
    remove_member(session, scene.manager, scene.engagement, legacy)
