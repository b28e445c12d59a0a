"""Two people act on one period at the same moment: one wins, the other is told, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from billing.restatements.models import RestatementRecord
from billing.restatements.queries import get_restatement
from billing.restatements.reviewing import submit_restatement
from billing.restatements.service import restate_period
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import find_settlement
from billing.settlement.reviewing import seal_period, submission_seen, submit_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.errors import Conflict, PlumblineError
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from sla.relief.models import ReliefEventRecord, ReliefState
from sla.relief.queries import get_relief_event
from sla.relief.service import NewRelief, Ruling, decide_relief, propose_relief
from sla.relief.values import Claim, Relief, ReliefKind
from sla.reviews.models import FiguresSeal, FiguresSubmission
from sla.reviews.queries import stage_of
from sla.reviews.values import Stage
from tests.factories import (
    INVOICES,
    JANUARY,
    actor_of,
    agree,
    make_engagement,
    make_evidence,
    make_member,
    make_user,
    make_workshop,
    seal,
    write_evidence_folder,
)

_RELIEF = NewRelief(
    ReliefKind.CLIENT_CAUSED,
    "Wrong addresses",
    "They were wrong",
    JANUARY,
    Claim(Relief({"invoices": frozenset({"I-2"})})),
)
_MORE = INVOICES + "I-9,C-1,2026-01-12,2026-01-28,EUR,50.00\n"


@dataclass(frozen=True, slots=True)
class Scene:
    """A settled January, of which several people are about to do something."""

    engine: Engine
    engagement: Engagement
    manager: Actor
    chair: Actor
    second: Actor
    workshop: Workshop

    def do(self, act: Callable[[Session], Any]) -> Any:
        with session_scope(self.engine, sees=EVERYTHING) as session:
            return act(session)

    def at_once(
        self,
        look: Callable[[Session], Any],
        *acts: Callable[[Session], Any],
    ) -> list[Any]:
        """Everybody looks first, then acts; SQLite lets one look only when the other is done."""
        barrier = Barrier(len(acts), timeout=30)
        beside = self.engine.dialect.name == "postgresql"

        def one(act: Callable[[Session], Any]) -> Any:
            if not beside:
                barrier.wait()
            try:
                with session_scope(self.engine, sees=EVERYTHING) as session:
                    # What was read stays in the session, as in a request.
                    session.info["seen"] = look(session)
                    if beside:
                        barrier.wait()
                    act(session)
            except PlumblineError as error:
                return error
            return None

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(one, acts))


@pytest.fixture
def scene(fresh_engine: Engine, tmp_path: Path) -> Scene:
    workshop = make_workshop(tmp_path)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        manager = actor_of(make_user(session))
        engagement = make_engagement(session, manager)
        make_evidence(session, manager, engagement, tmp_path)
        agree(session, engagement)
        chair = make_member(session, engagement, Role.COMMITTEE_CHAIR)
        second = make_member(session, engagement, Role.CLIENT_COMMITTEE)
        settle_period(session, manager, engagement, JANUARY, workshop)
    return Scene(fresh_engine, engagement, manager, chair, second, workshop)


def _one_lost(answers: list[Any]) -> None:
    assert sorted(isinstance(one, Conflict) for one in answers) == [False, True], answers
    assert [one for one in answers if one is not None and not isinstance(one, Conflict)] == []


def _count(scene: Scene, kind: type[Any]) -> int:
    return int(scene.do(lambda session: session.scalar(select(func.count()).select_from(kind))))


def _sealing(scene: Scene, actor: Actor) -> Callable[[Session], FiguresSeal]:
    catalogue = scene.workshop.catalogue
    return lambda session: seal_period(session, actor, scene.engagement, JANUARY, catalogue)


def _look(scene: Scene) -> Callable[[Session], FiguresSubmission]:
    return lambda session: submission_seen(session, scene.chair, scene.engagement, JANUARY)


def test_two_people_seal(scene: Scene) -> None:
    scene.do(lambda session: submit_period(session, scene.manager, scene.engagement, JANUARY))
    _one_lost(
        scene.at_once(_look(scene), _sealing(scene, scene.chair), _sealing(scene, scene.second))
    )
    assert _count(scene, FiguresSeal) == 1


def test_a_period_is_settled_anew_while_it_is_sealed(scene: Scene) -> None:
    scene.do(lambda session: submit_period(session, scene.manager, scene.engagement, JANUARY))

    def settle(session: Session) -> SettlementRecord:
        return settle_period(session, scene.manager, scene.engagement, JANUARY, scene.workshop)

    _one_lost(scene.at_once(_look(scene), _sealing(scene, scene.chair), settle))
    sealed = _count(scene, FiguresSeal)
    assert _count(scene, SettlementRecord) == 2 - sealed
    row = scene.do(lambda session: find_settlement(session, scene.chair, scene.engagement, JANUARY))
    seals = scene.do(lambda session: session.scalars(select(FiguresSeal)).all())
    assert [one.measured_period_id for one in seals] == [row.measured_period_id][:sealed]


def test_two_people_decide_on_relief(scene: Scene) -> None:
    store = scene.workshop.store
    scene.do(
        lambda session: propose_relief(session, scene.manager, scene.engagement, _RELIEF, store)
    )

    def look(session: Session) -> ReliefEventRecord:
        return get_relief_event(session, scene.chair, scene.engagement, 1)

    def deciding(actor: Actor, *, grant: bool) -> Callable[[Session], ReliefEventRecord]:
        ruling = Ruling(grant=grant, reason="so it is")
        return lambda session: decide_relief(session, actor, scene.engagement, 1, ruling)

    answers = scene.at_once(
        look, deciding(scene.chair, grant=True), deciding(scene.second, grant=False)
    )
    _one_lost(answers)
    event = scene.do(look)
    won = ReliefState.APPROVED if answers[0] is None else ReliefState.REFUSED
    assert (event.state, bool(event.granted_json)) == (won, answers[0] is None)


def test_a_restatement_is_computed_anew_while_it_is_submitted(scene: Scene, tmp_path: Path) -> None:
    def prepare(session: Session) -> None:
        seal(session, scene.engagement, JANUARY, scene.chair)
        source = write_evidence_folder(tmp_path / "more", invoices=_MORE)
        store = scene.workshop.store
        hand_in(session, scene.manager, scene.engagement, Upload(source, "more"), store)

    def restate(session: Session) -> RestatementRecord:
        place = (scene.engagement, JANUARY, scene.workshop)
        return restate_period(session, scene.manager, *place, "an invoice was missing")

    def look(session: Session) -> RestatementRecord:
        return get_restatement(session, scene.chair, scene.engagement, JANUARY, 1).record

    def submit(session: Session) -> FiguresSubmission:
        shown: RestatementRecord = session.info["seen"]
        return submit_restatement(session, scene.manager, scene.engagement, shown)

    scene.do(prepare)
    scene.do(restate)
    answers = scene.at_once(look, restate, submit)
    assert all(one is None or isinstance(one, Conflict) for one in answers), answers
    submissions = scene.do(
        lambda session: [
            (one.measured_period_id, stage_of(session, one))
            for one in session.scalars(
                select(FiguresSubmission).order_by(col(FiguresSubmission.id))
            ).all()[1:]
        ]
    )
    current = scene.do(look).measured_period_id
    live = [measured for measured, stage in submissions if stage is not Stage.DRAFT]
    assert live in ([], [current])
