"""A period settled through the database: stored whole, superseded, never half."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session

from app.database import session_scope
from app.models import METADATA
from billing.invoices.models import InvoiceState
from billing.invoices.service import invoices_of, issue_invoice
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import (
    get_document,
    get_measurement,
    get_settled_period,
    settled_periods,
)
from billing.settlement.service import settle_period
from billing.settlement.values import Settlement
from governance.access import Actor, Role
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.tables import digest
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.measurements.values import Status
from tests.factories import (
    FEBRUARY,
    JANUARY,
    TextRenderer,
    agree,
    approve,
    contract_bytes,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement with evidence, ready to be settled."""

    actor: Actor
    engagement: Engagement


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    return _scene(session, tmp_path)


def _scene(session: Session, folder: Path) -> Scene:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, folder)
    return Scene(actor, engagement)


def _settle(session: Session, scene: Scene, period: Period, folder: Path) -> SettlementRecord:
    return settle_period(session, scene.actor, scene.engagement, period, make_workshop(folder))


def test_a_settled_period_is_stored_with_all_its_figures(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    session.expire_all()
    stored = get_settled_period(session, scene.actor, scene.engagement, JANUARY)
    (measurement,) = stored.measurements
    # One of the three invoices due in January was paid by its due date.
    assert Decimal(measurement.value or "") == Decimal("33.3")
    assert (measurement.status, measurement.rows > 0) == (Status.BELOW_MINIMUM, True)
    assert {one.dataset for one in measurement.evidence} >= {"invoices", "allocations"}
    # 10 % of the charges of 1 000.00 + 3 × 2.50.
    assert stored.credit_total is not None
    assert stored.credit_total.net_minor == 10075
    assert [one.credit_minor for one in stored.credits] == [10075]
    assert [one.amount_minor for one in stored.lines] == [100000, 750]
    invoice = stored.invoice
    assert (invoice.subtotal_minor, invoice.service_credit_minor) == (100750, 10075)
    assert (invoice.tax_minor, invoice.total_minor) == (17228, 107903)
    assert (invoice.state, invoice.number) == (InvoiceState.DRAFT, None)
    # The electronic forms come with the number.
    electronic = {DocumentKind.INVOICE_CII, DocumentKind.INVOICE_UBL}
    assert set(stored.documents) == set(DocumentKind) - electronic
    assert len(stored.evidence) == 3
    assert events_of(session, scene.engagement.id)[0].action is Action.PERIOD_SETTLED


def test_documents_are_kept_byte_for_byte(session: Session, scene: Scene, tmp_path: Path) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    document = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.INVOICE)
    assert document.sha256 == digest(document.data)
    assert json.loads(document.data)["subtotal"] == "1007.50"


def test_periods_are_listed_newest_first(session: Session, scene: Scene, tmp_path: Path) -> None:
    for period in (JANUARY, FEBRUARY):
        _settle(session, scene, period, tmp_path)
    summaries = settled_periods(session, scene.actor, scene.engagement)
    assert [one.period for one in summaries] == [FEBRUARY, JANUARY]
    assert [dict(one.statuses) for one in summaries] == [{Status.BELOW_MINIMUM: 1}] * 2


def test_a_period_that_is_not_over_is_not_settled(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    # The engagement keeps Berlin's time: its January is over an hour before UTC's.
    before = replace(scene.actor, at=datetime(2026, 1, 31, 22, 59, tzinfo=UTC))
    with pytest.raises(Conflict, match="2026-01 isn't over yet"):
        _settle(session, replace(scene, actor=before), JANUARY, tmp_path)
    after = replace(before, at=datetime(2026, 1, 31, 23, 0, tzinfo=UTC))
    assert _settle(session, replace(scene, actor=after), JANUARY, tmp_path)
    issuer = replace(approve(session, scene.engagement, JANUARY), at=before.at)
    with pytest.raises(Conflict, match="isn't over"):
        issue_invoice(session, issuer, scene.engagement, JANUARY, make_workshop(tmp_path))


def test_settling_again_supersedes_the_draft(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    first = _settle(session, scene, JANUARY, tmp_path)
    add_contract(session, scene.actor, "v2.yaml", contract_bytes(expected="30.0"))
    agree(session, scene.engagement)
    second = _settle(session, scene, JANUARY, tmp_path)
    session.expire_all()
    assert first.superseded_at == scene.actor.at
    stored = get_settled_period(session, scene.actor, scene.engagement, JANUARY)
    assert (stored.settlement.id, stored.contract_version.number) == (second.id, 2)
    assert len(invoices_of(session, scene.actor, scene.engagement)) == 1
    (summary,) = settled_periods(session, scene.actor, scene.engagement)
    assert dict(summary.statuses) == {Status.MET: 1}


def test_an_issued_invoice_is_never_overwritten(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    workshop = make_workshop(tmp_path)
    issuer = approve(session, scene.engagement, JANUARY)
    issue_invoice(session, issuer, scene.engagement, JANUARY, workshop)
    with pytest.raises(Conflict, match="is issued"):
        _settle(session, scene, JANUARY, tmp_path)


def test_no_day_is_charged_twice(session: Session, scene: Scene, tmp_path: Path) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    with pytest.raises((Conflict, BadInput)):
        _settle(session, scene, Period.parse("2026-Q1"), tmp_path)


def test_without_evidence_or_contract_nothing_is_settled(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    scene = Scene(actor, make_engagement(session, actor))
    with pytest.raises(BadInput, match="no evidence"):
        _settle(session, scene, JANUARY, tmp_path)
    with pytest.raises(BadInput, match="in force"):
        _settle(session, scene, Period.parse("2025-12"), tmp_path)


def test_settled_periods_are_for_members(session: Session, scene: Scene, tmp_path: Path) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    stranger = make_actor(session)
    with pytest.raises(NotFound):
        settled_periods(session, stranger, scene.engagement)
    with pytest.raises(NotFound):
        get_settled_period(session, stranger, scene.engagement, JANUARY)
    with pytest.raises(NotFound):
        get_document(session, stranger, scene.engagement, JANUARY, DocumentKind.PACK_PDF)
    with pytest.raises(NotFound):
        invoices_of(session, stranger, scene.engagement)
    with pytest.raises(NotFound):
        _settle(session, replace(scene, actor=stranger), FEBRUARY, tmp_path)
    auditor = make_member(session, scene.engagement, Role.AUDITOR)
    with pytest.raises(Forbidden):
        _settle(session, replace(scene, actor=auditor), FEBRUARY, tmp_path)


def test_unknown_periods_and_levels_are_not_found(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    _settle(session, scene, JANUARY, tmp_path)
    with pytest.raises(NotFound):
        get_settled_period(session, scene.actor, scene.engagement, FEBRUARY)
    with pytest.raises(NotFound):
        get_measurement(session, scene.actor, scene.engagement, JANUARY, "SL-99")


class _BrokenRenderer(TextRenderer):
    def pack(self, settlement: Settlement, log: Checkpoint | None) -> bytes:  # noqa: ARG002 (the protocol's signature)
        raise RuntimeError(settlement.period.label)


def test_an_error_in_the_middle_leaves_nothing(fresh_engine: Engine, tmp_path: Path) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        scene = _scene(session, tmp_path)
    before = _counts(fresh_engine)
    broken = replace(make_workshop(tmp_path), render=_BrokenRenderer())
    with pytest.raises(RuntimeError), session_scope(fresh_engine, sees=EVERYTHING) as session:
        settle_period(session, scene.actor, scene.engagement, JANUARY, broken)
    assert _counts(fresh_engine) == before


def _counts(engine: Engine) -> dict[str, int]:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return {
            name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
        }
