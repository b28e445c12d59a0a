"""Duties that conflict: kept apart, covered by recorded exceptions, reported in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from governance.access import Actor, DutyConflict, Permission, Role, Side
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.duties import duties_of, unused_exceptions
from governance.engagements.exceptions import grant_exception, revoke_exception
from governance.engagements.queries import require, standing_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import User
from governance.parties.operators import appoint_operator
from tests.factories import (
    NOW,
    actor_of,
    make_member,
    make_role,
)
from tests.governance.engagements.scenes import DAY, TODAY, Scene


@pytest.mark.parametrize(
    ("side", "held", "more", "conflict"),
    [
        (Side.CLIENT, (), Role.PROVIDER_FINANCE, DutyConflict.FOREIGN_EMPLOYER),
        (Side.PROVIDER, (), Role.CLIENT_FINANCE, DutyConflict.FOREIGN_EMPLOYER),
        (Side.PROVIDER, (), Role.AUDITOR, DutyConflict.FOREIGN_EMPLOYER),
        (None, (Role.PROVIDER_FINANCE,), Role.CLIENT_COMMITTEE, DutyConflict.BOTH_SIDES),
        (
            Side.PROVIDER,
            (Role.PROVIDER_ACCOUNT_MANAGER,),
            Role.PROVIDER_FINANCE,
            DutyConflict.PREPARES_AND_ISSUES,
        ),
        (Side.CLIENT, (Role.CLIENT_FINANCE,), Role.COMMITTEE_CHAIR, DutyConflict.ACCEPTS_AND_PAYS),
        (Side.CLIENT, (Role.CLIENT_FINANCE,), Role.AUDITOR, DutyConflict.AUDITS_AND_ACTS),
    ],
)
def test_conflicting_duties_need_a_recorded_exception(
    session: Session,
    scene: Scene,
    side: Side | None,
    held: tuple[Role, ...],
    more: Role,
    conflict: DutyConflict,
) -> None:
    user = scene.employee(session, side)
    for role in held:
        make_role(session, scene.engagement, user, role)
    giver = scene.manager if more.side is Side.PROVIDER else scene.chair
    with pytest.raises(Conflict, match=conflict.words) as refused:
        scene.add(session, giver, user, more)
    assert "only a committee chair can grant an exception" in str(refused.value)
    grant_exception(session, scene.chair, scene.engagement, user, conflict, reason="a team of two")
    scene.add(session, giver, user, more)
    assert standing_of(session, actor_of(user), scene.engagement).conflicts == frozenset()


def test_who_runs_the_installation_acts_only_by_an_exception(
    session: Session, scene: Scene
) -> None:
    user = scene.employee(session, None)
    appoint_operator(session, Actor(None, "command line", NOW), user)
    with pytest.raises(Conflict, match="a duty outside this engagement") as refused:
        scene.add(session, scene.chair, user, Role.AUDITOR)
    assert "runs the system" not in str(refused.value)
    make_role(session, scene.engagement, user, Role.CLIENT_FINANCE)
    with pytest.raises(Conflict, match="runs the system"):
        scene.add(session, scene.chair, user, Role.AUDITOR)


def test_an_exception_is_the_chairs_for_others_and_has_a_reason(
    session: Session, scene: Scene
) -> None:
    user = scene.employee(session, Side.PROVIDER)
    engagement, conflict = scene.engagement, DutyConflict.PREPARES_AND_ISSUES
    with pytest.raises(Forbidden):
        grant_exception(session, scene.manager, engagement, user, conflict, reason="x")
    chair = session.get_one(User, scene.chair.signed_in_id)
    with pytest.raises(Forbidden, match="to themselves"):
        grant_exception(session, scene.chair, engagement, chair, conflict, reason="x")
    with pytest.raises(BadInput) as refused:
        grant_exception(
            session, scene.chair, engagement, user, conflict, reason=" ", ends_on=TODAY - DAY
        )
    assert [one.column for one in refused.value.problems] == ["reason", "ends_on"]
    granted = grant_exception(
        session, scene.chair, engagement, user, conflict, reason="a\nteam of two", ends_on=TODAY
    )
    assert granted.reason == "a team of two"
    with pytest.raises(Conflict, match="already"):
        grant_exception(session, scene.chair, engagement, user, conflict, reason="x")
    event = events_of(session, engagement.id)[0]
    assert (event.action, event.reason) == (Action.EXCEPTION_GRANTED, "a team of two")
    with pytest.raises(Forbidden):
        revoke_exception(session, scene.manager, engagement, granted.id)
    revoke_exception(session, scene.chair, engagement, granted.id)
    with pytest.raises(Conflict, match="revoked already"):
        revoke_exception(session, scene.chair, engagement, granted.id)
    with pytest.raises(NotFound):
        revoke_exception(session, scene.chair, engagement, 9999)


def test_without_its_exception_a_conflict_closes_approvals_at_once(
    session: Session, scene: Scene
) -> None:
    user = scene.employee(session, Side.CLIENT)
    conflict = DutyConflict.ACCEPTS_AND_PAYS
    granted = grant_exception(
        session, scene.chair, scene.engagement, user, conflict, reason="small", ends_on=TODAY + DAY
    )
    for role in (Role.CLIENT_COMMITTEE, Role.CLIENT_FINANCE):
        scene.add(session, scene.chair, user, role)
    both = actor_of(user)
    require(session, both, scene.engagement, Permission.ACCEPT_FIGURES)
    later = replace(both, at=NOW + 2 * DAY)
    with pytest.raises(Forbidden, match="accepts the figures and pays"):
        require(session, later, scene.engagement, Permission.ACCEPT_FIGURES)
    require(session, later, scene.engagement, Permission.VIEW)
    revoke_exception(session, scene.chair, scene.engagement, granted.id)
    with pytest.raises(Forbidden, match="can grant an exception"):
        require(session, both, scene.engagement, Permission.ACCEPT_FIGURES)


def test_the_report_says_who_holds_what_and_every_conflict(session: Session, scene: Scene) -> None:
    user = scene.employee(session, Side.PROVIDER)
    covered = DutyConflict.PREPARES_AND_ISSUES
    granted = grant_exception(
        session, scene.chair, scene.engagement, user, covered, reason="a team of two"
    )
    for role in (Role.PROVIDER_ACCOUNT_MANAGER, Role.PROVIDER_FINANCE):
        scene.add(session, scene.manager, user, role)
    auditor = make_member(session, scene.engagement, Role.AUDITOR)
    make_role(
        session,
        scene.engagement,
        session.get_one(User, auditor.signed_in_id),
        Role.CLIENT_FINANCE,
    )
    appoint_operator(
        session, Actor(None, "command line", NOW), session.get_one(User, auditor.signed_in_id)
    )
    report = {one.user.id: one for one in duties_of(session, auditor, scene.engagement)}
    assert set(report) == {
        user.id,
        auditor.signed_in_id,
        scene.manager.signed_in_id,
        scene.chair.signed_in_id,
    }
    (found,) = report[user.id].conflicts
    assert (found.conflict, found.exception, found.is_covered) == (covered, granted, True)
    assert found.granted_by is not None
    assert found.granted_by.id == scene.chair.user_id
    assert report[user.id].employer_side is Side.PROVIDER
    loose = report[auditor.signed_in_id]
    assert {one.conflict for one in loose.uncovered} == {
        DutyConflict.AUDITS_AND_ACTS,
        DutyConflict.OPERATES_AND_ACTS,
    }
    assert (loose.operates, loose.employer_side) == (True, None)
    assert unused_exceptions(session, scene.chair, scene.engagement) == ()
    spare = grant_exception(
        session, scene.chair, scene.engagement, user, DutyConflict.BOTH_SIDES, reason="to come"
    )
    ((who, unused, _by),) = unused_exceptions(session, scene.chair, scene.engagement)
    assert (who.id, unused.id) == (user.id, spare.id)
    finance = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    with pytest.raises(Forbidden):
        duties_of(session, finance, scene.engagement)
