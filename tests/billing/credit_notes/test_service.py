"""Credit notes drawn up by one person and issued by another, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from app.database import session_scope
from billing.accounting.queries import Wanted, journal_of
from billing.credit_notes.calculation import ByLine, Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocumentKind,
    CreditNoteLine,
    CreditNoteState,
)
from billing.credit_notes.queries import (
    credit_notes_of,
    credited_of,
    documents_of,
    find_issued,
    get_credit_note,
    get_credit_note_document,
)
from billing.credit_notes.rendering import DrawnNote, draw_credit_note, keep_drawn_note
from billing.credit_notes.reviewing import review
from billing.credit_notes.service import discard_credit_note, draw_up
from billing.invoices.fee_document import DocumentReference, DocumentType, read_fee_document
from billing.invoices.models import InvoiceState
from billing.payments.allocating import allocate
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.queries import owed_minor_of, reversals_of, written_off_of
from billing.payments.recording import Bounce, NewPayment, bounce_payment, record_payment
from billing.payments.values import Part
from billing.payments.write_offs import NewWriteOff, decide_write_off, propose_write_off
from governance.access import Actor, Role
from governance.access_terms import Side
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.contract.engagement import Party
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.tenancy import EVERYTHING
from governance.values import Period
from tests.billing.credit_notes.scenes import TWO_LINES, Scene, make_scene
from tests.factories import NOW, TextRenderer, contract_bytes, make_actor, make_member

_PART = ByLine({1: Decimal("100.00")})
_RENDER = TextRenderer()


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


def _draw(session: Session, scene: Scene, asked: ByLine | Everything = _PART) -> CreditNote:
    place = (session, scene.preparer, scene.engagement)
    return draw_up(*place, scene.invoice, asked, "the desk was closed on the 12th")


def _issue(session: Session, scene: Scene, note: CreditNote, actor: Actor | None = None) -> str:
    place = (session, actor or scene.approver, scene.engagement)
    return issue_credit_note(*place, note.draft_number).number or ""


def test_a_note_is_issued_with_its_number_and_documents(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    assert (note.state, note.payable_minor, note.name) == (
        CreditNoteState.DRAFT,
        11900,
        "draft 1",
    )
    assert _issue(session, scene, note) == "CN-2026-00001"
    assert (note.state, note.issued_on, note.decided_by_id) == (
        CreditNoteState.ISSUED,
        NOW.date(),
        scene.approver.user_id,
    )
    kept = get_credit_note_document(session, note, CreditNoteDocumentKind.JSON)
    assert documents_of(session, note) == {kept.kind: kept.sha256}
    event = events_of(session, scene.engagement.id)[0]
    assert (event.action, event.subject_label) == (Action.CREDIT_NOTE_ISSUED, "CN-2026-00001")


def test_the_frozen_document_refers_to_the_invoice_and_its_lines(
    session: Session, scene: Scene
) -> None:
    note = _draw(session, scene, ByLine({2: None, 1: Decimal("100.00")}))
    _issue(session, scene, note)
    kept = get_credit_note_document(session, note, CreditNoteDocumentKind.JSON)
    assert json.loads(kept.data)["type"] == "credit_note"
    document = read_fee_document(kept.data)
    assert document.type is DocumentType.CREDIT_NOTE
    assert (document.number, document.issued_on) == ("CN-2026-00001", NOW.date())
    assert document.corrects == DocumentReference("CW-2026-00001", date(2026, 3, 2))
    assert document.correction == "the desk was closed on the 12th"
    lines = [(one.corrects_position, str(one.amount), one.unit) for one in document.lines]
    assert lines == [(1, "100.00", "part"), (2, "7.50", "month")]
    assert (str(document.service_credit), str(document.payable)) == ("0.75", "127.03")
    with pytest.raises(NotFound):
        get_credit_note_document(session, note, CreditNoteDocumentKind.CII)


def test_an_invoice_that_names_its_parties_has_electronic_credit_notes(session: Session) -> None:
    seller = Party(
        name="Clearwater Receivables Ltd",
        country="IE",
        street="12 Quay Street",
        city="Dublin",
        postcode="D02 X285",
        vat_id="IE6388047V",
    )
    buyer = Party(name="Nordlicht Handel GmbH", country="DE", city="Hamburg", postcode="20457")
    scene = make_scene(session, replace(TWO_LINES, seller=seller, buyer=buyer))
    note = _draw(session, scene, ByLine({1: Decimal("100.00"), 2: None}))
    _issue(session, scene, note)
    kept = {
        kind: get_credit_note_document(session, note, kind).data
        for kind in (CreditNoteDocumentKind.CII, CreditNoteDocumentKind.UBL)
    }
    assert all(b"CN-2026-00001" in data and b"CW-2026-00001" in data for data in kept.values())
    assert b">381<" in kept[CreditNoteDocumentKind.CII]
    assert b"CreditNoteLine>" in kept[CreditNoteDocumentKind.UBL]


def test_notes_add_up_to_the_invoice_and_no_further(session: Session, scene: Scene) -> None:
    for asked in (_PART, ByLine({2: Decimal("3.33")}), Everything()):
        _issue(session, scene, _draw(session, scene, asked))
    assert credited_of(session, [scene.invoice.id, 999]) == {
        scene.invoice.id: scene.invoice.payable_minor
    }
    sums = select(
        func.sum(col(CreditNoteLine.amount_minor)), func.sum(col(CreditNoteLine.allowance_minor))
    )
    assert tuple(session.execute(sums).one()) == (100750, 10075)
    with pytest.raises(BadInput, match="nothing is credited"):
        _draw(session, scene, Everything())


def test_a_draft_that_no_longer_fits_is_not_issued(session: Session, scene: Scene) -> None:
    first, second = _draw(session, scene, Everything()), _draw(session, scene)
    _issue(session, scene, first)
    with pytest.raises(Conflict, match="hasn't so much left any more"):
        _issue(session, scene, second)
    with pytest.raises(Conflict, match="draw it up anew"):
        review(session, scene.preparer, scene.engagement, second.draft_number)
    (series,) = session.execute(
        text("SELECT last_sequence FROM invoice_series WHERE pattern LIKE 'CN%'")
    )
    assert tuple(series) == (1,)


def test_what_the_approver_looked_at_is_what_is_issued(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    found = review(session, scene.approver, scene.engagement, note.draft_number)
    assert found.document.payable == found.figures.payable == Decimal("119.00")
    place = (session, scene.approver, scene.engagement, note.draft_number)
    with pytest.raises(Conflict, match="look at it again"):
        issue_credit_note(*place, Decimal("118.99"))
    assert issue_credit_note(*place, Decimal("119.00")).number == "CN-2026-00001"


def test_another_person_issues_it_once(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    with pytest.raises(Forbidden, match="drew up"):
        _issue(session, scene, note, scene.preparer)
    _issue(session, scene, note)
    with pytest.raises(Conflict, match="issued already"):
        _issue(session, scene, note)
    with pytest.raises(Conflict, match="issued already"):
        discard_credit_note(session, scene.preparer, scene.engagement, note.draft_number)


def test_a_discarded_draft_is_gone(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    discard_credit_note(session, scene.preparer, scene.engagement, note.draft_number)
    with pytest.raises(Conflict, match="discarded already"):
        _issue(session, scene, note)
    kept = _draw(session, scene)
    found = credit_notes_of(session, scene.client, scene.engagement, scene.invoice)
    assert [one.note.draft_number for one in found] == [kept.draft_number] == [2]


def test_notes_are_for_members_with_the_permission(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    stranger = make_actor(session)
    for actor, error in ((scene.client, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            _draw(session, replace(scene, preparer=actor))
        with pytest.raises(error):
            _issue(session, scene, note, actor)
        with pytest.raises(error):
            discard_credit_note(session, actor, scene.engagement, note.draft_number)
    with pytest.raises(NotFound):
        get_credit_note(session, stranger, scene.engagement, note.draft_number)
    with pytest.raises(NotFound):
        get_credit_note(session, scene.client, scene.engagement, 2)
    with pytest.raises(NotFound):
        find_issued(session, scene.client, scene.engagement, "CW-2026-00002")


def test_it_needs_a_reason_and_an_issued_invoice(session: Session, scene: Scene) -> None:
    for reason in (" \n", "x" * 4001):
        with pytest.raises(BadInput, match="reason"):
            draw_up(session, scene.preparer, scene.engagement, scene.invoice, _PART, reason)
    draft = type(scene.invoice)(**scene.invoice.model_dump() | {"state": InvoiceState.DRAFT})
    with pytest.raises(Conflict, match="isn't issued"):
        draw_up(session, scene.preparer, scene.engagement, draft, _PART, "why")


def test_an_approver_stays_within_the_contract(session: Session) -> None:
    limits = b"approval_limits: [{role: provider_finance, up_to: '118.99'}]"
    contract = contract_bytes().replace(b"due_days: 30,", b"due_days: 30, " + limits + b",")
    scene = make_scene(session, TWO_LINES, contract)
    note = _draw(session, scene)
    with pytest.raises(Forbidden, match="approve up to 118"):
        _issue(session, scene, note)
    manager = make_member(session, scene.engagement, Role.PROVIDER_ACCOUNT_MANAGER)
    assert _issue(session, scene, note, manager)


_FORBIDDEN = (
    "UPDATE credit_note SET payable_minor = 0, total_minor = 0",
    "UPDATE credit_note SET state = 'draft'",
    "DELETE FROM credit_note",
    "UPDATE credit_note_line SET amount_minor = 0",
    "DELETE FROM credit_note_line",
    "UPDATE credit_note_document SET sha256 = ''",
    "DELETE FROM credit_note_document",
)


def test_what_was_issued_is_frozen(session: Session, scene: Scene) -> None:
    _issue(session, scene, _draw(session, scene))
    for statement in _FORBIDDEN:
        with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
            session.execute(text(statement))


def _drawn(session: Session, scene: Scene, render: TextRenderer = _RENDER) -> DrawnNote:
    return draw_credit_note(session, scene.approver, scene.engagement, 1, render)


def test_the_pdf_is_drawn_apart_and_kept_once(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    with pytest.raises(Conflict, match="isn't issued"):
        _drawn(session, scene)
    _issue(session, scene, note)
    first = _drawn(session, scene)
    second = replace(_drawn(session, scene), data=b"another")
    place = (session, scene.approver, scene.engagement)
    kept = keep_drawn_note(*place, first)
    assert kept.data == b"CN-2026-00001 CW-2026-00001 119.00"
    assert kept.template_version == _RENDER.template_version()
    assert keep_drawn_note(*place, second).data == kept.data
    with pytest.raises(Conflict, match="made already"):
        _drawn(session, scene)
    event = events_of(session, scene.engagement.id)[0]
    assert (event.action, event.subject_label) == (Action.CREDIT_NOTE_RENDERED, "CN-2026-00001")
    with pytest.raises(Forbidden):
        keep_drawn_note(session, scene.client, scene.engagement, first)


class _Broken(TextRenderer):
    def credit_note(self, document: object, log: object) -> bytes:
        raise RuntimeError(document, log)


def test_a_pdf_that_fails_leaves_the_note_issued(session: Session, scene: Scene) -> None:
    note = _draw(session, scene)
    _issue(session, scene, note)
    with pytest.raises(RuntimeError):
        _drawn(session, scene, _Broken())
    assert note.state is CreditNoteState.ISSUED
    assert CreditNoteDocumentKind.PDF not in documents_of(session, note)
    assert _drawn(session, scene).data == b"CN-2026-00001 CW-2026-00001 119.00"


def test_an_error_after_the_number_was_taken_skips_none(
    fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(document: object) -> None:
        raise RuntimeError(document)

    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        scene = make_scene(session)
        _draw(session, scene)
    with monkeypatch.context() as patched:
        patched.setattr("billing.credit_notes.issuing.e_invoices_of", broken)
        with pytest.raises(RuntimeError), session_scope(fresh_engine, sees=EVERYTHING) as session:
            issue_credit_note(session, scene.approver, scene.engagement, 1)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        note = issue_credit_note(session, scene.approver, scene.engagement, 1)
        assert note.number == "CN-2026-00001"


def _write_off(session: Session, scene: Scene, minor: int) -> None:
    new = NewWriteOff(scene.invoice.id, minor, WriteOffKind.BAD_DEBT, "insolvent")
    number = propose_write_off(session, scene.preparer, scene.engagement, new).number
    place = (session, scene.approver, scene.engagement)
    decide_write_off(*place, number, WriteOffState.APPROVED)


def test_what_is_credited_is_not_written_off_besides(session: Session, scene: Scene) -> None:
    whole, ids = scene.invoice.payable_minor, [scene.invoice.id]
    _write_off(session, scene, whole)
    note = _draw(session, scene)
    _issue(session, scene, note)
    (row,) = reversals_of(session, ids)[scene.invoice.id]
    assert (row.amount_minor, row.reversed_on) == (11900, note.issued_on)
    assert (row.proposed_by_id, row.decided_by_id) == (note.prepared_by_id, note.decided_by_id)
    assert written_off_of(session, ids)[scene.invoice.id] == whole - 11900

    place = (session, scene.preparer, scene.engagement)
    number = record_payment(*place, NewPayment(NOW.date(), "EUR", whole)).number
    allocate(*place, number, [Part(scene.invoice.id, whole - 11900)])
    assert written_off_of(session, ids)[scene.invoice.id] == 0
    bounce_payment(*place, number, Bounce(NOW.date(), "no funds"))
    assert owed_minor_of(session, [scene.invoice])[scene.invoice.id] == whole - 11900
    assert written_off_of(session, ids)[scene.invoice.id] == whole - 11900


def test_a_bounce_writes_no_more_off_again_than_is_owed(session: Session, scene: Scene) -> None:
    whole, ids = scene.invoice.payable_minor, [scene.invoice.id]
    _write_off(session, scene, whole)
    place = (session, scene.preparer, scene.engagement)
    number = record_payment(*place, NewPayment(NOW.date(), "EUR", whole)).number
    allocate(*place, number, [Part(scene.invoice.id, whole)])
    _issue(session, scene, _draw(session, scene))
    bounce_payment(*place, number, Bounce(NOW.date(), "no funds"))
    assert written_off_of(session, ids)[scene.invoice.id] == whole - 11900


def test_an_invoice_written_off_and_credited_leaves_the_journal_at_zero(
    session: Session, scene: Scene
) -> None:
    _write_off(session, scene, scene.invoice.payable_minor)
    _issue(session, scene, _draw(session, scene, Everything()))
    wanted = Wanted(Period.month(NOW.year, NOW.month), Side.PROVIDER)
    journal = journal_of(session, scene.preparer, scene.engagement, wanted)
    balances = {one.account.name: one.balance for one in journal.totals}
    assert (balances["assets:receivable"], balances["expenses:write-offs"]) == (
        Decimal(0),
        Decimal(0),
    )
