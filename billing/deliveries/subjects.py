"""Issued invoices and credit notes as what is delivered: their documents and file names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from billing.corrections.copies import invoice_copy
from billing.credit_notes.models import CreditNote, CreditNoteDocumentKind, CreditNoteState
from billing.credit_notes.queries import get_credit_note, get_credit_note_document
from billing.deliveries.enclosing import Found, look_up
from billing.deliveries.values import DeliverySubject, DocumentTable, Enclosure, Subject
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice
from billing.settlement.models import DocumentKind
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.errors import BadInput, Conflict, Problem
from governance.values import Period

_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "en16931": ("pdf",),
    "xrechnung": ("pdf", "ubl.xml"),
    "peppol": ("pdf", "ubl.xml"),
}
"""By the contract's profile: the documents that a mail carries unless the sender says otherwise.

The PDF holds the electronic invoice as CII.
"""


@dataclass(frozen=True, slots=True)
class Deliverable:
    """An issued invoice or credit note, and what of it a mail may carry."""

    subject: Subject
    document: FeeDocument
    made: Mapping[Enclosure, Found]
    """What a mail may carry, in the order of their kinds."""

    @property
    def enclosures(self) -> tuple[Enclosure, ...]:
        """The documents that there are or will be."""
        return tuple(self.made)

    @property
    def usual(self) -> tuple[str, ...]:
        """The file names that are sent unless the sender says otherwise."""
        endings = _USUAL[self.document.profile]
        return tuple(
            one.file_name for one in self.enclosures if one.kind.partition(".")[2] in endings
        )

    def chosen(self, file_names: Iterable[str]) -> tuple[Enclosure, ...]:
        """The documents of these names; BadInput for one that it doesn't have."""
        wanted = set(file_names)
        unknown = sorted(wanted - {one.file_name for one in self.enclosures})
        if unknown:
            what = "there is no such document"
            allowed = ", ".join(one.file_name for one in self.enclosures)
            raise BadInput.one(
                Problem(what, column="documents", found=unknown[0][:80], allowed=allowed)
            )
        return tuple(one for one in self.enclosures if one.file_name in wanted)


def invoice_file_name(
    engagement: Engagement, period: Period, kind: DocumentKind, corrected: FeeInvoice | None = None
) -> str:
    """What a document of a settled period is saved as, downloaded or mailed.

    A corrected invoice goes by its number: its period has two invoices.
    """
    if corrected is None:
        return f"{engagement.reference}-{period.label}-{kind.value}".replace("/", "_")
    ending = kind.value.partition(".")[2]
    return f"{engagement.reference}-{corrected.number}.{ending}".replace("/", "_")


def note_file_name(engagement: Engagement, note: CreditNote, kind: CreditNoteDocumentKind) -> str:
    """The same of a credit note's document."""
    name = f"{engagement.reference}-{note.number}.{kind.value.partition('.')[2]}"
    return name.replace("/", "_")


def deliverable_invoice(
    session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice
) -> Deliverable:
    """An issued invoice, also a corrected one; Conflict for a draft."""
    require(session, actor, engagement, Permission.VIEW)
    subject = subject_of(invoice)
    figures = invoice_copy(session, invoice, DocumentKind.INVOICE)
    assert figures is not None  # noqa: S101 (an issued invoice has its figures)
    period = Period(invoice.period_start, invoice.period_end)
    corrected = invoice.corrects_id is not None
    table = DocumentTable.CORRECTED_INVOICE if corrected else DocumentTable.SETTLEMENT
    owner = invoice.id if corrected else invoice.settlement_id
    named = invoice if corrected else None
    all_kinds = tuple(
        Enclosure(table, owner, kind.value, invoice_file_name(engagement, period, kind, named))
        for kind in (DocumentKind.INVOICE_PDF, DocumentKind.INVOICE_CII, DocumentKind.INVOICE_UBL)
    )
    return _deliverable(session, subject, read_fee_document(figures.data), all_kinds)


def _deliverable(
    session: Session, subject: Subject, document: FeeDocument, kinds: Iterable[Enclosure]
) -> Deliverable:
    """A PDF may still be on its way; an electronic form that is missing never comes."""
    found = {one: look_up(session, one) for one in kinds}
    made = {one: now for one, now in found.items() if now.sha256 or one.kind.endswith(".pdf")}
    return Deliverable(subject, document, made)


def subject_of(invoice: FeeInvoice) -> Subject:
    """An issued invoice as what is delivered; Conflict for a draft."""
    if invoice.number is None or invoice.issued_on is None:
        raise Conflict("the invoice isn't issued yet")
    name = f"invoice {invoice.number}"
    return Subject(DeliverySubject.INVOICE, invoice.id, name, invoice.issued_on)


def deliverable_note(
    session: Session, actor: Actor, engagement: Engagement, draft_number: int
) -> Deliverable:
    """An issued credit note; NotFound for an unknown one, Conflict for a draft."""
    note = get_credit_note(session, actor, engagement, draft_number)
    if note.state is not CreditNoteState.ISSUED or note.issued_on is None:
        raise Conflict("the credit note isn't issued")
    figures = get_credit_note_document(session, note, CreditNoteDocumentKind.JSON)
    subject = Subject(
        DeliverySubject.CREDIT_NOTE, note.id, f"credit note {note.number}", note.issued_on
    )
    kinds = tuple(
        Enclosure(
            DocumentTable.CREDIT_NOTE, note.id, kind.value, note_file_name(engagement, note, kind)
        )
        for kind in CreditNoteDocumentKind
        if kind is not CreditNoteDocumentKind.JSON
    )
    return _deliverable(session, subject, read_fee_document(figures.data), kinds)
