"""Every service of relief and restatements, used once."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from billing.restatements.reviewing import seal_restatement, submit_restatement
from billing.restatements.service import restate_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.engagements.models import Engagement
from sla.relief.claims import read_document
from sla.relief.service import (
    NewRelief,
    Ruling,
    decide_relief,
    propose_relief,
    withdraw_relief,
)
from sla.relief.values import Claim, Relief, ReliefKind
from tests.factories import FEBRUARY, JANUARY


def use_relief_and_restatements(
    session: Session, provider: Actor, client: Actor, engagement: Engagement, workshop: Workshop
) -> None:
    """January is sealed: relief comes late, restates it, and February makes it good."""
    claim = Claim(Relief({"invoices": frozenset({"I-2", "I-3"})}))
    new = NewRelief(
        ReliefKind.CLIENT_CAUSED, "Wrong addresses", "They were wrong", JANUARY, claim, late=True
    )
    proven = replace(new, document=read_document("proof.txt", b"a letter"))
    place = (session, provider, engagement)
    first, second, third = (propose_relief(*place, proven, workshop.store).number for _ in range(3))
    withdraw_relief(*place, first)
    decide_relief(session, client, engagement, second, Ruling(grant=False, reason="no"))
    decide_relief(session, client, engagement, third, Ruling(grant=True, reason="yes"))
    row = restate_period(*place, JANUARY, workshop, "relief was granted late")
    submit_restatement(*place, row)
    seal_restatement(session, client, engagement, row, workshop.catalogue)
    settle_period(*place, FEBRUARY, workshop)
