"""Engagements of one provider whose January can be billed by a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from billing.invoices.approving import check_invoice
from billing.runs.packs import DrawnPack, keep_pack
from billing.settlement.models import DocumentKind
from billing.settlement.queries import document_of, find_settlement
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.parties.models import User
from governance.values import Period
from tests.factories import (
    JANUARY,
    actor_of,
    agree,
    contract_bytes,
    make_evidence,
    make_member,
    make_role,
    make_user,
    seal,
)

PROVIDER = "Clearwater Receivables Ltd"


@dataclass(frozen=True, slots=True)
class Billed:
    """The engagements, and who bills them all."""

    engagements: tuple[Engagement, ...]
    starter: User

    @property
    def actor(self) -> Actor:
        """Who bills, acting."""
        return actor_of(self.starter)


def make_billed(
    session: Session, folder: Path, workshop: Workshop, numbers: Iterable[int]
) -> Billed:
    """Engagements of these numbers with January settled, sealed and checked, but not approved."""
    lead, starter = make_user(session), make_user(session)
    made = []
    for at in numbers:
        engagement = add_engagement(session, lead, f"ENG-{at}", folder)
        make_role(session, engagement, starter, Role.PROVIDER_FINANCE)
        make_checked(session, actor_of(lead), engagement, workshop)
        made.append(engagement)
    return Billed(tuple(made), starter)


def add_engagement(session: Session, lead: User, reference: str, folder: Path) -> Engagement:
    """An engagement with evidence, whose contract both sides agreed to."""
    actor = actor_of(lead)
    data = contract_bytes(reference, client=f"Client of {reference} GmbH")
    engagement = add_contract(session, actor, "contract.yaml", data).engagement
    make_evidence(session, actor, engagement, folder)
    agree(session, engagement)
    return engagement


def make_checked(
    session: Session,
    lead: Actor,
    engagement: Engagement,
    workshop: Workshop,
    period: Period = JANUARY,
) -> None:
    """The period settled, sealed and its invoice checked, by three people."""
    settle_period(session, lead, engagement, period, workshop)
    seal(session, engagement, period, make_member(session, engagement, Role.CLIENT_COMMITTEE))
    checker = make_member(session, engagement, Role.PROVIDER_FINANCE)
    check_invoice(session, checker, engagement, period)


def redraw_pack(session: Session, actor: Actor, engagement: Engagement) -> None:
    """January's report as newer templates would draw it."""
    row = find_settlement(session, actor, engagement, JANUARY)
    before = document_of(session, row, DocumentKind.PACK_PDF).sha256
    drawn = DrawnPack(row.id, b"a newer report", "1" * 64, before)
    keep_pack(session, actor, engagement, drawn)
