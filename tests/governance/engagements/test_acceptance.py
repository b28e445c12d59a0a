"""Amendments: proposed by one side, accepted by the other, governing from then on only."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlmodel import Session

from governance.access import Actor, Role, Side, State, Verdict
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.acceptance import (
    accept_contract,
    amendment,
    version_of,
    version_views,
)
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import add_contract, agreed_contract, contract_in_force
from governance.errors import Conflict, Forbidden, NotFound
from tests.factories import (
    NOW,
    contract_bytes,
    make_actor,
    make_contract,
    make_employee,
    make_member,
    make_role,
)

TODAY = NOW.date()


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement that the provider opened, and the chair who can accept."""

    manager: Actor
    chair: Actor
    engagement: Engagement
    first: ContractVersion


@pytest.fixture
def scene(session: Session) -> Scene:
    manager = make_actor(session)
    added = make_contract(session, manager)
    chair = make_member(session, added.engagement, Role.COMMITTEE_CHAIR)
    return Scene(manager, chair, added.engagement, added.version)


def _amend(session: Session, actor: Actor, title: str = "Collections and cash") -> ContractVersion:
    data = contract_bytes(expected="90.0").replace(
        b"title: Collections\n", f"title: {title}\n".encode()
    )
    return add_contract(session, actor, "v2.yaml", data).version


def test_an_amendment_governs_only_once_the_other_side_accepts(
    session: Session, scene: Scene
) -> None:
    second = _amend(session, scene.manager)
    assert contract_in_force(session, scene.engagement, TODAY).id == scene.first.id
    assert (agreed_contract(session, scene.engagement).id, scene.engagement.title) == (
        scene.first.id,
        "Collections",
    )
    accept_contract(session, scene.chair, scene.engagement, second)
    assert contract_in_force(session, scene.engagement, TODAY).id == second.id
    assert scene.engagement.title == "Collections and cash"
    event = events_of(session, scene.engagement.id)[0]
    assert (event.action, event.subject_id) == (Action.CONTRACT_ACCEPTED, str(second.id))


def test_an_offer_that_a_newer_one_has_overtaken_is_not_accepted(
    session: Session, scene: Scene
) -> None:
    old = _amend(session, scene.manager, "Old terms")
    accept_contract(session, scene.chair, scene.engagement, _amend(session, scene.manager, "New"))
    with pytest.raises(Conflict, match="newer version, 3, is agreed; propose these terms again"):
        accept_contract(session, scene.chair, scene.engagement, old)
    view = version_of(session, scene.chair, scene.engagement, old.number)
    assert view.decision.verdict is Verdict.NOT_NOW
    assert scene.engagement.title == "New"


def test_accepting_the_first_version_leaves_the_newest_title(
    session: Session, scene: Scene
) -> None:
    accept_contract(session, scene.chair, scene.engagement, _amend(session, scene.manager))
    accept_contract(session, scene.chair, scene.engagement, scene.first)
    assert scene.engagement.title == "Collections and cash"


def test_nobody_accepts_for_the_side_that_proposes(session: Session, scene: Scene) -> None:
    colleague = make_member(session, scene.engagement, Role.PROVIDER_ACCOUNT_MANAGER)
    employee = make_employee(session, scene.engagement, Side.PROVIDER)
    disguised = make_role(session, scene.engagement, employee, Role.COMMITTEE_CHAIR)
    for actor, why in (
        (scene.manager, "you added this version"),
        (colleague, "the other side"),
        (disguised, "the other side"),
    ):
        with pytest.raises(Forbidden, match=why):
            accept_contract(session, actor, scene.engagement, scene.first)
    member = make_member(session, scene.engagement, Role.CLIENT_COMMITTEE)
    with pytest.raises(Forbidden, match="none of your roles"):
        accept_contract(session, member, scene.engagement, scene.first)
    with pytest.raises(NotFound):
        accept_contract(session, make_actor(session), scene.engagement, scene.first)


def test_the_client_proposes_and_the_provider_accepts(session: Session, scene: Scene) -> None:
    accept_contract(session, scene.chair, scene.engagement, scene.first)
    second = _amend(session, scene.chair)
    assert second.added_side is Side.CLIENT
    with pytest.raises(Forbidden):
        accept_contract(session, scene.chair, scene.engagement, second)
    accept_contract(session, scene.manager, scene.engagement, second)
    with pytest.raises(Conflict, match="accepted already"):
        accept_contract(session, scene.manager, scene.engagement, second)


def test_a_version_of_another_engagement_is_not_found(session: Session, scene: Scene) -> None:
    other = make_contract(session, scene.manager, "ENG-2").version
    with pytest.raises(NotFound):
        accept_contract(session, scene.chair, scene.engagement, other)


def test_versions_from_before_sides_were_kept_are_accepted(session: Session, scene: Scene) -> None:
    second = _amend(session, scene.manager)
    old = ContractVersion(
        **second.model_dump(exclude={"id", "number", "sha256", "added_side"}),
        number=3,
        sha256="0" * 64,
    )
    session.add(old)
    session.flush()
    assert contract_in_force(session, scene.engagement, TODAY).id == old.id
    with pytest.raises(Conflict, match="accepted already"):
        accept_contract(session, scene.chair, scene.engagement, old)


def test_versions_are_shown_with_who_agreed_and_what_they_change(
    session: Session, scene: Scene
) -> None:
    second = _amend(session, scene.manager)
    accept_contract(session, scene.chair, scene.engagement, scene.first)
    newest, oldest = version_views(session, scene.chair, scene.engagement)
    assert (newest.version.id, newest.state, newest.decision.allowed) == (
        second.id,
        State.PROPOSED,
        True,
    )
    assert oldest.state is State.ACCEPTED
    assert oldest.accepted_by is not None
    assert (oldest.added_by.id, oldest.accepted_by.id) == (
        scene.manager.user_id,
        scene.chair.user_id,
    )
    assert oldest.decision.verdict is Verdict.NOT_NOW
    found = amendment(session, scene.engagement, second)
    assert found is not None
    assert {one.path for one in found.changes} == {
        "engagement.title",
        "service_levels[SL-01].expected",
    }
    assert amendment(session, scene.engagement, scene.first) is None
    with pytest.raises(NotFound):
        version_of(session, scene.chair, scene.engagement, 9)
