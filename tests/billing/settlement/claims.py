"""Engagements whose credits have to be claimed, settled as far as a test needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from billing.settlement.models import SettlementRecord
from billing.settlement.reviewing import submit_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.values import Period
from sla.claims.incidents import NewIncident, mark_incident, remove_incident
from sla.claims.service import claim_credit, lapse_credits
from sla.evidence.service import Upload, hand_in
from tests.factories import (
    FEBRUARY,
    JANUARY,
    NOW,
    actor_of,
    agree,
    contract_bytes,
    make_member,
    make_user,
    make_workshop,
    seal,
    write_evidence_folder,
)

WITHIN = 60
"""January's credit of 201.50 can be claimed until 1 April, February's until 29 April."""
_SECOND_LEVEL = b"""\
  - id: SL-02
    title: Collected at once
    clause: Schedule 2, 2
    kpi: collected_within_terms
    parameters: {weight: count}
    expected: "90.0"
    minimum: "60.0"
    round_to: 1
    category: more
    allocation: 40
service_credits:
"""


def claim_contract(
    reference: str = "ENG-1", *, incidents: str = "largest", within: int | None = WITHIN
) -> bytes:
    """The usual contract with a claim window, and a second service level that costs less."""
    claim = b"" if within is None else f"  claim_within_days: {within}\n".encode()
    return (
        contract_bytes(reference)
        .replace(b"service_credits:\n", _SECOND_LEVEL + claim)
        .replace(b"{collections: 100}", b"{collections: 100, more: 100}")
        .replace(b"at_risk_percent: 10", f"at_risk_percent: 20\n  incidents: {incidents}".encode())
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement with evidence, and who acts in it."""

    session: Session
    engagement: Engagement
    provider: Actor
    client: Actor
    workshop: Workshop

    def settle(self, period: Period) -> SettlementRecord:
        """By the provider."""
        return settle_period(self.session, self.provider, self.engagement, period, self.workshop)

    def seal(self, period: Period) -> None:
        """By both sides."""
        seal(self.session, self.engagement, period, self.client)


def make_scene(
    session: Session,
    folder: Path,
    contract: bytes | None = None,
    workshop: Workshop | None = None,
) -> Scene:
    """An engagement under a contract with a claim window, ENG-1 by default."""
    workshop = workshop or make_workshop(folder)
    provider = actor_of(make_user(session))
    added = add_contract(session, provider, "contract.yaml", contract or claim_contract())
    engagement = added.engagement
    agree(session, engagement)
    ledgers = Upload(write_evidence_folder(folder / "evidence"), "ledgers")
    hand_in(session, provider, engagement, ledgers, workshop.store)
    client = make_member(session, engagement, Role.CLIENT_COMMITTEE)
    return Scene(session, engagement, provider, client, workshop)


def at(actor: Actor, month: int, day: int) -> Actor:
    """The same person on another day of 2026, at noon UTC."""
    return replace(actor, at=datetime(2026, month, day, 12, tzinfo=UTC))


def use_claims_and_incidents(session: Session, folder: Path) -> None:
    """Every service of claims and incidents, used once, in an engagement of its own."""
    scene = make_scene(session, folder, claim_contract("ENG-9"))
    scene.settle(JANUARY)
    place = (session, scene.client, scene.engagement)
    submission = submit_period(session, scene.provider, scene.engagement, JANUARY)
    new = NewIncident(("SL-01", "SL-02"), "An outage")
    remove_incident(*place, submission, mark_incident(*place, submission, new).number)
    claim_credit(*place, FEBRUARY)
    lapse_credits(session, at(Actor(None, "claims", NOW), 4, 2), scene.engagement)
