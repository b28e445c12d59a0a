"""Rows of the tables that a settled period alone doesn't fill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

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
from billing.restatements.models import (
    RestatementCarried,
    RestatementDocument,
    RestatementEvidence,
    RestatementRecord,
)
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.simulation.models import SimulationRecord, SimulationState, SimulationWork
from governance.engagements.models import ContractVersion, Engagement
from governance.tables import Table, digest
from sla.claims.models import CreditClaim, CreditIncident
from sla.evidence.models import (
    DraftKind,
    EvidenceComparison,
    EvidenceCorrection,
    EvidenceHandIn,
    EvidenceQuarantine,
    EvidenceTable,
    ImportDraft,
    ImportProfile,
)
from sla.measurements.models import MeasuredPeriodRecord
from sla.relief.models import ReliefEventRecord, ReliefState
from sla.relief.values import ReliefKind
from sla.trends.models import TrendReport
from tests.factories import JANUARY, NOW
from tests.governance.runs.rows import items_of_run, queued_run

_NOTHING = digest(b"")


def evidence_rows(handed_in: EvidenceHandIn, user_id: int) -> Iterator[Table]:
    """What comes before, with and after a hand-in."""
    engagement_id, hand_in_id = handed_in.engagement_id, handed_in.id
    yield EvidenceQuarantine(
        engagement_id=engagement_id,
        hand_in_id=hand_in_id,
        file="invoices.csv",
        rows=1,
        sha256=_NOTHING,
        reasons_json="[]",
    )
    yield EvidenceCorrection(
        engagement_id=engagement_id, hand_in_id=hand_in_id, corrects_id=hand_in_id
    )
    yield EvidenceComparison(
        engagement_id=engagement_id, hand_in_id=hand_in_id, comparison_json="{}"
    )
    yield ImportProfile(
        engagement_id=engagement_id,
        name="ours",
        version=1,
        title="Ours",
        sha256=_NOTHING,
        text="",
        saved_at=NOW,
        saved_by_id=user_id,
    )
    yield ImportDraft(
        engagement_id=engagement_id,
        kind=DraftKind.GUIDED,
        folder=f"draft {engagement_id}",
        source_name="ledger.csv",
        source_sha256=_NOTHING,
        made_at=NOW,
        made_by_id=user_id,
        expires_at=NOW + timedelta(days=1),
    )


def figures_rows(version: ContractVersion, user_id: int) -> Iterator[Table]:
    """What is claimed for a period, and what is foreseen."""
    yield ReliefEventRecord(
        engagement_id=version.engagement_id,
        number=1,
        kind=next(iter(ReliefKind)),
        title="Outage",
        reason="the client's system was down",
        clause="7.1",
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        service_levels_json="[]",
        claimed_json="{}",
        state=ReliefState.PROPOSED,
        proposed_at=NOW,
        proposed_by_id=user_id,
    )
    yield CreditClaim(
        engagement_id=version.engagement_id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        until=JANUARY.end + timedelta(days=60),
        claimed_on=NOW.date(),
        decided_at=NOW,
        decided_by_id=user_id,
        currency="EUR",
    )
    yield CreditIncident(
        engagement_id=version.engagement_id,
        number=1,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        reason="an outage",
        service_levels_json="[]",
        marked_at=NOW,
        marked_by_id=user_id,
    )
    yield TrendReport(
        engagement_id=version.engagement_id,
        contract_version_id=version.id,
        inputs_sha256=_NOTHING,
        as_of=JANUARY.end,
        document="{}",
        made_at=NOW,
        made_by_id=user_id,
    )


def add_restatement(
    session: Session, settlement: SettlementRecord, table: EvidenceTable, user_id: int
) -> None:
    """A settled period restated, with the rows that belong to that."""
    engagement_id, version_id = settlement.engagement_id, settlement.contract_version_id
    measured = MeasuredPeriodRecord(
        engagement_id=engagement_id,
        contract_version_id=version_id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        currency="EUR",
        restatement=1,
        measured_at=NOW,
        measured_by_id=user_id,
    )
    session.add(measured)
    session.flush()
    restated = RestatementRecord(
        engagement_id=engagement_id,
        contract_version_id=version_id,
        measured_period_id=measured.id,
        period_start=JANUARY.start,
        period_end=JANUARY.end,
        number=1,
        reason="corrected evidence",
        made_at=NOW,
        made_by_id=user_id,
        currency="EUR",
        subtotal_minor=0,
        difference_json="{}",
        inputs_json="{}",
    )
    session.add(restated)
    session.flush()
    session.add_all(
        [
            RestatementDocument(
                restatement_id=restated.id,
                kind=next(iter(DocumentKind)),
                sha256=_NOTHING,
                data=b"",
            ),
            RestatementEvidence(restatement_id=restated.id, evidence_table_id=table.id),
            RestatementCarried(restatement_id=restated.id, settlement_id=settlement.id),
        ]
    )
    session.flush()


def add_simulation(session: Session, version: ContractVersion, user_id: int) -> None:
    """A simulation that waits, and the work on it."""
    row = SimulationRecord(
        engagement_id=version.engagement_id,
        asked_at=NOW,
        asked_by_id=user_id,
        contract_version_id=version.id,
        contract_sha256=version.sha256,
        first_month=JANUARY.start,
        last_month=JANUARY.start,
        state=SimulationState.ASKED,
    )
    session.add(row)
    session.flush()
    session.add(SimulationWork(simulation_id=row.id))


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


def add_run(session: Session, engagement: Engagement, user_id: int) -> None:
    """A run that waits, with its items."""
    run = queued_run(engagement, user_id, NOW)
    session.add(run)
    session.flush()
    session.add_all(items_of_run(run, engagement))
