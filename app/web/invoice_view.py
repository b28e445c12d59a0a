"""What the page of an invoice says besides its figures: its life, changes and standing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

from app.web.payments_view import InvoicePayments, payments_of_invoice, sees_write_offs
from app.web.unit_of_work import Work
from billing.e_invoices.made import lacking
from billing.invoices.changes import DraftChange, change_of
from billing.invoices.fee_document import read_fee_document
from billing.invoices.models import FeeInvoice
from billing.invoices.service import invoices_of
from billing.invoices.standing import InvoiceStanding
from billing.invoices.standings import standings_of
from billing.invoices.steps import StepTaken, steps_of
from billing.invoices.values import Act
from billing.settlement.models import DocumentKind
from billing.settlement.queries import SettledPeriod, documents_of
from billing.settlement.staleness import out_of_date
from governance.engagements.models import Engagement
from governance.engagements.versions import local_today
from governance.errors import Problem
from governance.values import Period

STAGES = {
    "draft": "Draft",
    "checked": "Checked",
    "approved": "Approved",
    "issued": "Issued",
    "sent": "Sent",
    "part_paid": "Part-paid",
    "paid": "Paid",
    "disputed": "Disputed",
    "credited": "Credited",
    "written_off": "Written off",
}
LOOKS = {
    "paid": "met",
    "credited": "excused",
    "written_off": "excused",
    "disputed": "below_minimum",
    "part_paid": "below_expected",
}
"""How a stage looks; the others are neither good nor bad."""
STEP_WORDS = {
    Act.CHECK: "checked it",
    Act.TAKE_BACK_CHECK: "took the check back",
    Act.APPROVE: "approved it",
    Act.TAKE_BACK_APPROVAL: "took the approval back",
    Act.ISSUE: "issued it",
    Act.SUPERSEDE: "settled the period again",
}


@dataclass(frozen=True, slots=True)
class InvoiceLife:
    """All that happened to an invoice and what is made of it."""

    steps: tuple[StepTaken, ...]
    changes: tuple[DraftChange, ...] | None
    """What is different from the draft that it replaced; None for the first computation."""
    standing: InvoiceStanding | None
    """None before it is issued."""
    payments: InvoicePayments | None
    electronic: tuple[DocumentKind, ...]
    """The electronic forms that were frozen with it."""
    lacking: tuple[Problem, ...]
    """Why there are none, or will be none when it is issued."""
    pdf_pending: bool
    template_version: str | None
    """Of its PDF."""
    inputs: str
    """What it follows from besides contract and evidence, as JSON; empty where nothing is kept."""
    out_of_date: str
    """What changed since the draft was computed; empty where nothing did."""


def life_of(unit: Work, engagement: Engagement, settled: SettledPeriod) -> InvoiceLife:
    """The life of a settled period's invoice; the caller has checked the permission."""
    invoice, session = settled.invoice, unit.session
    documents = documents_of(session, settled.settlement)
    today = local_today(session, engagement, unit.actor.at)
    write_offs = sees_write_offs(session, unit.actor, engagement)
    found = standings_of(session, [invoice], today, write_offs=write_offs)
    return InvoiceLife(
        steps=steps_of(session, invoice),
        changes=_changes(invoice),
        standing=found.get(invoice.id),
        payments=payments_of_invoice(session, unit.actor, engagement, invoice.id),
        electronic=tuple(kind for kind in DocumentKind if kind in documents and _is_xml(kind)),
        lacking=lacking(read_fee_document(documents[DocumentKind.INVOICE].data)),
        pdf_pending=not documents[DocumentKind.INVOICE_PDF].data,
        template_version=documents[DocumentKind.INVOICE_PDF].template_version,
        inputs=settled.settlement.inputs_json or "",
        out_of_date=out_of_date(session, engagement, settled.settlement),
    )


def _is_xml(kind: DocumentKind) -> bool:
    return kind in {DocumentKind.INVOICE_CII, DocumentKind.INVOICE_UBL}


def _changes(invoice: FeeInvoice) -> tuple[DraftChange, ...] | None:
    if invoice.changes_json is None:
        return None
    return tuple(change_of(one) for one in json.loads(invoice.changes_json))


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice as the engagement's list shows it."""

    invoice: FeeInvoice
    period: Period
    stage: str
    standing: InvoiceStanding | None

    @property
    def payable(self) -> Decimal:
        """What is payable by it."""
        return self.invoice.money(self.invoice.payable_minor).amount


def listed_invoices(unit: Work, engagement: Engagement) -> tuple[ListedInvoice, ...]:
    """The engagement's drafts and invoices, newest period first, with what is open on each."""
    invoices = invoices_of(unit.session, unit.actor, engagement)
    today = local_today(unit.session, engagement, unit.actor.at)
    write_offs = sees_write_offs(unit.session, unit.actor, engagement)
    standings = standings_of(unit.session, invoices, today, write_offs=write_offs)
    return tuple(
        ListedInvoice(
            one,
            Period(one.period_start, one.period_end),
            standings[one.id].stage.value if one.id in standings else one.state.value,
            standings.get(one.id),
        )
        for one in invoices
    )
