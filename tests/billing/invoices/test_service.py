"""Invoices issued: numbered without gaps, frozen, once only, also at the same moment."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from app.database import session_scope
from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.models import DocumentNumber, FeeInvoice, InvoiceSeries, InvoiceState
from billing.invoices.series import take_number
from billing.invoices.service import invoices_of, issue_invoice
from billing.settlement.acceptance import agreement_of
from billing.settlement.models import DocumentKind
from billing.settlement.queries import find_settlement, get_document, get_settled_period
from billing.settlement.service import settle_period
from billing.settlement.values import InvoiceHeader, Settlement
from governance.access import Actor, Role
from governance.audit.keys import KeyFolder
from governance.audit.models import Action
from governance.audit.sequencing import sequence_pending
from governance.audit.service import Change, events_of, record
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract, contract_in_force
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.service import organisation_of
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.evidence.service import current_tables
from tests.factories import (
    FEBRUARY,
    JANUARY,
    NOW,
    TextRenderer,
    agree,
    approve,
    contract_bytes,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
    seal,
)

PARALLEL = 20
PATTERN = "CW-{year}-{sequence:05}"


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement whose January was settled by one person and is issued by another."""

    actor: Actor
    engagement: Engagement
    issuer: Actor


def _settled(session: Session, folder: Path, data: bytes | None = None) -> tuple[Actor, Engagement]:
    """Who settled January, which nobody has agreed to yet, and where."""
    actor = make_actor(session)
    engagement = (
        make_engagement(session, actor)
        if data is None
        else add_contract(session, actor, "c.yaml", data).engagement
    )
    make_evidence(session, actor, engagement, folder)
    settle_period(session, actor, engagement, JANUARY, make_workshop(folder))
    return actor, engagement


def _scene(session: Session, folder: Path, data: bytes | None = None) -> Scene:
    actor, engagement = _settled(session, folder, data)
    return Scene(actor, engagement, approve(session, engagement, JANUARY))


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    return _scene(session, tmp_path)


def _issue(session: Session, scene: Scene, folder: Path, period: Period = JANUARY) -> FeeInvoice:
    return issue_invoice(session, scene.issuer, scene.engagement, period, make_workshop(folder))


def test_the_day_of_issue_is_that_where_the_engagement_is(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    in_berlin = replace(scene, issuer=replace(scene.issuer, at=new_year))
    invoice = _issue(session, in_berlin, tmp_path)
    assert (invoice.issued_on, invoice.number) == (date(2027, 1, 1), "CW-2027-00001")


def test_an_issued_invoice_has_number_dates_and_its_documents(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    invoice = _issue(session, scene, tmp_path)
    assert (invoice.state, invoice.number) == (InvoiceState.ISSUED, "CW-2026-00001")
    assert (invoice.issued_on, invoice.due_on) == (
        NOW.date(),
        NOW.date() + timedelta(days=30),
    )
    pdf = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.INVOICE_PDF)
    assert pdf.data == b"CW-2026-00001 2026-01 1079.03"
    figures = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.INVOICE)
    assert "CW-2026-00001" in json.dumps(json.loads(figures.data))
    rendered, issued, approved, checked, *_ = events_of(session, scene.engagement.id)
    assert (rendered.action, rendered.subject_label) == (Action.INVOICE_RENDERED, "CW-2026-00001")
    assert (issued.action, issued.subject_label) == (Action.INVOICE_ISSUED, "CW-2026-00001")
    assert [approved.action, checked.action] == [Action.INVOICE_APPROVED, Action.INVOICE_CHECKED]


def test_documents_state_how_far_the_log_had_come(session: Session, tmp_path: Path) -> None:
    signer = KeyFolder(tmp_path / "keys", "log.example.org").signer()
    make_actor(session)
    record(session, make_actor(session), Change(Action.CONTRACT_ADDED, "engagement", 1, "E"))
    before = sequence_pending(session, signer, NOW)
    assert before is not None
    scene = _scene(session, tmp_path)
    settled = find_settlement(session, scene.actor, scene.engagement, JANUARY)
    assert settled.log_size == before.size
    pack = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.PACK_PDF)
    assert pack.data == f"pack 2026-01 log {before.size}".encode()
    at_issue = sequence_pending(session, signer, NOW)
    assert at_issue is not None
    assert _issue(session, scene, tmp_path).log_size == at_issue.size > before.size
    figures = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.INVOICE)
    assert json.loads(figures.data)["audit_log"] == {
        "origin": "log.example.org",
        "size": at_issue.size,
        "root": b64encode(at_issue.root).decode(),
    }


def test_numbers_follow_one_another_and_start_anew_each_year(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    settle_period(session, scene.actor, scene.engagement, FEBRUARY, make_workshop(tmp_path))
    approve(session, scene.engagement, FEBRUARY)
    assert _issue(session, scene, tmp_path).sequence == 1
    assert _issue(session, scene, tmp_path, FEBRUARY).sequence == 2
    provider = scene.engagement.provider_id
    taken = take_number(session, provider, PATTERN, NOW.date().replace(year=2027))
    assert taken.number == "CW-2027-00001"
    assert take_number(session, provider, "{sequence}", NOW.date()).number == "1"


def test_no_two_documents_of_a_provider_have_one_number(session: Session, scene: Scene) -> None:
    """Seven digits print what a year and five digits do."""
    provider = scene.engagement.provider_id
    assert take_number(session, provider, "R-{year}{sequence:05}", NOW.date()).number[:4] == "R-20"
    session.add(DocumentNumber(provider_id=provider, number="R-0000001"))
    with pytest.raises(Conflict, match="on another document of the provider"):
        take_number(session, provider, "R-{sequence:07}", NOW.date())


def test_an_invoice_is_issued_once(session: Session, scene: Scene, tmp_path: Path) -> None:
    _issue(session, scene, tmp_path)
    with pytest.raises(Conflict, match="issued already"):
        _issue(session, scene, tmp_path)
    (series,) = session.scalars(select(InvoiceSeries))
    assert series.last_sequence == 1


def test_an_invoice_names_the_version_of_the_contract_that_was_sealed(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    """An amendment that reaches back after the seal doesn't change what both sides agreed on."""
    sealed = get_settled_period(session, scene.actor, scene.engagement, JANUARY).contract_version
    amended = add_contract(session, scene.actor, "v2.yaml", contract_bytes(expected="30.0"))
    agree(session, scene.engagement)
    assert contract_in_force(session, scene.engagement, JANUARY.end).id == amended.version.id
    assert agreement_of(session, scene.issuer, scene.engagement, JANUARY).issue.allowed
    _issue(session, scene, tmp_path)
    document = get_document(session, scene.actor, scene.engagement, JANUARY, DocumentKind.INVOICE)
    assert json.loads(document.data)["contract_sha256"] == sealed.sha256
    assert sealed.number == 1


def test_figures_that_no_longer_come_out_are_not_issued(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    stored = get_settled_period(session, scene.actor, scene.engagement, JANUARY)
    session.execute(
        text("UPDATE settlement_document SET sha256 = 'x' WHERE settlement_id = :id"),
        {"id": stored.settlement.id},
    )
    session.expire_all()
    with pytest.raises(Conflict, match="no longer comes out"):
        _issue(session, scene, tmp_path)
    assert list(session.scalars(select(InvoiceSeries))) == []


def test_a_contract_without_a_usable_number_pattern(session: Session, tmp_path: Path) -> None:
    try:
        scene = _scene(session, tmp_path, contract_bytes(number="CW-{year}"))
    except BadInput:
        return  # The contract's own check may refuse it first.
    with pytest.raises(BadInput, match="pattern"):
        _issue(session, scene, tmp_path)


def test_issuing_is_for_members_with_the_permission(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        _issue(session, replace(scene, issuer=make_actor(session)), tmp_path)
    client = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    with pytest.raises(Forbidden):
        _issue(session, replace(scene, issuer=client), tmp_path)
    with pytest.raises(NotFound):
        _issue(session, scene, tmp_path, FEBRUARY)


_COPIED_LINE = """
    INSERT INTO fee_invoice_line (
        id, invoice_id, position, charge, title, clause, quantity, unit, meter, currency,
        amount_minor, tax_category, tax_rate, steps_json
    )
    SELECT 99999, invoice_id, 99, charge, title, clause, quantity, unit, meter, currency,
        amount_minor, tax_category, tax_rate, steps_json
    FROM fee_invoice_line
"""
_FORBIDDEN = (
    "UPDATE fee_invoice SET payable_minor = 0, total_minor = 0",
    "UPDATE fee_invoice SET state = 'draft'",
    "DELETE FROM fee_invoice",
    "UPDATE fee_invoice_line SET amount_minor = 0",
    "DELETE FROM fee_invoice_line",
    _COPIED_LINE,
    "UPDATE settlement_document SET sha256 = ''",
    "DELETE FROM settlement_document",
    "UPDATE measurement SET value = '100'",
    "UPDATE service_credit SET credit_minor = 0",
    "UPDATE settlement SET period_end = period_start",
    "UPDATE evidence_table SET sha256 = 'x'",
)


def test_what_was_issued_is_frozen(session: Session, scene: Scene, tmp_path: Path) -> None:
    _issue(session, scene, tmp_path)
    for statement in _FORBIDDEN:
        with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
            session.execute(text(statement))


class _BrokenRenderer(TextRenderer):
    def invoice(
        self, settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
    ) -> bytes:
        del xml
        raise RuntimeError(settlement.period.label, header.number)


def test_an_error_after_the_number_was_taken_skips_none(
    fresh_engine: Engine, tmp_path: Path
) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        scene = _scene(session, tmp_path)
    broken = replace(make_workshop(tmp_path), render=_BrokenRenderer())
    with pytest.raises(RuntimeError), session_scope(fresh_engine, sees=EVERYTHING) as session:
        issue_invoice(session, scene.issuer, scene.engagement, JANUARY, broken)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        assert _issue(session, scene, tmp_path).number == "CW-2026-00001"


def _at_once(work: Callable[[int], str]) -> list[str]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(work, range(PARALLEL)))


def test_twenty_numbers_taken_at_once_are_distinct_and_without_gap(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        provider = organisation_of(session, make_actor(session).signed_in_id).id

    def take(_number: int) -> str:
        with session_scope(fresh_engine, sees=EVERYTHING) as session:
            return take_number(session, provider, PATTERN, NOW.date()).number

    expected = [f"CW-2026-{number:05}" for number in range(1, PARALLEL + 1)]
    assert sorted(_at_once(take)) == expected


def _twenty_drafts(session: Session, folder: Path) -> list[Scene]:
    first = _scene(session, folder)
    tables = current_tables(session, first.actor, first.engagement)
    scenes = [first]
    for number in range(2, PARALLEL + 1):
        engagement = make_engagement(session, first.actor, f"ENG-{number}")
        session.add_all(
            [
                EvidenceTable(
                    **table.model_dump(exclude={"id", "engagement_id"}),
                    engagement_id=engagement.id,
                )
                for table in tables
            ]
        )
        session.flush()
        settle_period(session, first.actor, engagement, JANUARY, make_workshop(folder))
        scenes.append(Scene(first.actor, engagement, approve(session, engagement, JANUARY)))
    return scenes


def test_twenty_drafts_issued_at_once_get_twenty_numbers(
    postgresql_engine: Engine, tmp_path: Path
) -> None:
    with session_scope(postgresql_engine, sees=EVERYTHING) as session:
        scenes = _twenty_drafts(session, tmp_path)

    def issue(number: int) -> str:
        with session_scope(postgresql_engine, sees=EVERYTHING) as session:
            return _issue(session, scenes[number], tmp_path).number or ""

    expected = [f"CW-2026-{number:05}" for number in range(1, PARALLEL + 1)]
    assert sorted(_at_once(issue)) == expected


def test_settling_while_issuing_ends_in_order(postgresql_engine: Engine, tmp_path: Path) -> None:
    with session_scope(postgresql_engine, sees=EVERYTHING) as session:
        actor, engagement = _settled(session, tmp_path)
        agree(session, engagement)
        client = make_member(session, engagement, Role.COMMITTEE_CHAIR)
        issuer = make_member(session, engagement, Role.PROVIDER_FINANCE)

    def settle_or_issue(number: int) -> str:
        workshop = make_workshop(tmp_path)
        try:
            with session_scope(postgresql_engine, sees=EVERYTHING) as session:
                if number % 2:
                    seal(session, engagement, JANUARY, client)
                    check_invoice(session, actor, engagement, JANUARY)
                    approve_invoice(session, issuer, engagement, JANUARY)
                    issue_invoice(session, issuer, engagement, JANUARY, workshop)
                else:
                    settle_period(session, actor, engagement, JANUARY, workshop)
        except Conflict:
            return "refused"
        return "issued" if number % 2 else "settled"

    answers = _at_once(settle_or_issue)
    assert answers.count("issued") == 1


def test_one_draft_issued_twenty_times_at_once_gets_one_number(
    postgresql_engine: Engine, tmp_path: Path
) -> None:
    with session_scope(postgresql_engine, sees=EVERYTHING) as session:
        scene = _scene(session, tmp_path)

    def issue(_number: int) -> str:
        try:
            with session_scope(postgresql_engine, sees=EVERYTHING) as session:
                return _issue(session, scene, tmp_path).number or ""
        except Conflict:
            return "refused"

    answers = sorted(_at_once(issue))
    assert answers == ["CW-2026-00001"] + ["refused"] * (PARALLEL - 1)
    with session_scope(postgresql_engine, sees=EVERYTHING, read_only=True) as session:
        (invoice,) = invoices_of(session, scene.actor, scene.engagement)
        (series,) = session.scalars(select(InvoiceSeries))
        issued = [
            one
            for one in events_of(session, scene.engagement.id)
            if one.action is Action.INVOICE_ISSUED
        ]
        documents = session.scalars(
            select(FeeInvoice).where(col(FeeInvoice.state) == InvoiceState.ISSUED)
        ).all()
    assert (invoice.number, series.last_sequence) == ("CW-2026-00001", 1)
    assert (len(issued), len(documents)) == (1, 1)
