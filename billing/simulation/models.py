"""Tables of simulations: what was asked and what came out, and who is at work on it."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Date, Index, Integer, LargeBinary, Text
from sqlmodel import Field

from billing.simulation.serialise import simulation_of
from billing.simulation.values import Simulation
from governance.access import Side
from governance.audit.models import NOT_AUDITED
from governance.errors import Problem
from governance.tables import (
    BigKey,
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    open_text_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through
from governance.values import Period


class SimulationState(StrEnum):
    """How far a simulation is."""

    ASKED = "asked"
    """It waits, or somebody is at work on it."""
    DONE = "done"
    FAILED = "failed"


CANCELLED: Final = Problem("it was cancelled before it was finished")
"""Why a simulation has no result that its own side no longer wanted."""


class SimulationRecord(Table, table=True):
    """A simulation of one side, which the other side doesn't see."""

    __tablename__ = "simulation"
    __table_args__ = (Index(None, "engagement_id", "id"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    side: Side | None = Field(default=None, sa_type=open_text_of(Side))
    """Whose it is; None belongs to the person alone who asked for it."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    asked_by_id: int = row_of("user_account.id")
    contract_version_id: int | None = maybe_row_of("contract_version.id")
    """What is simulated, where it is a version of the contract."""
    draft_name: str | None = Field(default=None, sa_type=Text)
    draft: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What is simulated, where it is a draft: the document byte for byte."""
    contract_sha256: str = Field(sa_type=Sha256)
    """Digest of the simulated document."""
    against_id: int | None = maybe_row_of("contract_version.id")
    """The version that it is compared with."""
    first_month: date = Field(sa_type=Date)
    """First day of the first month."""
    last_month: date = Field(sa_type=Date)
    """First day of the last month."""
    sensitivity_month: date | None = Field(default=None, sa_type=Date)
    state: SimulationState = Field(sa_type=text_of(SimulationState, "state"))
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    document: str | None = Field(default=None, sa_type=Text)
    """Canonical JSON of the result."""
    problems_json: str = Field(default="[]", sa_type=Text)
    """Why it failed."""

    @property
    def months(self) -> tuple[Period, ...]:
        """The months in a row, oldest first."""
        return tuple(Period(self.first_month, self.last_month).months())

    @property
    def result(self) -> Simulation | None:
        """What came out; None until it is done."""
        return None if self.document is None else simulation_of(self.document)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it failed; empty where it didn't."""
        return tuple(Problem(**one) for one in json.loads(self.problems_json))

    @property
    def cancelled(self) -> bool:
        """Whether its own side called it off."""
        return CANCELLED in self.problems


class SimulationWork(Table, table=True):
    """That a simulation waits or is worked on; the row goes when it is finished."""

    __tablename__ = "simulation_work"
    __tenancy__ = through("simulation_id", SimulationRecord)
    __table_args__ = ({"info": {NOT_AUDITED: "it says who works on what, and goes with the work"}},)

    id: int = row_key()
    simulation_id: int = Field(
        foreign_key="simulation.id", sa_type=BigKey, unique=True, ondelete="RESTRICT"
    )
    attempts: int = Field(default=0, sa_type=Integer)
    """How often somebody took it up; who holds an older number may not write the result."""
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Nobody else takes it up before; None where nobody has."""
