"""Simulations are worked on beside the pages, each in a bounded process of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from app.settings import Settings
from billing.simulation.models import SimulationRecord
from billing.simulation.service import Held, finish, held_record, take_up, version_name
from billing.simulation.work import Given, Work, Worked, work
from governance.bounded import Bounds, Unwanted, run_bounded
from governance.engagements.models import ContractVersion, Engagement
from governance.errors import BadInput, Problem
from governance.tenancy import EVERYTHING
from sla.evidence.service import as_file, counting_tables
from sla.evidence.store import EvidenceStore
from sla.relief.queries import granted_events
from sla.relief.serialise import event_json

_LOG = logging.getLogger("plumbline.simulating")
_EVERY_SECONDS = 1.0
_SLACK = timedelta(seconds=60)
"""How much longer a simulation is held than its process may take."""
_ENGINE_SHARE = 0.6
"""Of the process's memory, for its query engine."""
Dropped = Callable[[], bool]
Bounded = Callable[[Work, Bounds, str, Dropped], Worked]


def in_process_of_its_own(given: Work, bounds: Bounds, name: str, dropped: Dropped) -> Worked:
    """The work, ended when it oversteps its bounds, and when nobody waits for it any more."""
    return run_bounded(work, given, bounds, name, dropped)


@dataclass(frozen=True, slots=True)
class Done:
    """How far a simulation is."""

    done: int
    every: int
    """Steps in all: the months of each contract, those before the first one too; 0 while the
    evidence is opened."""

    @property
    def percent(self) -> int:
        """Whole percent, cut off."""
        return self.done * 100 // self.every if self.every else 0


def progress_file(settings: Settings, simulation_id: int) -> Path:
    """Where the work on a simulation says how far it is."""
    return settings.data_dir / "simulating" / f"{simulation_id}.json"


def progress_of(settings: Settings, simulation_id: int) -> Done | None:
    """How far it is; None while nothing is known: it waits, or another machine is at work."""
    try:
        said = json.loads(progress_file(settings, simulation_id).read_text("ascii"))
    except (OSError, ValueError):
        return None
    return Done(int(said["done"]), int(said["all"]))


def simulate_waiting(
    engine: Engine,
    settings: Settings,
    store: EvidenceStore,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    bounded: Bounded = in_process_of_its_own,
) -> bool:
    """Take up the simulation that waits longest and finish it; False where none waits.

    It is read in one transaction and written down in another, so nobody waits for the work. A
    server that ends meanwhile leaves it to whoever looks when its hold is over.
    """
    bounds = Bounds(settings.import_seconds, settings.import_memory_mb)
    hold = timedelta(seconds=bounds.seconds) + _SLACK
    with session_scope(engine, sees=EVERYTHING) as session:
        held = take_up(session, now(), hold)
    if held is None:
        return False
    document, problems = _result(engine, settings, store, held, bounds, bounded)
    with session_scope(engine, sees=EVERYTHING) as session:
        finish(session, held, now(), document=document, problems=problems)
    progress_file(settings, held.simulation_id).unlink(missing_ok=True)
    return True


_GIVEN_UP = Problem(
    "the simulation was broken off twice", allowed="fewer months, or ask whoever runs the server"
)
_UNFORESEEN = Problem(
    "the simulation failed for a reason that the server's log says",
    allowed="ask whoever runs the server",
)


def _result(  # noqa: PLR0917 (all of it is what the work needs)
    engine: Engine,
    settings: Settings,
    store: EvidenceStore,
    held: Held,
    bounds: Bounds,
    bounded: Bounded,
) -> tuple[str | None, tuple[Problem, ...]]:
    """The document, or why there is none."""
    if held.given_up:
        return None, (_GIVEN_UP,)
    try:
        with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
            given = _given(session, settings, store, held)
        return bounded(given, bounds, "the simulation", _dropped(engine, held)).document, ()
    except BadInput as error:
        return None, error.problems
    except Exception:  # noqa: BLE001 (the work must be ended whatever happens to it)
        _LOG.exception("simulation %s failed", held.simulation_id)
        return None, (_UNFORESEEN,)


def _dropped(engine: Engine, held: Held) -> Dropped:
    """Whether it was cancelled meanwhile, or another worker has taken over."""

    def dropped() -> bool:
        with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
            return held_record(session, held) is None

    return dropped


def _given(session: Session, settings: Settings, store: EvidenceStore, held: Held) -> Work:
    row = held_record(session, held)
    if row is None:
        raise Unwanted([Problem("another worker has taken over")])
    engagement = session.get_one(Engagement, row.engagement_id)
    progress = progress_file(settings, row.id)
    progress.parent.mkdir(parents=True, exist_ok=True)
    progress.write_text(json.dumps({"done": 0, "all": 0}), "ascii")
    against = session.get_one(ContractVersion, row.against_id) if row.against_id else None
    sensitivity_of = row.sensitivity_month
    return Work(
        new=_document(session, row),
        old=_version(against) if against else None,
        months=tuple(month.label for month in row.months),
        sensitivity_of=f"{sensitivity_of:%Y-%m}" if sensitivity_of else "",
        files=tuple(as_file(table, store) for table in counting_tables(session, engagement)),
        relief=tuple(event_json(one) for one in granted_events(session, engagement)),
        kpi_dir=settings.kpi_dir,
        progress=progress.absolute(),
        memory=f"{int(settings.import_memory_mb * _ENGINE_SHARE)}MB",
    )


def _document(session: Session, row: SimulationRecord) -> Given:
    if row.draft is not None:
        return Given.of(row.draft_name or "Draft", row.draft)
    return _version(session.get_one(ContractVersion, row.contract_version_id))


def _version(version: ContractVersion) -> Given:
    return Given.of(version_name(version), version.document)


@contextmanager
def simulator(engine: Engine, settings: Settings, store: EvidenceStore) -> Iterator[None]:
    """Work on simulations in a thread of its own, one after the other, until the server ends.

    What is at work then is taken up again when its hold is over.
    """
    stop = Event()
    arguments = (engine, settings, store, stop)
    Thread(target=_run, args=arguments, name="simulator", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _run(engine: Engine, settings: Settings, store: EvidenceStore, stop: Event) -> None:
    while not stop.wait(_EVERY_SECONDS):
        try:
            while not stop.is_set() and simulate_waiting(engine, settings, store):
                pass
        except Exception:  # noqa: BLE001 (the thread must outlive any failure)
            # The application goes on without simulations; who runs it must learn of it.
            _LOG.exception("simulations could not be worked on")
