"""What the mails with invoices and credit notes say, in the language of the document."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Final

from app.documents.formatting import day, money, period
from app.documents.language import gettext as _
from app.documents.language import in_language, marked
from billing.deliveries.queries import Proposed
from billing.deliveries.subjects import Deliverable
from billing.deliveries.values import Letter, Parcel
from billing.invoices.fee_document import DocumentType, FeeDocument

_SUBJECT: Final = {
    DocumentType.INVOICE: marked("Invoice {number} from {provider}"),
    DocumentType.CREDIT_NOTE: marked("Credit note {number} from {provider}"),
    DocumentType.CORRECTED_INVOICE: marked("Corrected invoice {number} from {provider}"),
}
_OPENING: Final = {
    DocumentType.INVOICE: marked(
        "attached is our invoice {number} of {day} for {title}, {period}."
    ),
    DocumentType.CREDIT_NOTE: marked(
        "attached is our credit note {number} of {day} for invoice {corrects} of {corrected}."
    ),
    DocumentType.CORRECTED_INVOICE: marked(
        "attached is our invoice {number} of {day} for {title}, {period}. It takes the place of"
        " invoice {corrects} of {corrected}."
    ),
}


def parcel_of(
    found: Deliverable,
    whom: Proposed,
    documents: Collection[str],
    *,
    after: int,
    note: str = "",
) -> Parcel:
    """An invoice or credit note with its letter, as `deliver` takes it.

    `documents` are the file names of what goes along; BadInput for one that there isn't.
    """
    return Parcel(
        subject=found.subject.kind,
        subject_id=found.subject.id,
        name=found.subject.name,
        enclosures=found.chosen(documents),
        to=whom.to,
        cc=whom.cc,
        letter=letter_of(found.document),
        language=found.document.language,
        after=after,
        note=note,
    )


def letter_of(document: FeeDocument) -> Letter:
    """The letter that goes along with an issued document."""
    with in_language(document.language):
        corrects = document.corrects
        said = {
            "number": document.number,
            "provider": document.seller.name,
            "day": _day(document.issued_on),
            "title": document.title,
            "period": period(document.period),
            "corrects": corrects.number if corrects else "",
            "corrected": _day(corrects.issued_on if corrects else None),
        }
        return Letter(
            subject=_(_SUBJECT[document.type]).format(**said),
            paragraphs=(_(_OPENING[document.type]).format(**said),),
            facts=tuple(_facts(document)),
            sender=document.seller.name,
            reply_to=document.seller.email,
        )


def _day(found: date | None) -> str:
    return day(found) if found else ""


def _facts(document: FeeDocument) -> Iterator[tuple[str, str]]:
    amount = money(document.payable, document.currency)
    if document.type is DocumentType.CREDIT_NOTE:
        yield _("Credited"), amount
    else:
        yield _("Payable"), amount
        if document.due_on and document.payable > 0:
            yield _("Due"), day(document.due_on)
    if document.purchase_order:
        yield _("Your order"), document.purchase_order
    if document.buyer_reference:
        yield _("Your reference"), document.buyer_reference
