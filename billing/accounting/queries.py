"""Read what a journal is made of: documents, payments and write-offs of one engagement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.accounting.accruals import accrual_entries, month_ends
from billing.accounting.books import SELF_ASSESSED, Books
from billing.accounting.delivered_queries import delivered_months
from billing.accounting.documents import document_entry
from billing.accounting.movement_queries import movements
from billing.accounting.values import Entry, Journal, in_order
from billing.corrections.models import CorrectedInvoiceDocument
from billing.credit_notes.models import (
    CreditNote,
    CreditNoteDocument,
    CreditNoteDocumentKind,
    CreditNoteState,
)
from billing.invoices.fee_document import FeeDocument, read_fee_document
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from governance.access import Actor, Permission
from governance.access_terms import Side
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.queries import require, standing_of
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, Forbidden, Problem
from governance.values import Period

_LONGEST = 120
_YEARS = range(1900, 3000)
"""A calendar computed with ends at 1 and 9999; no document is near either."""
"""Months of a journal."""
_HIGHEST_RATE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which journal is asked for."""

    period: Period
    """Whole months."""
    side: Side
    own_tax_rate: Decimal | None = None
    """As `Books` has it; only the client's books take it."""


def months_between(first: str, last: str) -> Period:
    """The days from the start of one period to the end of another, such as 2026-01 and 2026-12.

    Raises BadInput where they are no periods, lie in years that no books are kept for, stand the
    wrong way round, or are more than ten years apart.
    """
    begin, end = (_of_books(text, column) for text, column in ((first, "from"), (last, "to")))
    if end.end < begin.start:
        what = "the journal ends before it starts"
        raise BadInput.one(Problem(what, column="to", found=last, allowed=f"{first} or later"))
    found = Period(begin.start, end.end)
    if len(list(found.months())) > _LONGEST:
        what = "a journal has ten years at most"
        raise BadInput.one(Problem(what, column="from", found=first, allowed="fewer months"))
    return found


def _of_books(text: str, column: str) -> Period:
    found = Period.parse(text)
    if found.start.year not in _YEARS:
        what, allowed = "no books are kept for this year", f"{_YEARS[0]} to {_YEARS[-1]}"
        raise BadInput.one(Problem(what, column=column, found=text, allowed=allowed))
    return found


def checked_rate(text: str) -> Decimal | None:
    """A rate in % as somebody gave it, None for nothing; BadInput for what is no rate."""
    if not text.strip():
        return None
    try:
        rate = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not 0 <= rate <= _HIGHEST_RATE:
        problem = Problem("this is no rate", column="own_tax", found=text, allowed="0 to 100")
        raise BadInput.one(problem)
    return rate


def usual_side(session: Session, actor: Actor, engagement: Engagement) -> Side:
    """The books that a person looks at first: the client's people their own, others the provider's.

    Whoever acts for the client alone is one of its people, whoever employs them. The caller has
    checked the permission.
    """
    found = standing_of(session, actor, engagement)
    for_client = found.employer is Side.CLIENT or found.sides == {Side.CLIENT}
    return Side.CLIENT if for_client else Side.PROVIDER


def journal_of(session: Session, actor: Actor, engagement: Engagement, wanted: Wanted) -> Journal:
    """The journal of one side's books for some months, accruals up to today included.

    Raises Forbidden for who may not export journals, and for the client's people who ask for the
    provider's books: what it thinks of getting its money stands in them.
    """
    require(session, actor, engagement, Permission.EXPORT_JOURNAL)
    if wanted.side is Side.PROVIDER and usual_side(session, actor, engagement) is Side.CLIENT:
        raise Forbidden("these are the provider's books; yours follow from the same documents")
    return read_journal(session, engagement, wanted, actor.at.date())


def read_journal(session: Session, engagement: Engagement, wanted: Wanted, today: date) -> Journal:
    """The same, for a caller that has checked the permission."""
    contract = contract_of(agreed_contract(session, engagement))
    invoicing = contract.invoicing
    books = Books(wanted.side, invoicing.accounts, invoicing.cost_centres, wanted.own_tax_rate)
    billed = invoicing.supplied_by == "plumbline"
    documents = list(_documents(session, engagement, wanted.period)) if billed else []
    posted = [one for one in documents if one.number is not None]
    ends = month_ends(wanted.period, today)
    months = list(delivered_months(session, engagement, wanted.period)) if billed else []
    entries: list[Entry] = [
        *(document_entry(one, books) for one in posted),
        *movements(session, engagement, wanted.period, books, contract),
        *accrual_entries(documents, ends, books, months),
    ]
    inside = in_order(entries, wanted.period)
    notes = _notes(session, engagement, contract, wanted, documents, today)
    return Journal(
        engagement.reference, engagement.title, wanted.side, wanted.period, inside, tuple(notes)
    )


def _documents(session: Session, engagement: Engagement, period: Period) -> Iterator[FeeDocument]:
    """Credit notes and corrected invoices of these days, invoices issued since then or not yet.

    Those issued later are there for their accruals, even of later months: the row of an invoice for
    a quarter has its last month.
    """
    unissued = (InvoiceState.DRAFT, InvoiceState.CHECKED, InvoiceState.APPROVED)
    issued = col(FeeInvoice.state) == InvoiceState.ISSUED
    wanted: ColumnElement[bool] = or_(
        issued & (col(FeeInvoice.issued_on) >= period.start), col(FeeInvoice.state).in_(unissued)
    )
    invoices = session.scalars(
        select(col(SettlementDocument.data))
        .join(SettlementRecord, col(SettlementRecord.id) == col(SettlementDocument.settlement_id))
        .join(FeeInvoice, col(FeeInvoice.settlement_id) == col(SettlementRecord.id))
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.corrects_id).is_(None),
            col(SettlementDocument.kind) == DocumentKind.INVOICE,
            wanted,
        )
        .order_by(col(FeeInvoice.period_start), col(FeeInvoice.id))
    )
    yield from (read_fee_document(data) for data in invoices)
    corrected = session.scalars(
        select(col(CorrectedInvoiceDocument.data))
        .join(FeeInvoice, col(FeeInvoice.id) == col(CorrectedInvoiceDocument.invoice_id))
        .where(
            col(FeeInvoice.engagement_id) == engagement.id,
            col(FeeInvoice.issued_on).between(period.start, period.end),
            col(CorrectedInvoiceDocument.kind) == DocumentKind.INVOICE,
        )
        .order_by(col(FeeInvoice.id))
    )
    yield from (read_fee_document(data) for data in corrected)
    notes = session.scalars(
        select(col(CreditNoteDocument.data))
        .join(CreditNote, col(CreditNote.id) == col(CreditNoteDocument.credit_note_id))
        .where(
            col(CreditNote.engagement_id) == engagement.id,
            col(CreditNote.state) == CreditNoteState.ISSUED,
            col(CreditNote.issued_on).between(period.start, period.end),
            col(CreditNoteDocument.kind) == CreditNoteDocumentKind.JSON,
        )
        .order_by(col(CreditNote.id))
    )
    yield from (read_fee_document(data) for data in notes)


def _notes(  # noqa: PLR0917 (all that a note may be about)
    session: Session,
    engagement: Engagement,
    contract: Contract,
    wanted: Wanted,
    documents: list[FeeDocument],
    today: date,
) -> Iterator[str]:
    if contract.invoicing.supplied_by == "provider":
        yield "The provider's own system issues the invoices: they aren't in this journal."
    else:
        missing = _unsettled(session, engagement, contract, wanted.period, today)
        if missing:
            yield f"Nothing is accrued for {_spans(missing)}: not settled yet."
    if wanted.side is Side.CLIENT:
        if wanted.own_tax_rate is None and any(
            tax.tax.category in SELF_ASSESSED for one in documents for tax in one.taxes
        ):
            yield "Tax that the client declares itself isn't posted: its rate wasn't given."
        yield "Write-offs are the provider's and aren't in the client's books."


def _unsettled(
    session: Session, engagement: Engagement, contract: Contract, period: Period, today: date
) -> list[Period]:
    """Months of the engagement that are over, in the journal's days, and that nobody settled."""
    rows = session.execute(
        select(col(SettlementRecord.period_start), col(SettlementRecord.period_end)).where(
            col(SettlementRecord.engagement_id) == engagement.id,
            col(SettlementRecord.superseded_at).is_(None),
        )
    )
    settled = [Period(row.period_start, row.period_end) for row in rows]
    terms = contract.engagement
    return [
        month
        for month in period.months()
        if month.end <= today
        and month.overlap(terms.starts, terms.ends)
        and not any(one.contains(month.end) for one in settled)
    ]


def _spans(months: Sequence[Period]) -> str:
    """Months in words, those in a row as one span; there is one at least, the oldest first."""
    spans = [months[0]]
    for month in months[1:]:
        if month == Period.month(spans[-1].end.year, spans[-1].end.month).following():
            spans[-1] = Period(spans[-1].start, month.end)
        else:
            spans.append(month)
    return ", ".join(
        f"{one.start:%Y-%m}" + (f" to {one.end:%Y-%m}" if one.days > 31 else "") for one in spans
    )
