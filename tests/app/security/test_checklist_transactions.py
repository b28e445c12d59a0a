"""Points of the checklist on transactions: all or nothing, and once only, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlmodel import Session, col

from app.database import METADATA, session_scope
from billing.invoices.models import FeeInvoice
from billing.invoices.service import issue_invoice
from billing.settlement import service as settling
from billing.settlement.models import SettlementRecord
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.errors import PlumblineError
from governance.tenancy import EVERYTHING
from tests.factories import (
    FEBRUARY,
    JANUARY,
    approve,
    make_actor,
    make_engagement,
    make_evidence,
    make_workshop,
)

PARALLEL = 20
Deed = Callable[[Session], object]


class Fault(Exception):
    """What the database is made to answer with."""


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement with evidence, a settled January that was agreed to, and nothing else."""

    engine: Engine
    actor: Actor
    issuer: Actor
    engagement: Engagement
    workshop: Workshop

    def settle(self, session: Session) -> object:
        """Settle February."""
        return settle_period(session, self.actor, self.engagement, FEBRUARY, self.workshop)

    def issue(self, session: Session) -> object:
        """Issue January's invoice."""
        return issue_invoice(session, self.issuer, self.engagement, JANUARY, self.workshop)


@pytest.fixture
def scene(fresh_engine: Engine, tmp_path: Path) -> Scene:
    workshop = make_workshop(tmp_path)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        actor = make_actor(session)
        engagement = make_engagement(session, actor)
        make_evidence(session, actor, engagement, tmp_path)
        settle_period(session, actor, engagement, JANUARY, workshop)
        issuer = approve(session, engagement, JANUARY)
    return Scene(fresh_engine, actor, issuer, engagement, workshop)


def _contents(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table, the log included."""
    with engine.connect() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in METADATA.sorted_tables
        }


@contextmanager
def _fault_at(engine: Engine, number: int) -> Iterator[list[str]]:
    """Let the statement of that number fail, counted from 1; the list names those begun."""
    begun: list[str] = []

    def count(*arguments: Any) -> None:
        begun.append(arguments[2])
        if len(begun) == number:
            raise Fault(arguments[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield begun
    finally:
        event.remove(engine, "before_cursor_execute", count)


def _attempt(engine: Engine, deed: Deed, number: int) -> int:
    """Do it with a fault at a statement; how many statements were begun."""
    with _fault_at(engine, number) as begun:
        with session_scope(engine, sees=EVERYTHING) as session:
            deed(session)
            session.flush()
            if number == 0:
                session.rollback()
        return len(begun)


def _computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of a period are the same each time, and computing them writes nothing."""
    kept: dict[Any, Any] = {}
    compute = settling.compute

    def cached(*arguments: Any) -> Any:
        key = arguments[2]
        if key not in kept:
            kept[key] = compute(*arguments)
        return kept[key]

    monkeypatch.setattr("billing.settlement.service.compute", cached)
    monkeypatch.setattr("billing.settlement.recomputing.compute", cached)


@pytest.mark.parametrize("name", ["settle", "issue"])
def test_12_a_fault_at_any_statement_leaves_no_trace(
    scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 2.3.3."""
    _computed_once(monkeypatch)
    deed: Deed = getattr(scene, name)
    before = _contents(scene.engine)
    statements = _attempt(scene.engine, deed, 0)
    assert statements > 10
    for number in range(1, statements + 1):
        with pytest.raises(Fault):
            _attempt(scene.engine, deed, number)
    assert _contents(scene.engine) == before
    _attempt(scene.engine, deed, -1)
    assert _contents(scene.engine) != before


def test_13_settling_twenty_times_at_once_leaves_one_settlement(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 2.3.4. Each supersedes the one before it, so that one current and one draft remain."""
    _computed_once(monkeypatch)
    done = _all_at_once(scene.engine, scene.settle)
    assert done >= 1
    february = col(SettlementRecord.period_start) == FEBRUARY.start
    with session_scope(scene.engine, sees=EVERYTHING) as session:
        rows = session.scalars(select(SettlementRecord).where(february)).all()
    assert len(rows) == done
    assert sum(row.superseded_at is None for row in rows) == 1


def test_13_issuing_twenty_times_at_once_gives_one_number(scene: Scene) -> None:
    """ASVS 2.3.4."""
    assert _all_at_once(scene.engine, scene.issue) == 1
    with session_scope(scene.engine, sees=EVERYTHING) as session:
        numbers = session.scalars(
            select(col(FeeInvoice.number)).where(col(FeeInvoice.number) != "")
        )
        assert list(numbers) == ["CW-2026-00001"]


def _all_at_once(engine: Engine, deed: Deed) -> int:
    """How many of them came through; the others were told why not."""
    start = Barrier(PARALLEL)

    def attempt(_: int) -> bool:
        start.wait()
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                deed(session)
        except PlumblineError:
            return False
        return True

    with ThreadPoolExecutor(PARALLEL) as pool:
        return sum(pool.map(attempt, range(PARALLEL)))
