"""An issued invoice with its documents, and a way out for mails that keeps what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from billing.deliveries.models import Delivery
from billing.deliveries.subjects import Deliverable, deliverable_invoice
from billing.deliveries.values import Letter, Parcel
from billing.invoices.fee_document import FeeDocument
from billing.settlement.models import DocumentKind, SettlementDocument
from governance.tables import digest
from tests.billing.credit_notes.scenes import TWO_LINES, Scene, make_scene
from tests.factories import contract_bytes

PDF = b"%PDF-1.7 an invoice, byte for byte \x00\xff"
UBL = b"<Invoice>\r\n</Invoice>"
LETTER = Letter("Invoice", ("attached is our invoice.",), (("Payable", "EUR 1"),), "Ours", None)
_CONTRACT = contract_bytes().replace(
    b"GmbH, country: DE}", b"GmbH, country: DE, email: client@example.org}"
)
NAME = "ENG-1-2026-02-invoice.pdf"
XML_NAME = "ENG-1-2026-02-invoice.ubl.xml"


@dataclass
class KeptPost:
    """Keeps the parcels that it is given."""

    parcels: list[tuple[int, Parcel]] = field(default_factory=list)
    largest: int = 1_000_000

    def queue(self, session: Session, delivery: Delivery, parcel: Parcel) -> None:  # noqa: ARG002 (the protocol's)
        """Keep it."""
        self.parcels.append((delivery.id, parcel))


def add_documents(session: Session, settlement_id: int, pdf: bytes = PDF, ubl: bytes = UBL) -> None:
    """The PDF and the UBL of an issued invoice; an empty PDF isn't made yet."""
    documents = {DocumentKind.INVOICE_PDF: pdf, DocumentKind.INVOICE_UBL: ubl}
    for kind, data in documents.items():
        row = SettlementDocument(
            settlement_id=settlement_id,
            kind=kind,
            sha256=digest(data),
            data=data,
            frozen=bool(data),
        )
        session.add(row)
    session.flush()


def issued_scene(session: Session, pdf: bytes = PDF, document: FeeDocument = TWO_LINES) -> Scene:
    """ENG-1 with an issued invoice of February and its documents; the client has an address."""
    scene = make_scene(session, document, _CONTRACT)
    add_documents(session, scene.invoice.settlement_id, pdf)
    return scene


def deliverable(session: Session, scene: Scene) -> Deliverable:
    """The scene's invoice, as its preparer would send it."""
    return deliverable_invoice(session, scene.preparer, scene.engagement, scene.invoice)


def parcel(session: Session, scene: Scene, *to: str, after: int = 0, **more: object) -> Parcel:
    """The invoice's PDF and UBL on their way to the addresses."""
    found = deliverable(session, scene)
    usual = Parcel(
        subject=found.subject.kind,
        subject_id=found.subject.id,
        name=found.subject.name,
        enclosures=found.enclosures,
        to=to or ("ap@example.org",),
        cc=(),
        letter=LETTER,
        language="en",
        after=after,
    )
    return replace(usual, **more)  # type: ignore[arg-type] # Fields of a parcel.
