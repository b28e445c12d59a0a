"""Corrected invoices in place of credited ones, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from billing.accounting.queries import Wanted, read_journal
from billing.corrections.copies import corrected_digests, invoice_copy
from billing.corrections.issuing import draw_corrected, issue_corrected, keep_corrected_pdf
from billing.corrections.queries import correction_of, get_correction
from billing.corrections.service import (
    discard_correction,
    draw_up_corrected,
    take_correction_step,
)
from billing.corrections.values import CorrectedHeader, header_of_contract, header_of_document
from billing.credit_notes.calculation import Amount, Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.queries import issued, issued_of_period
from billing.credit_notes.service import draw_up
from billing.invoices.drafts import invoice_of, lines_of
from billing.invoices.fee_document import DocumentReference, DocumentType, read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.service import invoices_of, issue_invoice
from billing.invoices.standing import Stage
from billing.invoices.standings import standings_of
from billing.invoices.values import Act
from billing.settlement.models import DocumentKind, SettlementRecord
from governance.access_terms import Role, Side
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.service import add_contract
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.values import Period
from tests.billing.corrections.services import (
    BUYER,
    HEADER,
    REASON,
    People,
    credit_in_full,
    drawn_up,
    issue,
)
from tests.billing.credit_notes.scenes import Scene, make_scene
from tests.billing.invoices.places import approved, make_place
from tests.factories import (
    JANUARY,
    NOW,
    TextRenderer,
    agree,
    contract_bytes,
    make_actor,
    make_member,
)


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


def _people(scene: Scene) -> People:
    return People(scene.preparer, scene.approver)


def _credited(session: Session, scene: Scene) -> None:
    credit_in_full(session, _people(scene), scene.engagement, scene.invoice)


def _drawn_up(session: Session, scene: Scene) -> FeeInvoice:
    return drawn_up(session, _people(scene), scene.engagement, scene.invoice)


def test_it_takes_the_place_of_an_invoice_that_was_credited(session: Session, scene: Scene) -> None:
    _credited(session, scene)
    draft = _drawn_up(session, scene)
    assert (draft.state, draft.number, draft.purchase_order) == ("draft", None, "PO-4711")
    invoice = issue(session, _people(scene), scene.engagement, draft)
    assert (invoice.number, invoice.issued_on) == ("CW-2026-00002", NOW.date())
    found = get_correction(session, scene.client, scene.engagement, invoice.id)
    document = read_fee_document(found.stated)
    earlier = issued(session, scene.invoice).document
    assert document.type is DocumentType.CORRECTED_INVOICE
    assert (document.number, document.correction) == ("CW-2026-00002", REASON)
    assert document.corrects == DocumentReference("CW-2026-00001", date(2026, 3, 2))
    assert (document.buyer, document.purchase_order) == (BUYER, "PO-4711")
    assert document.buyer_reference == HEADER.buyer_reference
    assert (document.lines, document.taxes) == (earlier.lines, earlier.taxes)
    assert (document.total, document.payable) == (earlier.total, earlier.payable)
    assert correction_of(session, scene.invoice) is invoice
    events = [one.action for one in events_of(session, scene.engagement.id)][:2]
    assert events == [Action.INVOICE_ISSUED, Action.INVOICE_APPROVED]


def test_it_is_due_by_the_terms_of_payment_that_it_states(session: Session, scene: Scene) -> None:
    """The contract is amended between the settlement and the corrected invoice."""
    _credited(session, scene)
    days = contract_of(agreed_contract(session, scene.engagement)).invoicing.due_days
    amended = contract_bytes().replace(b"due_days: 30", b"due_days: 99")
    manager = make_member(session, scene.engagement, Role.PROVIDER_ACCOUNT_MANAGER)
    add_contract(session, manager, "amended.yaml", amended)
    agree(session, scene.engagement)
    assert contract_of(agreed_contract(session, scene.engagement)).invoicing.due_days == 99
    invoice = issue(session, _people(scene), scene.engagement, _drawn_up(session, scene))
    assert invoice.due_on == NOW.date() + timedelta(days=days)
    found = get_correction(session, scene.client, scene.engagement, invoice.id)
    assert read_fee_document(found.stated).due_on == invoice.due_on


def test_the_credited_one_owes_nothing_and_the_corrected_one_all(
    session: Session, scene: Scene
) -> None:
    _credited(session, scene)
    invoice = issue(session, _people(scene), scene.engagement, _drawn_up(session, scene))
    both = [scene.invoice, invoice]
    found = standings_of(session, both, NOW.date())
    payable = invoice.money(invoice.payable_minor).amount
    assert [(found[one.id].stage, found[one.id].open) for one in both] == [
        (Stage.CREDITED, Decimal(0)),
        (Stage.ISSUED, payable),
    ]
    wanted = Wanted(Period.parse("2026"), Side.PROVIDER)
    journal = read_journal(session, scene.engagement, wanted, date(2026, 12, 31))
    numbers = [one.number for one in journal.entries if not one.number.startswith("ACC")]
    assert sorted(numbers) == ["CN-2026-00001", "CW-2026-00001", "CW-2026-00002"]
    assert len({one.number for one in journal.entries if one.number.startswith("ACC")}) <= 1


def test_what_asks_by_period_gets_the_one_that_counts(session: Session, scene: Scene) -> None:
    place = (session, scene.client, scene.engagement, Period.parse("2026-02"))
    _credited(session, scene)
    draft = _drawn_up(session, scene)
    assert issued_of_period(*place).invoice is scene.invoice
    invoice = issue(session, _people(scene), scene.engagement, draft)
    assert issued_of_period(*place).invoice is invoice
    record = session.get_one(SettlementRecord, invoice.settlement_id)
    assert invoice_of(session, record) is scene.invoice
    listed = invoices_of(session, scene.client, scene.engagement)
    assert {one.number for one in listed} == {"CW-2026-00001", "CW-2026-00002"}
    assert [one.amount for one in lines_of(session, invoice)] == [
        one.amount for one in lines_of(session, scene.invoice)
    ]


def test_a_corrected_invoice_is_credited_and_corrected_in_turn(
    session: Session, scene: Scene
) -> None:
    _credited(session, scene)
    people, engagement = _people(scene), scene.engagement
    second = issue(session, people, engagement, _drawn_up(session, scene))
    with pytest.raises(Conflict, match="isn't credited in full"):
        drawn_up(session, people, engagement, second)
    credit_in_full(session, people, engagement, second)
    third = issue(session, people, engagement, drawn_up(session, people, engagement, second))
    document = read_fee_document(get_correction(session, scene.client, engagement, third.id).stated)
    assert document.corrects
    assert document.corrects.number == "CW-2026-00002"


def test_nothing_is_billed_twice(session: Session, scene: Scene) -> None:
    """A part that is credited isn't enough, and of one invoice there is one corrected one."""
    with pytest.raises(Conflict, match="isn't credited in full"):
        _drawn_up(session, scene)
    place = (session, scene.preparer, scene.engagement)
    note = draw_up(*place, scene.invoice, Amount(Decimal("906.74")), "part")
    issue_credit_note(session, scene.approver, scene.engagement, note.draft_number)
    with pytest.raises(Conflict, match="isn't credited in full"):
        _drawn_up(session, scene)
    rest = draw_up(*place, scene.invoice, Everything(), "the rest")
    issue_credit_note(session, scene.approver, scene.engagement, rest.draft_number)
    draft = _drawn_up(session, scene)
    with pytest.raises(Conflict, match="draft already"):
        _drawn_up(session, scene)
    discard_correction(*place, draft.id)
    again = issue(session, _people(scene), scene.engagement, _drawn_up(session, scene))
    with pytest.raises(Conflict, match="issued already: CW-2026-00002"):
        _drawn_up(session, scene)
    with pytest.raises(Conflict, match="issued already"):
        discard_correction(*place, again.id)


_BY_HAND = (
    "UPDATE fee_invoice SET state = 'issued', number = 'X', sequence = 9,"
    " issued_on = '2026-03-31', due_on = '2026-03-31' WHERE id = :id"
)


def test_the_database_itself_bills_nothing_twice(session: Session, scene: Scene) -> None:
    copied = scene.invoice.model_dump(exclude={"id", "number", "series_id", "sequence"})
    draft = FeeInvoice(
        **copied
        | {
            "state": InvoiceState.APPROVED,
            "corrects_id": scene.invoice.id,
            "checked_at": NOW,
            "checked_by_id": 1,
            "approved_at": NOW,
            "approved_by_id": 2,
        }
    )
    session.add(draft)
    session.flush()
    with pytest.raises(DBAPIError, match="credited in full"), session.begin_nested():
        session.execute(text(_BY_HAND), {"id": draft.id})
    with pytest.raises(DBAPIError), session.begin_nested():
        session.add(FeeInvoice(**copied | {"state": InvoiceState.DRAFT}))
    _credited(session, scene)
    session.execute(text(_BY_HAND), {"id": draft.id})


def test_another_person_approves_and_issues_it(session: Session, scene: Scene) -> None:
    _credited(session, scene)
    draft = _drawn_up(session, scene)
    first, second = ((session, one, scene.engagement) for one in (scene.preparer, scene.approver))
    with pytest.raises(Conflict, match="nobody has checked"):
        take_correction_step(*second, draft.id, Act.APPROVE)
    take_correction_step(*first, draft.id, Act.CHECK)
    with pytest.raises(Forbidden):
        take_correction_step(*first, draft.id, Act.APPROVE)
    take_correction_step(*second, draft.id, Act.APPROVE)
    with pytest.raises(Forbidden):
        issue_corrected(*first, draft.id)
    take_correction_step(*second, draft.id, Act.TAKE_BACK_APPROVAL, "the order is another")
    take_correction_step(*first, draft.id, Act.TAKE_BACK_CHECK, "the order is another")
    discard_correction(*first, draft.id)
    for step in (Act.CHECK, Act.APPROVE):
        with pytest.raises(NotFound):
            take_correction_step(*first, draft.id, step)
    stranger = make_actor(session)
    for actor, error in ((scene.client, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            _drawn_up(session, replace(scene, preparer=actor))
    with pytest.raises(NotFound):
        get_correction(session, scene.client, scene.engagement, scene.invoice.id)


def test_it_needs_a_reason_and_a_client_that_can_be(session: Session, scene: Scene) -> None:
    _credited(session, scene)
    place = (session, scene.preparer, scene.engagement, scene.invoice)
    with pytest.raises(BadInput, match="reason"):
        draw_up_corrected(*place, HEADER, " ")
    wrong = CorrectedHeader(BUYER.model_copy(update={"vat_id": "DE129273399"}))
    with pytest.raises(BadInput, match="check digits"):
        draw_up_corrected(*place, wrong, REASON)


def test_what_was_issued_is_frozen(session: Session, scene: Scene) -> None:
    _credited(session, scene)
    invoice = issue(session, _people(scene), scene.engagement, _drawn_up(session, scene))
    assert DocumentKind.INVOICE in corrected_digests(session, invoice)
    kept = invoice_copy(session, invoice, DocumentKind.INVOICE)
    assert kept
    assert json.loads(kept.data)["number"] == "CW-2026-00002"
    for statement in (
        "UPDATE corrected_invoice SET reason = ''",
        "DELETE FROM corrected_invoice_document",
        "UPDATE corrected_invoice_document SET data = ''",
        "UPDATE fee_invoice SET corrects_id = NULL WHERE corrects_id IS NOT NULL",
    ):
        with pytest.raises(DBAPIError, match="refused"), session.begin_nested():
            session.execute(text(statement))


class _Broken(TextRenderer):
    def invoice(self, settlement: object, header: object, xml: object = None) -> bytes:
        raise RuntimeError(settlement, header, xml)


def test_the_pdf_is_drawn_apart_and_kept_once(session: Session, tmp_path: Path) -> None:
    place = make_place(session, tmp_path)
    approved(session, place)
    invoice = issue_invoice(session, place.second, place.engagement, JANUARY, place.workshop)
    people = People(place.first, place.second)
    credit_in_full(session, people, place.engagement, invoice)
    draft = drawn_up(session, people, place.engagement, invoice)
    at = (session, place.second, place.engagement)
    with pytest.raises(Conflict, match="isn't issued"):
        draw_corrected(*at, draft.id, place.workshop)
    issue(session, people, place.engagement, draft)
    with pytest.raises(RuntimeError):
        draw_corrected(*at, draft.id, replace(place.workshop, render=_Broken()))
    assert invoice_copy(session, draft, DocumentKind.INVOICE_PDF) is None
    drawn = draw_corrected(*at, draft.id, place.workshop)
    assert drawn.data == b"CW-2026-00002 2026-01 1079.03"
    keep_corrected_pdf(*at, drawn)
    keep_corrected_pdf(*at, replace(drawn, data=b"another"))
    kept = invoice_copy(session, draft, DocumentKind.INVOICE_PDF)
    assert kept
    assert kept.data == drawn.data
    with pytest.raises(Conflict, match="made already"):
        draw_corrected(*at, draft.id, place.workshop)


def test_headers_are_those_of_the_contract_or_the_invoice(session: Session, scene: Scene) -> None:
    contract = contract_of(agreed_contract(session, scene.engagement))
    assert header_of_contract(contract).client == contract.engagement.client
    document = issued(session, scene.invoice).document
    assert header_of_document(document).client == document.buyer
