"""Two tenants in one database, with rows in every table that a tenant has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session
from sqlmodel import col

import app.models  # noqa: F401 (registers every table)
from app.database import session_scope
from billing.invoices.models import FeeInvoice
from billing.settlement.models import SettlementRecord
from billing.settlement.service import settle_period
from governance.access import Actor, DutyConflict, Role
from governance.engagements.models import (
    AccessReview,
    AccessReviewItem,
    ContractAcceptance,
    DutyException,
    Invitation,
)
from governance.tables import Table
from governance.tenancy import EVERYTHING
from governance.tenancy.rules import NoTenant, Own, declared_rule, key_of, mapped_classes, rule_of
from sla.evidence.models import EvidenceTable
from tests.billing.provider_invoices.rows import add_provider_invoice
from tests.billing.reminders.rows import add_reminder, add_statement
from tests.factories import (
    JANUARY,
    NOW,
    actor_of,
    make_contract,
    make_evidence,
    make_member,
    make_user,
    make_workshop,
    seal,
)
from tests.governance.tenancy.billing_rows import (
    add_correction,
    add_credit_note,
    add_delivery,
    add_payment,
    add_step,
)
from tests.governance.tenancy.rows import (
    add_restatement,
    add_run,
    add_simulation,
    evidence_rows,
    figures_rows,
)

TENANTS_CLASSES = sorted(
    (one for one in mapped_classes() if not isinstance(declared_rule(one), NoTenant)),
    key=lambda one: one.__name__,
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One engagement with a member, and the keys of its rows by class."""

    engagement_id: int
    actor: Actor
    keys: dict[type[Table], frozenset[Any]]


Tenants = tuple[Tenant, Tenant]
each_class = pytest.mark.parametrize("mapped", TENANTS_CLASSES, ids=lambda one: one.__name__)


def make_tenants(engine: Engine, folder: Path) -> tuple[Tenant, Tenant]:
    """Two tenants whose keys don't overlap; committed."""
    one = _make_tenant(engine, folder, "ENG-1", {})
    return one, _make_tenant(engine, folder, "ENG-2", one.keys)


def _make_tenant(
    engine: Engine, folder: Path, reference: str, others: dict[type[Table], frozenset[Any]]
) -> Tenant:
    with session_scope(engine, sees=EVERYTHING) as session:
        actor = actor_of(make_user(session))
        engagement_id = _fill(session, actor, reference, folder / reference)
    with session_scope(engine, sees=EVERYTHING) as session:
        keys = {one: _keys(session, one) - others.get(one, frozenset()) for one in TENANTS_CLASSES}
    return Tenant(engagement_id, actor, keys)


def _keys(session: Session, mapped: type[Table]) -> frozenset[Any]:
    """The keys of all rows but those that belong to no engagement."""
    chosen = select(key_column(mapped))
    if isinstance(rule := rule_of(mapped), Own):
        chosen = chosen.where(col(getattr(mapped, rule.column)).is_not(None))
    return frozenset(session.scalars(chosen))


def _fill(session: Session, actor: Actor, reference: str, folder: Path) -> int:
    added = make_contract(session, actor, reference)
    engagement, user_id = added.engagement, actor.signed_in_id
    handed_in = make_evidence(session, actor, engagement, folder)
    settle_period(session, actor, engagement, JANUARY, make_workshop(folder))
    review = AccessReview(engagement_id=engagement.id, started_at=NOW, started_by_id=user_id)
    session.add(review)
    session.flush()
    session.add_all(
        [
            AccessReviewItem(review_id=review.id, user_id=user_id, role=Role.AUDITOR),
            ContractAcceptance(
                contract_version_id=added.version.id, accepted_at=NOW, accepted_by_id=user_id
            ),
            DutyException(
                engagement_id=engagement.id,
                user_id=user_id,
                conflict=DutyConflict.BOTH_SIDES,
                reason="a small company",
                granted_by_id=user_id,
                granted_at=NOW,
            ),
            Invitation(
                token_sha256=reference.ljust(64, "0"),
                email="guest@example.org",
                email_key="guest@example.org",
                name="Guest",
                organisation_id=engagement.client_id,
                engagement_id=engagement.id,
                role=Role.AUDITOR,
                created_at=NOW,
                expires_at=NOW + timedelta(days=7),
            ),
        ]
    )
    session.flush()
    seal(session, engagement, JANUARY, make_member(session, engagement, Role.COMMITTEE_CHAIR))
    session.add_all([*evidence_rows(handed_in, user_id), *figures_rows(added.version, user_id)])
    add_restatement(session, *_settled(session, engagement.id), user_id)
    add_simulation(session, added.version, user_id)
    add_run(session, added.engagement, user_id)
    add_step(session, _invoice(session, engagement.id), user_id)
    add_credit_note(session, _invoice(session, engagement.id), user_id)
    add_payment(session, _invoice(session, engagement.id), user_id)
    add_correction(session, _invoice(session, engagement.id), user_id)
    add_delivery(session, _invoice(session, engagement.id), user_id)
    add_provider_invoice(session, added.engagement, user_id, NOW)
    add_reminder(session, added.engagement, user_id, NOW, _invoice(session, engagement.id))
    add_statement(session, added.engagement, user_id, NOW)
    return engagement.id


def _invoice(session: Session, engagement_id: int) -> FeeInvoice:
    """Of the engagement's settled period."""
    of_engagement = col(FeeInvoice.engagement_id) == engagement_id
    return session.scalars(select(FeeInvoice).where(of_engagement)).one()


def _settled(session: Session, engagement_id: int) -> tuple[SettlementRecord, EvidenceTable]:
    """The settlement of an engagement, and a table that it was computed from."""
    of_engagement = col(EvidenceTable.engagement_id) == engagement_id
    table = session.scalars(select(EvidenceTable).where(of_engagement)).first()
    of_engagement = col(SettlementRecord.engagement_id) == engagement_id
    settlement = session.scalars(select(SettlementRecord).where(of_engagement)).one()
    assert table is not None
    return settlement, table


def key_column(entity: Any) -> Any:
    """The mapped column of the key of a class or an alias of it."""
    return getattr(entity, key_of(inspect(entity).mapper.class_))
