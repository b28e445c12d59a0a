"""What may be delivered of invoices, corrected invoices and credit notes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from billing.corrections.models import CorrectedInvoiceDocument
from billing.credit_notes.calculation import Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.service import draw_up
from billing.deliveries.enclosing import look_up
from billing.deliveries.subjects import (
    deliverable_invoice,
    deliverable_note,
    invoice_file_name,
)
from billing.deliveries.values import DeliverySubject, DocumentTable, Enclosure
from billing.invoices.fee_document import DocumentType
from billing.settlement.models import DocumentKind
from governance.errors import Conflict, NotFound
from governance.tables import digest
from tests.billing.corrections.services import People, credit_in_full, drawn_up, issue
from tests.billing.credit_notes.scenes import TWO_LINES
from tests.billing.deliveries.scenes import NAME, PDF, UBL, XML_NAME, deliverable, issued_scene
from tests.factories import JANUARY


@pytest.mark.parametrize(
    ("profile", "usual"),
    [("en16931", (NAME,)), ("xrechnung", (NAME, XML_NAME)), ("peppol", (NAME, XML_NAME))],
)
def test_what_is_usual_follows_the_profile(
    session: Session, profile: str, usual: tuple[str, ...]
) -> None:
    scene = issued_scene(session, document=replace(TWO_LINES, profile=profile))
    found = deliverable(session, scene)
    assert found.usual == usual
    assert [now.sha256 for now in found.made.values()] == [digest(PDF), digest(UBL)]
    assert [now.size for now in found.made.values()] == [len(PDF), len(UBL)]


def test_a_credit_note_may_be_sent_before_its_pdf_is_made(session: Session) -> None:
    scene = issued_scene(session)
    place = (session, scene.preparer, scene.engagement)
    note = draw_up(*place, scene.invoice, Everything(), "not delivered")
    with pytest.raises(Conflict, match="isn't issued"):
        deliverable_note(*place, note.draft_number)
    issue_credit_note(session, scene.approver, scene.engagement, note.draft_number)
    found = deliverable_note(*place, note.draft_number)
    assert (found.subject.kind, found.subject.name) == (
        DeliverySubject.CREDIT_NOTE,
        f"credit note {note.number}",
    )
    assert found.document.type is DocumentType.CREDIT_NOTE
    assert {one.file_name: now.sha256 for one, now in found.made.items()} == {
        f"ENG-1-{note.number}.pdf": None
    }
    with pytest.raises(NotFound):
        deliverable_note(*place, 99)


def test_a_corrected_invoice_has_documents_and_names_of_its_own(session: Session) -> None:
    scene = issued_scene(session)
    people = People(scene.preparer, scene.approver)
    place = (session, people, scene.engagement)
    credit_in_full(*place, scene.invoice)
    corrected = issue(*place, drawn_up(*place, scene.invoice))
    found = deliverable_invoice(session, scene.preparer, scene.engagement, corrected)
    ((one, now),) = found.made.items()
    assert one == Enclosure(
        DocumentTable.CORRECTED_INVOICE,
        corrected.id,
        "invoice.pdf",
        f"ENG-1-{corrected.number}.pdf",
    )
    assert now.sha256 is None
    row = CorrectedInvoiceDocument(
        invoice_id=corrected.id, kind=DocumentKind.INVOICE_PDF, sha256=digest(PDF), data=PDF
    )
    session.add(row)
    session.flush()
    assert look_up(session, one).sha256 == digest(PDF)


def test_no_name_leads_into_a_folder(session: Session) -> None:
    scene = issued_scene(session)
    scene.engagement.reference = "A/1"
    name = invoice_file_name(scene.engagement, JANUARY, DocumentKind.INVOICE_UBL)
    assert name == "A_1-2026-01-invoice.ubl.xml"
