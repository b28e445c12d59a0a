"""The worker of simulations: from what is asked to the document, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import session_scope
from app.settings import Settings
from app.simulating import (
    Done,
    in_process_of_its_own,
    progress_file,
    progress_of,
    simulate_waiting,
)
from billing.simulation.models import SimulationRecord, SimulationState
from billing.simulation.serialise import simulation_of
from billing.simulation.service import cancel_simulation, take_up
from billing.simulation.work import Work, Worked, work
from governance import bounded
from governance.access import Actor
from governance.bounded import Bounds
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.tenancy import EVERYTHING
from sla.evidence.store import EvidenceStore
from tests.billing.simulation.services import HOLD, ask_for
from tests.factories import NOW, make_actor, make_engagement, make_evidence


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def asked(fresh_engine: Engine, tmp_path: Path) -> int:
    """A simulation of January and February that waits."""
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        manager = make_actor(session)
        engagement = make_engagement(session, manager)
        make_evidence(session, manager, engagement, tmp_path)
        return ask_for(session, manager, engagement).id


def _in_this_process(given: Work, _bounds: Bounds, _name: str, _dropped: object) -> Worked:
    return work(given)


def _record(engine: Engine, simulation_id: int) -> SimulationRecord:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return session.get_one(SimulationRecord, simulation_id)


def _work_off(engine: Engine, settings: Settings, how: Callable[..., Worked]) -> bool:
    store = EvidenceStore.at(settings.data_dir / "store")
    return simulate_waiting(engine, settings, store, lambda: NOW, how)


def test_what_waits_is_simulated(fresh_engine: Engine, settings: Settings, asked: int) -> None:
    assert _work_off(fresh_engine, settings, _in_this_process)
    row = _record(fresh_engine, asked)
    assert row.state is SimulationState.DONE
    found = row.result
    assert found is not None
    assert (found.new.name, found.compared) == ("draft.yaml", ("2026-01", "2026-02"))
    # Three invoices of January and one of February at 2.50, and 1000.00 a month.
    assert found.differences[1].new_total == 10
    assert progress_of(settings, asked) is None
    assert not _work_off(fresh_engine, settings, _in_this_process)


def test_it_says_how_far_it_is(fresh_engine: Engine, settings: Settings, asked: int) -> None:
    seen: list[Done | None] = []

    def looked_at(given: Work, _bounds: Bounds, _name: str, _dropped: object) -> Worked:
        seen.append(progress_of(settings, asked))
        worked = work(given)
        seen.append(progress_of(settings, asked))
        return worked

    assert progress_of(settings, asked) is None
    _work_off(fresh_engine, settings, looked_at)
    assert seen == [Done(0, 0), Done(4, 4)]
    assert Done(1, 3).percent == 33
    progress_file(settings, asked).write_text("{", "ascii")
    assert progress_of(settings, asked) is None


def test_a_process_of_its_own_gives_the_same(
    fresh_engine: Engine, settings: Settings, asked: int
) -> None:
    given: list[Work] = []

    def kept(one: Work, _bounds: Bounds, _name: str, _dropped: object) -> Worked:
        given.append(one)
        return work(one)

    _work_off(fresh_engine, settings, kept)
    apart = in_process_of_its_own(given[0], Bounds(120, 2048), "the simulation", lambda: False)
    assert apart.document == _record(fresh_engine, asked).document
    assert json.loads(apart.document)["currency"] == "EUR"
    assert simulation_of(apart.document).new.sha256


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BadInput.one(Problem("takes longer than 300 seconds")), "takes longer than 300 seconds"),
        (RuntimeError("a secret path"), "the simulation failed for a reason"),
    ],
)
def test_what_fails_says_why(
    fresh_engine: Engine, settings: Settings, asked: int, error: Exception, message: str
) -> None:
    def failing(_given: Work, _bounds: Bounds, _name: str, _dropped: object) -> Worked:
        raise error

    assert _work_off(fresh_engine, settings, failing)
    row = _record(fresh_engine, asked)
    assert row.state is SimulationState.FAILED
    assert row.problems[0].what.startswith(message)
    assert "secret" not in row.problems_json


def test_what_broke_off_twice_is_given_up(
    fresh_engine: Engine, settings: Settings, asked: int
) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        _break_off(session, 2)
    assert _work_off(fresh_engine, settings, _in_this_process)
    assert _record(fresh_engine, asked).problems[0].what == "the simulation was broken off twice"


def _break_off(session: Session, times: int) -> None:
    for back in range(times, 0, -1):
        assert take_up(session, NOW - back * (HOLD + timedelta(minutes=1)), HOLD)


def test_what_is_cancelled_at_work_leaves_nothing(
    fresh_engine: Engine, settings: Settings, asked: int
) -> None:
    noticed: list[bool] = []

    def cancelled(given: Work, _bounds: Bounds, _name: str, dropped: Callable[[], bool]) -> Worked:
        noticed.append(dropped())
        with session_scope(fresh_engine, sees=EVERYTHING) as session:
            row = session.get_one(SimulationRecord, asked)
            engagement = session.get_one(Engagement, row.engagement_id)
            asker = Actor(row.asked_by_id, "Ann", NOW)
            cancel_simulation(session, asker, engagement, asked)
        noticed.append(dropped())
        return work(given)

    assert _work_off(fresh_engine, settings, cancelled)
    assert noticed == [False, True]
    row = _record(fresh_engine, asked)
    assert row.cancelled
    assert row.document is None
    assert progress_of(settings, asked) is None
    assert not _work_off(fresh_engine, settings, _in_this_process)


def test_a_process_ends_when_nobody_waits_for_it(
    fresh_engine: Engine, settings: Settings, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "_LOOK_SECONDS", 0.01)

    def apart(given: Work, bounds: Bounds, name: str, _dropped: object) -> Worked:
        return in_process_of_its_own(given, bounds, name, lambda: True)

    assert _work_off(fresh_engine, settings, apart)
    assert _record(fresh_engine, asked).problems[0].what == "was ended, since nobody waits for it"
