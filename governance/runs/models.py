"""Tables of runs: how far each is and who holds it, and what became of each engagement in it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Date, Index, Integer, String, Text, UniqueConstraint
from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.runs.values import ItemState, Pace, RunStatus, Task, time_left
from governance.tables import Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import no_tenant
from governance.values import Period

_WHY = "it says how far work is; the run's start and end, and all that it does, have entries"
_VERSION = Column("version", Integer, nullable=False)


class Run(Table, table=True):
    """One run. Its progress and the worker's hold on it are one row, so they can't drift apart."""

    __tablename__ = "run"
    __tenancy__ = no_tenant("an organisation's, across its engagements; it tells only how many")
    __table_args__ = (
        Index(None, "status", "lease_until"),
        Index(None, "organisation_id", "period_start"),
        {"info": {NOT_AUDITED: _WHY}},
    )
    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": _VERSION}

    id: int = row_key()
    kind: str = Field(sa_type=String(40))
    organisation_id: int = row_of("organisation.id", index=False)
    """The provider whose engagements it goes through."""
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    status: RunStatus = Field(sa_type=text_of(RunStatus, "status"))
    cursor: int = Field(default=0, sa_type=Integer)
    """Position of the last item that was worked on; what comes after it waits."""
    last_position: int = Field(sa_type=Integer)
    total: int = Field(sa_type=Integer)
    """Items in all."""
    done: int = Field(default=0, sa_type=Integer)
    skipped: int = Field(default=0, sa_type=Integer)
    set_aside: int = Field(default=0, sa_type=Integer)
    chunk: int = Field(sa_type=Integer)
    """Items of one transaction at most."""
    tries: int = Field(default=0, sa_type=Integer)
    """How often it was taken up since its cursor last moved."""
    owner: str | None = Field(default=None, sa_type=Text)
    """The worker that holds it."""
    fence: int = Field(default=0, sa_type=Integer)
    """Raised by everyone who takes it up: who holds an older one may write nothing."""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Nobody else takes it up before."""
    version: int = Field(default=None, sa_column=_VERSION)
    """Raised by every change."""
    started_by_id: int = row_of("user_account.id")
    """Whose rights it has, at the time of each piece of work."""
    started_at: datetime = Field(sa_type=UtcDateTime)
    paced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    paced_from: int = Field(default=0, sa_type=Integer)
    moved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def period(self) -> Period:
        """What it is for."""
        return Period(self.period_start, self.period_end)

    @property
    def worked(self) -> int:
        """Items that don't wait any more."""
        return self.done + self.skipped + self.set_aside

    @property
    def percent(self) -> int:
        """Whole percent of the items, cut off."""
        return self.worked * 100 // self.total if self.total else 100

    @property
    def seconds_left(self) -> int | None:
        """Whole seconds at the pace measured; None where nothing is measured."""
        pace = None
        if self.paced_at is not None and self.moved_at is not None:
            pace = Pace(self.paced_at, self.paced_from, self.moved_at)
        left = time_left(pace, self.worked, self.total)
        return None if left is None else round(left.total_seconds())


class RunItem(Table, table=True):
    """One step of a run for one engagement."""

    __tablename__ = "run_item"
    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        UniqueConstraint("run_id", "engagement_id", "step"),
        {"info": {NOT_AUDITED: _WHY}},
    )

    id: int = row_key()
    run_id: int = row_of("run.id", index=False)
    engagement_id: int = row_of("engagement.id")
    position: int = Field(sa_type=Integer)
    """Counted from 1; an item that is tried again goes to the end."""
    step: str = Field(sa_type=String(40))
    state: ItemState = Field(sa_type=text_of(ItemState, "state"))
    text: str = Field(default="", sa_type=Text)
    """What came out, or why nothing did."""
    worked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def task(self, period: Period) -> Task:
        """The item as its worker sees it."""
        return Task(self.run_id, self.id, self.engagement_id, self.step, period)
