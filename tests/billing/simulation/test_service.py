"""Simulations asked for, taken up and written down; each side sees its own alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from billing.simulation.models import SimulationRecord, SimulationState, SimulationWork
from billing.simulation.queries import get_simulation, simulations
from billing.simulation.service import (
    MOST_ATTEMPTS,
    MOST_WAITING,
    Held,
    cancel_simulation,
    finish,
    held_record,
    take_up,
)
from governance.access import Actor, Role, Side
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.parties.models import User
from governance.values import Period
from tests.billing.simulation.services import HOLD, ask_for
from tests.factories import (
    NOW,
    contract_bytes,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_role,
)


@pytest.fixture
def manager(session: Session) -> Actor:
    return make_actor(session)


@pytest.fixture
def engagement(session: Session, manager: Actor, tmp_path: Path) -> Engagement:
    found = make_engagement(session, manager)
    make_evidence(session, manager, found, tmp_path)
    return found


def test_one_side_does_not_see_the_others(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    assert row.side is Side.PROVIDER
    assert [one.label for one in row.months] == ["2026-01", "2026-02"]
    finance = make_member(session, engagement, Role.PROVIDER_FINANCE)
    assert get_simulation(session, finance, engagement, row.id) is row
    for role in (Role.COMMITTEE_CHAIR, Role.CLIENT_COMMITTEE, Role.CLIENT_FINANCE, Role.AUDITOR):
        other = make_member(session, engagement, role)
        assert simulations(session, other, engagement) == ()
        with pytest.raises(NotFound):
            get_simulation(session, other, engagement, row.id)


def test_an_auditor_sees_their_own_alone(session: Session, engagement: Engagement) -> None:
    auditor, colleague = (make_member(session, engagement, Role.AUDITOR) for _ in range(2))
    row = ask_for(session, auditor, engagement)
    assert row.side is None
    assert simulations(session, auditor, engagement) == (row,)
    assert simulations(session, colleague, engagement) == ()


def test_who_acts_for_both_sides_acts_for_their_employer(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    clients = ask_for(session, make_member(session, engagement, Role.COMMITTEE_CHAIR), engagement)
    both = make_member(session, engagement, Role.CLIENT_FINANCE)
    assert simulations(session, both, engagement) == (clients,)
    user = session.get_one(User, manager.user_id)
    make_role(session, engagement, user, Role.CLIENT_FINANCE)
    assert simulations(session, manager, engagement) == ()


def test_a_simulation_of_another_engagement_is_none(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    other = make_engagement(session, manager, "ENG-2")
    with pytest.raises(NotFound):
        get_simulation(session, manager, other, row.id)


def test_the_log_names_the_draft_by_its_digest_alone(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    entry = session.scalars(
        select(AuditEntry).where(col(AuditEntry.action) == Action.SIMULATION_ASKED)
    ).one()
    assert row.contract_sha256.encode() in entry.data
    assert b"draft.yaml" not in entry.data


@pytest.mark.parametrize(
    ("data", "last", "message"),
    [
        (contract_bytes().replace(b"kpi: collected", b"kpi: colected"), "2026-02", "unknown KPI"),
        (contract_bytes().replace(b"currency: EUR", b"currency: GBP"), "2026-02", "currency"),
        (contract_bytes(), "2025-12", "ends before it starts"),
        (
            contract_bytes().replace(b"starts: 2026-01-01", b"starts: 2026-02-01"),
            "2026-02",
            "1 month lies outside the engagement",
        ),
    ],
)
def test_what_cannot_be_simulated_is_not_kept(
    session: Session,
    manager: Actor,
    engagement: Engagement,
    data: bytes,
    last: str,
    message: str,
) -> None:
    with pytest.raises(BadInput, match=message):
        ask_for(session, manager, engagement, data, Period.parse(last))
    assert simulations(session, manager, engagement) == ()


def test_without_evidence_there_is_nothing_to_simulate(session: Session, manager: Actor) -> None:
    bare = make_engagement(session, manager, "ENG-3")
    with pytest.raises(BadInput, match="no evidence that could be counted"):
        ask_for(session, manager, bare)


def test_too_many_at_a_time_are_refused(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    for _ in range(MOST_WAITING):
        ask_for(session, manager, engagement)
    with pytest.raises(Conflict):
        ask_for(session, manager, engagement)
    ask_for(session, make_member(session, engagement, Role.COMMITTEE_CHAIR), engagement)


def test_the_oldest_is_taken_up_and_held(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    first, second = (ask_for(session, manager, engagement) for _ in range(2))
    one, other = (take_up(session, NOW, HOLD) for _ in range(2))
    assert one is not None
    assert other is not None
    assert (one.simulation_id, other.simulation_id) == (first.id, second.id)
    assert take_up(session, NOW + HOLD, HOLD) is None


def test_who_lost_its_hold_writes_nothing(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    slow = take_up(session, NOW, HOLD)
    later = NOW + HOLD + timedelta(seconds=1)
    quick = take_up(session, later, HOLD)
    assert slow is not None
    assert quick is not None
    finish(session, slow, later, document="slow")
    assert row.state is SimulationState.ASKED
    assert held_record(session, slow) is None
    finish(session, quick, later, document="quick")
    assert (row.state, row.document) == (SimulationState.DONE, "quick")
    assert session.scalars(select(SimulationWork)).all() == []


def test_what_is_broken_off_again_and_again_is_given_up(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    at, found = NOW, list[Held]()
    for _ in range(MOST_ATTEMPTS + 1):
        held = take_up(session, at, HOLD)
        assert held is not None
        found.append(held)
        at += HOLD + timedelta(seconds=1)
    assert [one.given_up for one in found] == [False] * MOST_ATTEMPTS + [True]
    finish(session, found[-1], at, problems=(Problem("it was broken off twice"),))
    assert row.state is SimulationState.FAILED
    assert row.problems == (Problem("it was broken off twice"),)


def test_results_stay_out_of_the_list(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    ask_for(session, manager, engagement)
    session.expire_all()
    (row,) = simulations(session, manager, engagement)
    assert isinstance(row, SimulationRecord)
    assert "draft" not in row.__dict__


def test_its_own_side_cancels_what_is_not_finished(
    session: Session, manager: Actor, engagement: Engagement
) -> None:
    row = ask_for(session, manager, engagement)
    held = take_up(session, NOW, HOLD)
    assert held is not None
    chair = make_member(session, engagement, Role.COMMITTEE_CHAIR)
    with pytest.raises(NotFound):
        cancel_simulation(session, chair, engagement, row.id)
    finance = make_member(session, engagement, Role.PROVIDER_FINANCE)
    assert cancel_simulation(session, finance, engagement, row.id).cancelled
    assert held_record(session, held) is None
    finish(session, held, NOW, document="{}")
    assert (row.state, row.document) == (SimulationState.FAILED, None)
    assert take_up(session, NOW, HOLD) is None
    with pytest.raises(Conflict, match="finished already"):
        cancel_simulation(session, finance, engagement, row.id)
    cancelled = select(AuditEntry).where(col(AuditEntry.action) == Action.SIMULATION_CANCELLED)
    assert session.scalars(cancelled).one().subject_id == str(row.id)
