"""Rows of the tables that follow an issued invoice."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.corrections.models import CorrectedInvoice, CorrectedInvoiceDocument
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteLine,
    CreditNoteState,
)
from billing.deliveries.models import Delivery, DeliveryDocument, DeliveryRecipient
from billing.deliveries.values import (
    DeliveryState,
    DeliverySubject,
    DocumentTable,
    Means,
    RecipientKind,
)
from billing.disputes.models import Dispute, DisputeState, DisputeSubject
from billing.invoices.models import FeeInvoice, FeeInvoiceStep
from billing.invoices.values import Act
from billing.payments.models import (
    ImportState,
    InvoiceRefund,
    Payment,
    PaymentAllocation,
    PaymentImport,
    PaymentRefund,
    WriteOff,
    WriteOffKind,
    WriteOffReversal,
    WriteOffState,
)
from billing.payments.values import Source
from billing.settlement.models import DocumentKind
from governance.tables import digest
from tests.factories import JANUARY, NOW

_NOTHING = digest(b"")


def add_step(session: Session, invoice: FeeInvoice, user_id: int) -> None:
    """A step of an invoice's life."""
    session.add(FeeInvoiceStep(invoice_id=invoice.id, act=Act.CHECK, at=NOW, by_id=user_id))


def add_credit_note(session: Session, invoice: FeeInvoice, user_id: int) -> None:
    """A dispute of an invoice, and the draft of a credit note with all that hangs on it."""
    dispute = Dispute(
        engagement_id=invoice.engagement_id,
        invoice_id=invoice.id,
        number=1,
        subject=DisputeSubject.WHOLE,
        currency=invoice.currency,
        amount_minor=1,
        reason="too much",
        state=DisputeState.OPEN,
        raised_at=NOW,
        raised_by_id=user_id,
    )
    session.add(dispute)
    session.flush()
    note = CreditNote(
        engagement_id=invoice.engagement_id,
        provider_id=invoice.provider_id,
        invoice_id=invoice.id,
        draft_number=1,
        state=CreditNoteState.DRAFT,
        reason="too much",
        asked_json="{}",
        dispute_id=dispute.id,
        currency=invoice.currency,
        subtotal_minor=1,
        service_credit_minor=0,
        tax_minor=0,
        withholding_minor=0,
        total_minor=1,
        payable_minor=1,
        prepared_at=NOW,
        prepared_by_id=user_id,
    )
    session.add(note)
    session.flush()
    line = CreditNoteLine(
        credit_note_id=note.id,
        position=1,
        currency=invoice.currency,
        amount_minor=1,
        allowance_minor=0,
    )
    kind = CreditNoteDocumentKind.JSON
    document = CreditNoteDocument(credit_note_id=note.id, kind=kind, sha256=_NOTHING, data=b"")
    session.add_all([line, document])
    session.flush()


def add_correction(session: Session, invoice: FeeInvoice, user_id: int) -> None:
    """What a corrected invoice states differently, and a document of it."""
    record = CorrectedInvoice(
        invoice_id=invoice.id,
        reason="wrong order",
        header_json="{}",
        prepared_at=NOW,
        prepared_by_id=user_id,
    )
    kind = DocumentKind.INVOICE
    document = CorrectedInvoiceDocument(invoice_id=invoice.id, kind=kind, sha256=_NOTHING, data=b"")
    session.add_all([record, document])
    session.flush()


def add_delivery(session: Session, invoice: FeeInvoice, user_id: int) -> None:
    """A mail with an invoice that waits, with recipient and document."""
    delivery = Delivery(
        engagement_id=invoice.engagement_id,
        subject=DeliverySubject.INVOICE,
        subject_id=invoice.id,
        name="invoice 1",
        number=1,
        means=Means.EMAIL,
        state=DeliveryState.QUEUED,
        made_at=NOW,
        made_by_id=user_id,
    )
    session.add(delivery)
    session.flush()
    recipient = DeliveryRecipient(
        delivery_id=delivery.id, position=1, kind=RecipientKind.TO, address="ap@example.org"
    )
    document = DeliveryDocument(
        delivery_id=delivery.id,
        position=1,
        document_table=DocumentTable.SETTLEMENT,
        owner_id=invoice.settlement_id,
        kind="invoice.pdf",
        file_name="invoice.pdf",
    )
    session.add_all([recipient, document])
    session.flush()


def add_payment(session: Session, invoice: FeeInvoice, user_id: int) -> None:
    """A payment from a statement that pays an invoice in part; a part of it went back."""
    engagement_id = invoice.engagement_id
    statement = PaymentImport(
        engagement_id=engagement_id,
        source=Source.CSV,
        file_name="bank.csv",
        sha256=_NOTHING,
        size=0,
        state=ImportState.DONE,
        entries=1,
        made_at=NOW,
        made_by_id=user_id,
    )
    session.add(statement)
    session.flush()
    payment = Payment(
        engagement_id=engagement_id,
        number=1,
        source=Source.CSV,
        import_id=statement.id,
        booked_on=JANUARY.end,
        value_on=JANUARY.end,
        currency="EUR",
        amount_minor=2,
        recorded_at=NOW,
        recorded_by_id=user_id,
    )
    session.add(payment)
    session.flush()
    written_off = WriteOff(
        engagement_id=engagement_id,
        number=1,
        invoice_id=invoice.id,
        kind=WriteOffKind.OTHER,
        reason="a cent",
        state=WriteOffState.PROPOSED,
        proposed_at=NOW,
        proposed_by_id=user_id,
        currency="EUR",
        amount_minor=1,
    )
    session.add(written_off)
    session.flush()
    session.add_all(
        [
            PaymentAllocation(
                engagement_id=engagement_id,
                payment_id=payment.id,
                invoice_id=invoice.id,
                paid_on=JANUARY.end,
                allocated_at=NOW,
                allocated_by_id=user_id,
                currency="EUR",
                amount_minor=1,
            ),
            PaymentRefund(
                payment_id=payment.id,
                refunded_on=JANUARY.end,
                reason="paid twice",
                recorded_at=NOW,
                recorded_by_id=user_id,
                currency="EUR",
                amount_minor=1,
            ),
            WriteOffReversal(
                engagement_id=engagement_id,
                number=1,
                write_off_id=written_off.id,
                reason="it is expected again",
                state=WriteOffState.PROPOSED,
                proposed_at=NOW,
                proposed_by_id=user_id,
                currency="EUR",
                amount_minor=1,
            ),
            InvoiceRefund(
                engagement_id=engagement_id,
                number=1,
                invoice_id=invoice.id,
                refunded_on=JANUARY.end,
                reason="paid out",
                recorded_at=NOW,
                recorded_by_id=user_id,
                currency="EUR",
                amount_minor=1,
            ),
        ]
    )
    session.flush()
