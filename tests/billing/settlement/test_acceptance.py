"""Figures: settled by the provider, accepted by the client, issued by a third person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from billing.invoices.service import issue_invoice
from billing.settlement.acceptance import (
    accept_figures,
    acceptance_of,
    agreement_of,
    state_of_period,
)
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import current_settlement
from billing.settlement.service import settle_period
from governance.access import Actor, Role, Side, State, Verdict
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.models import Engagement
from governance.errors import Conflict, Forbidden, NotFound
from tests.factories import (
    FEBRUARY,
    JANUARY,
    agree,
    make_actor,
    make_employee,
    make_engagement,
    make_evidence,
    make_member,
    make_role,
    make_workshop,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A settled January, and one person for each duty."""

    engagement: Engagement
    manager: Actor
    finance: Actor
    chair: Actor
    settled: SettlementRecord


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    manager = make_actor(session)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, tmp_path)
    return Scene(
        engagement,
        manager,
        make_member(session, engagement, Role.PROVIDER_FINANCE),
        make_member(session, engagement, Role.COMMITTEE_CHAIR),
        settle_period(session, manager, engagement, JANUARY, make_workshop(tmp_path)),
    )


def _state(session: Session, scene: Scene) -> State:
    return state_of_period(session, current_settlement(session, scene.engagement, JANUARY))


def test_a_period_goes_from_open_to_issued_step_by_step(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    workshop = make_workshop(tmp_path)
    assert state_of_period(session, None) is State.OPEN
    assert _state(session, scene) is State.SETTLED
    with pytest.raises(Conflict, match="hasn't accepted the figures"):
        issue_invoice(session, scene.finance, scene.engagement, JANUARY, workshop)
    accept_figures(session, scene.chair, scene.engagement, JANUARY)
    assert _state(session, scene) is State.ACCEPTED
    with pytest.raises(Conflict, match="version of the contract"):
        issue_invoice(session, scene.finance, scene.engagement, JANUARY, workshop)
    agree(session, scene.engagement)
    with pytest.raises(Forbidden, match="you settled this period"):
        issue_invoice(session, scene.manager, scene.engagement, JANUARY, workshop)
    issue_invoice(session, scene.finance, scene.engagement, JANUARY, workshop)
    assert _state(session, scene) is State.ISSUED
    for actor, why in ((scene.chair, "issued already"), (scene.manager, "none of your roles")):
        with pytest.raises((Conflict, Forbidden), match=why):
            accept_figures(session, actor, scene.engagement, JANUARY)


def test_acceptance_is_recorded_once_and_never_changes(session: Session, scene: Scene) -> None:
    accepted = accept_figures(session, scene.chair, scene.engagement, JANUARY)
    event = events_of(session, scene.engagement.id)[0]
    assert (event.action, event.subject_id) == (Action.FIGURES_ACCEPTED, str(scene.settled.id))
    assert '"payable":"1079.03"' in (event.after or "")
    with pytest.raises(Conflict, match="accepted already"):
        accept_figures(session, scene.chair, scene.engagement, JANUARY)
    accepted.accepted_by_id = scene.manager.signed_in_id
    with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
        session.flush()


def test_only_the_client_accepts(session: Session, scene: Scene) -> None:
    employee = make_employee(session, scene.engagement, Side.PROVIDER)
    disguised = make_role(session, scene.engagement, employee, Role.CLIENT_COMMITTEE)
    outsider = make_employee(session, scene.engagement, None)
    make_role(session, scene.engagement, outsider, Role.PROVIDER_FINANCE)
    both = make_role(session, scene.engagement, outsider, Role.CLIENT_COMMITTEE)
    auditor = make_member(session, scene.engagement, Role.AUDITOR)
    for actor in (scene.manager, scene.finance, disguised, both, auditor):
        with pytest.raises(Forbidden):
            accept_figures(session, actor, scene.engagement, JANUARY)
    with pytest.raises(NotFound):
        accept_figures(session, make_actor(session), scene.engagement, JANUARY)
    with pytest.raises(NotFound):
        accept_figures(session, scene.chair, scene.engagement, FEBRUARY)
    accept_figures(
        session,
        make_member(session, scene.engagement, Role.CLIENT_COMMITTEE),
        scene.engagement,
        JANUARY,
    )


def test_new_figures_need_a_new_acceptance(session: Session, scene: Scene, tmp_path: Path) -> None:
    agree(session, scene.engagement)
    accept_figures(session, scene.chair, scene.engagement, JANUARY)
    workshop = make_workshop(tmp_path)
    anew = settle_period(session, scene.finance, scene.engagement, JANUARY, workshop)
    assert _state(session, scene) is State.SETTLED
    assert acceptance_of(session, anew) is None
    with pytest.raises(Conflict, match="settled anew since you looked"):
        accept_figures(
            session, scene.chair, scene.engagement, JANUARY, settlement_id=scene.settled.id
        )
    accept_figures(session, scene.chair, scene.engagement, JANUARY, settlement_id=anew.id)
    with pytest.raises(Forbidden):
        issue_invoice(session, scene.finance, scene.engagement, JANUARY, workshop)
    issue_invoice(session, scene.manager, scene.engagement, JANUARY, workshop)


def test_each_side_sees_what_is_missing(session: Session, scene: Scene) -> None:
    seen = agreement_of(session, scene.chair, scene.engagement, JANUARY)
    assert (seen.state, seen.acceptance, seen.contract_accepted) == (State.SETTLED, None, False)
    assert seen.settled_by.id == scene.manager.user_id
    assert (seen.accept.allowed, seen.issue.verdict) == (True, Verdict.FORBIDDEN)
    agree(session, scene.engagement)
    accept_figures(session, scene.chair, scene.engagement, JANUARY)
    seen = agreement_of(session, scene.finance, scene.engagement, JANUARY)
    assert (seen.state, seen.issue.allowed, seen.settle.allowed) == (State.ACCEPTED, True, True)
    assert seen.accepted_by is not None
    assert seen.accepted_by.id == scene.chair.user_id
    seen = agreement_of(session, scene.manager, scene.engagement, JANUARY)
    assert "you settled this period" in seen.issue.why
    with pytest.raises(NotFound):
        agreement_of(session, make_actor(session), scene.engagement, JANUARY)


def test_a_conflict_without_exception_closes_the_issue(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    agree(session, scene.engagement)
    accept_figures(session, scene.chair, scene.engagement, JANUARY)
    user = make_employee(session, scene.engagement, Side.PROVIDER)
    make_role(session, scene.engagement, user, Role.PROVIDER_ACCOUNT_MANAGER)
    both = make_role(session, scene.engagement, user, Role.PROVIDER_FINANCE)
    with pytest.raises(Forbidden, match="prepares the figures and issues"):
        issue_invoice(session, both, scene.engagement, JANUARY, make_workshop(tmp_path))
    issue_invoice(session, scene.finance, scene.engagement, JANUARY, make_workshop(tmp_path))
