"""Ask for a simulation, take it up, and write down what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.simulation.checks import check_questions, months_between
from billing.simulation.models import (
    CANCELLED,
    SimulationRecord,
    SimulationState,
    SimulationWork,
)
from billing.simulation.queries import get_simulation, side_of, waiting
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, one_line, record
from governance.contract.document import Contract
from governance.contract.kpi_signature import KpiSignature
from governance.contract.reading import contract_sha256, read_contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.engagements.versions import contract_of
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.tables import digest
from governance.values import Period
from sla.evidence.service import counting_tables

MOST_WAITING: Final = 5
"""Unfinished simulations of one side of an engagement."""
MOST_ATTEMPTS: Final = 2
"""How often a simulation is taken up: what ends its server twice isn't tried again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract document that is no version of the contract."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be simulated."""

    what: ContractVersion | Draft
    against: ContractVersion | None
    first: Period
    """A month."""
    last: Period
    sensitivity_of: Period | None = None


def ask_simulation(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    asked: Asked,
    kpis: Mapping[str, KpiSignature] | None = None,
) -> SimulationRecord:
    """Keep what is asked, for the actor's side alone; a worker takes it up.

    Raises BadInput with every problem of a draft, for months that can't be simulated and where
    there is no evidence; Conflict where too many simulations of the side aren't finished.
    """
    require(session, actor, engagement, Permission.VIEW)
    lock_engagement(session, engagement)
    name, contract = _read(asked.what, kpis)
    months = months_between(asked.first, asked.last)
    against = asked.against
    old = (version_name(against), contract_of(against)) if against else None
    check_questions(name, contract, months, asked.sensitivity_of, old)
    _check_engagement(session, engagement, name, contract)
    if waiting(session, actor, engagement) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} simulations of your side aren't finished yet")
    row = _row(session, actor, engagement, asked, months)
    session.add(row)
    session.flush()
    session.add(SimulationWork(simulation_id=row.id))
    session.flush()
    _record(session, actor, engagement, row, Action.SIMULATION_ASKED)
    return row


def version_name(version: ContractVersion) -> str:
    """What a version of the contract is called in a simulation."""
    return f"Version {version.number}"


def _read(
    what: ContractVersion | Draft, kpis: Mapping[str, KpiSignature] | None
) -> tuple[str, Contract]:
    if isinstance(what, Draft):
        return what.name, read_contract(what.data, what.name, kpis)
    return version_name(what), contract_of(what)


def _check_engagement(
    session: Session, engagement: Engagement, name: str, contract: Contract
) -> None:
    problems = []
    currency = contract.engagement.currency
    if currency != engagement.currency:
        problems.append(
            Problem(
                f"the currency is not the one of {engagement.reference}",
                file=name,
                column="engagement.currency",
                found=currency,
                allowed=engagement.currency,
            )
        )
    if not counting_tables(session, engagement):
        what = f"{engagement.reference} has no evidence that could be counted"
        problems.append(Problem(what, allowed="evidence that is handed in"))
    if problems:
        raise BadInput(problems)


def _row(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    asked: Asked,
    months: tuple[Period, ...],
) -> SimulationRecord:
    what = asked.what
    draft = what if isinstance(what, Draft) else None
    sensitivity_of = asked.sensitivity_of
    return SimulationRecord(
        engagement_id=engagement.id,
        side=side_of(standing_of(session, actor, engagement)),
        asked_at=actor.at,
        asked_by_id=actor.signed_in_id,
        contract_version_id=None if isinstance(what, Draft) else what.id,
        draft_name=one_line(draft.name)[:255] if draft else None,
        draft=draft.data if draft else None,
        contract_sha256=contract_sha256(what.data) if isinstance(what, Draft) else what.sha256,
        against_id=asked.against.id if asked.against else None,
        first_month=months[0].start,
        last_month=months[-1].start,
        sensitivity_month=sensitivity_of.start if sensitivity_of else None,
        state=SimulationState.ASKED,
    )


def _record(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: SimulationRecord,
    action: Action,
) -> None:
    """The entry names documents by their digests: drafts are the business of one side."""
    label = f"{engagement.reference} simulation {row.id}"
    after = {
        "contract_sha256": row.contract_sha256,
        "months": f"{row.first_month:%Y-%m}..{row.last_month:%Y-%m}",
        "state": row.state.value,
        "document_sha256": digest(row.document.encode()) if row.document else None,
    }
    change = Change(action, "simulation", row.id, label, engagement.id, None, after)
    record(session, actor, change)


@dataclass(frozen=True, slots=True)
class Held:
    """A simulation that a worker has taken up."""

    simulation_id: int
    attempt: int
    given_up: bool
    """Whether it was tried often enough, and is only to be ended."""


def take_up(session: Session, at: datetime, hold: timedelta) -> Held | None:
    """The oldest simulation that nobody works on, held for so long; None where there is none.

    The session sees everything: the work is the system's own.
    """
    free = or_(col(SimulationWork.held_until).is_(None), col(SimulationWork.held_until) < at)
    query = select(SimulationWork).where(free).order_by(col(SimulationWork.id)).limit(1)
    row = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    row.attempts += 1
    row.held_until = at + hold
    session.add(row)
    session.flush()
    return Held(row.simulation_id, row.attempts, row.attempts > MOST_ATTEMPTS)


def held_record(session: Session, held: Held) -> SimulationRecord | None:
    """The simulation's row, while the worker still holds it; None where another one does."""
    row = session.scalars(
        select(SimulationWork).where(
            col(SimulationWork.simulation_id) == held.simulation_id,
            col(SimulationWork.attempts) == held.attempt,
        )
    ).one_or_none()
    return None if row is None else session.get(SimulationRecord, held.simulation_id)


def finish(
    session: Session,
    held: Held,
    at: datetime,
    *,
    document: str | None = None,
    problems: tuple[Problem, ...] = (),
) -> None:
    """Write down the result, or why there is none; nothing where another worker took over."""
    work = _locked_work(session, held.simulation_id)
    if work is None or work.attempts != held.attempt:
        return
    row = session.get_one(SimulationRecord, held.simulation_id)
    row.document = document
    _end(session, row, work, at, problems)
    engagement = session.get(Engagement, row.engagement_id)
    if engagement is None:
        raise NotFound("the simulation's engagement is gone")
    actor = Actor(None, "simulation", at)
    _record(session, actor, engagement, row, Action.SIMULATION_FINISHED)


def cancel_simulation(
    session: Session, actor: Actor, engagement: Engagement, simulation_id: int
) -> SimulationRecord:
    """End a simulation that isn't finished; whoever works on it writes nothing down any more.

    Everybody who sees a simulation may cancel it. Raises NotFound where the actor sees none, and
    Conflict where it is finished.
    """
    row = get_simulation(session, actor, engagement, simulation_id)
    work = _locked_work(session, row.id)
    if work is None:
        raise Conflict(f"simulation {row.id} is finished already")
    _end(session, row, work, actor.at, (CANCELLED,))
    _record(session, actor, engagement, row, Action.SIMULATION_CANCELLED)
    return row


def _locked_work(session: Session, simulation_id: int) -> SimulationWork | None:
    """Locked, so that a simulation is either finished or cancelled, and that once."""
    query = select(SimulationWork).where(col(SimulationWork.simulation_id) == simulation_id)
    return session.scalars(query.with_for_update()).one_or_none()


def _end(
    session: Session,
    row: SimulationRecord,
    work: SimulationWork,
    at: datetime,
    problems: tuple[Problem, ...],
) -> None:
    row.problems_json = json.dumps([problem.as_json() for problem in problems])
    row.state = SimulationState.FAILED if row.document is None else SimulationState.DONE
    row.finished_at = at
    session.add(row)
    session.delete(work)
    session.flush()
