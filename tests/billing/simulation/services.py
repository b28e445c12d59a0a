"""Simulations as services make them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from billing.simulation.models import SimulationRecord
from billing.simulation.service import (
    Asked,
    Draft,
    ask_simulation,
    cancel_simulation,
    finish,
    take_up,
)
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.engagements.versions import agreed_contract
from governance.values import Period
from sla.kpis.catalogue import signatures
from tests.factories import FEBRUARY, JANUARY, contract_bytes

HOLD = timedelta(minutes=5)


def ask_for(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    data: bytes | None = None,
    last: Period = FEBRUARY,
) -> SimulationRecord:
    """A draft against the agreed version, from January on."""
    draft = Draft("draft.yaml", data or contract_bytes(engagement.reference, expected="95.0"))
    against = agreed_contract(session, engagement)
    asked = Asked(draft, against, JANUARY, last)
    return ask_simulation(session, actor, engagement, asked, signatures())


def simulate_a_draft(session: Session, actor: Actor, engagement: Engagement) -> None:
    """One is finished, one cancelled, and another one waits."""
    ask_for(session, actor, engagement)
    held = take_up(session, actor.at, HOLD)
    assert held is not None
    finish(session, held, actor.at, document="{}")
    cancel_simulation(session, actor, engagement, ask_for(session, actor, engagement).id)
    ask_for(session, actor, engagement)
