"""A kind of run that gives each engagement a number from a series, and fails where it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Semaphore, current_thread
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.database import session_scope
from app.process_pool import ProcessPool
from app.running import Worker
from billing.invoices.models import InvoiceSeries
from billing.invoices.series import take_number
from governance.access import Actor, Permission, Role
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.errors import Conflict
from governance.parties.models import User
from governance.runs.kinds import RunKind
from governance.runs.models import Run
from governance.runs.service import NewRun, start_run
from governance.runs.values import Result, Task
from governance.tenancy import EVERYTHING
from tests.factories import JANUARY, NOW, actor_of, make_contract, make_role, make_user

PATTERN = "T-{sequence}"
_TOY = "toy"


@dataclass(slots=True)
class Numbering:
    """Gives each engagement its number once."""

    broken: set[int] = field(default_factory=set)
    """Engagements whose work fails after it has taken a number."""
    compute: Callable[[Any], Any] | None = None
    before_work: Callable[[Task], None] = lambda _: None
    """Called within the chunk's transaction."""
    before_prepare: Callable[[Task], None] = lambda _: None

    def prepare(self, session: Session, actor: Actor, engagement: Engagement, task: Task) -> Any:  # noqa: ARG002 (a step's signature)
        """Nothing to read: the engagement's id."""
        self.before_prepare(task)
        return task.engagement_id

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,
        ready: Any,
    ) -> Result:
        """Take a number and say so in the log."""
        self.before_work(task)
        taken = take_number(session, engagement.provider_id, PATTERN, actor.at.date())
        change = Change(
            Action.INVOICE_ISSUED, _TOY, engagement.id, taken.number, engagement.id, None, {}
        )
        record(session, actor, change)
        if engagement.id in self.broken:
            raise Conflict(f"{engagement.reference} is broken")
        return Result(f"{taken.number} {ready}")


def toy_kind(step: Numbering | None = None, chunk: int = 3) -> RunKind:
    """A kind of one step."""
    return RunKind(_TOY, Permission.RUN_BILLING, {"number": step or Numbering()}, chunk)


@dataclass(frozen=True, slots=True)
class ToyWorld:
    """A provider with engagements, and a person who may bill them all."""

    engine: Engine
    starter: User
    engagements: tuple[Engagement, ...]

    @property
    def actor(self) -> Actor:
        """The person, acting."""
        return actor_of(self.starter)

    def start(self, kind: RunKind) -> int:
        """A run over all engagements; its id."""
        new = NewRun(kind, self.starter.organisation_id, JANUARY, self.engagements)
        with session_scope(self.engine, sees=EVERYTHING) as session:
            return start_run(session, self.actor, new).id

    def run(self, run_id: int) -> Run:
        """The run as it stands."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            return session.get_one(Run, run_id)

    def numbers(self) -> list[int]:
        """The numbers that the log says were given, and the last one of the series: sorted."""
        ids = [str(one.id) for one in self.engagements]
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            labels = session.scalars(
                select(col(AuditEntry.subject_label)).where(
                    col(AuditEntry.subject_kind) == _TOY, col(AuditEntry.subject_id).in_(ids)
                )
            )
            return sorted(int((label or "").removeprefix("T-")) for label in labels)

    def last_number(self) -> int:
        """How far the series is."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            found = session.scalars(
                select(InvoiceSeries).where(
                    col(InvoiceSeries.provider_id) == self.starter.organisation_id
                )
            ).one_or_none()
            return found.last_sequence if found else 0


def make_toys(engine: Engine, name: str, number: int = 7) -> ToyWorld:
    """A provider of that name with so many engagements, called by its first word."""
    with session_scope(engine, sees=EVERYTHING) as session:
        lead = make_user(session, organisation=name)
        starter = make_user(session, organisation=name)
        made = []
        for at in range(number):
            engagement = make_toy_engagement(
                session, lead, f"{name.split(maxsplit=1)[0]}-{at}", name
            )
            make_role(session, engagement, starter, Role.PROVIDER_FINANCE)
            made.append(engagement)
        return ToyWorld(engine, starter, tuple(made))


def make_toy_engagement(session: Session, lead: User, reference: str, provider: str) -> Engagement:
    """An engagement of a provider, without evidence."""
    return make_contract(session, actor_of(lead), reference, provider).engagement


@dataclass(slots=True)
class Clock:
    """A clock that goes a little with each look, and by leaps when told to."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


class Pulse:
    """A heartbeat that beats when told to, and at no other time."""

    def __init__(self) -> None:
        self._told, self._waits = Event(), Semaphore(0)
        self._thread = current_thread()

    def __call__(self, over: Event, _: float) -> bool:
        """Wait to be told, or for the end."""
        self._thread = current_thread()
        self._waits.release()
        while not over.is_set():
            if self._told.wait(0.002):
                self._told.clear()
                return False
        return True

    def beat(self) -> None:
        """Have it beat; it has done so when this returns."""
        self._waits.acquire()
        self._told.set()
        self._waits.acquire()
        self._waits.release()

    def beat_once_more(self) -> None:
        """Have it beat for the last time."""
        self._waits.acquire()
        self._told.set()
        self._thread.join()


def toy_worker(
    world: ToyWorld, kind: RunKind, clock: Callable[[], datetime] | None = None
) -> Worker:
    """A worker of that kind of run alone."""
    return Worker(world.engine, {kind.name: kind}, ProcessPool(1), clock or Clock())
