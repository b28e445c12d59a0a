"""What the page of a corrected invoice shows."""

from __future__ import annotations

from typing import Any

from app.web.credit_notes import corrections_of, period_of_invoice
from app.web.deliveries_view import invoice_deliveries
from app.web.invoice_view import LOOKS, STAGES, STEP_WORDS, InvoiceLife
from app.web.payments_view import payments_of_invoice, sees_write_offs
from app.web.terms import charge_rule
from app.web.unit_of_work import Work, allowed
from billing.corrections.copies import corrected_digests, invoice_copy
from billing.corrections.queries import Correction, facts_of_correction
from billing.e_invoices.made import lacking
from billing.invoices.approval import decide_step
from billing.invoices.fee_document import read_fee_document
from billing.invoices.standings import standings_of
from billing.invoices.steps import steps_of
from billing.invoices.values import Act, InvoiceState
from billing.settlement.models import DocumentKind, SettlementRecord
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import standing_of
from governance.engagements.versions import contract_of, local_today
from governance.parties.models import User


def shown_correction(unit: Work, engagement: Engagement, found: Correction) -> dict[str, Any]:
    """The context of its page; the caller has checked the permission."""
    session, invoice = unit.session, found.invoice
    facts = facts_of_correction(session, engagement, found)
    standing = standing_of(session, unit.actor, engagement)
    settlement = session.get_one(SettlementRecord, invoice.settlement_id)
    version = session.get_one(ContractVersion, settlement.contract_version_id)
    life = _life(unit, engagement, found)
    rules = {one.id: charge_rule(one, engagement.currency) for one in contract_of(version).charges}
    return {
        "engagement": engagement,
        "period": period_of_invoice(invoice),
        "settled": {
            "invoice": invoice,
            "settlement": {"settled_at": found.record.prepared_at},
            "documents": corrected_digests(session, invoice),
        },
        "document": found.stated,
        "reason": found.record.reason,
        "replaced": found.replaced,
        "rules": rules,
        "open_periods": frozenset[str](),
        "agreement": {
            "invoice": facts,
            "settled_by": session.get_one(User, found.record.prepared_by_id),
            "steps": {act: decide_step(standing, act, facts) for act in Act},
        },
        "life": life,
        "deliveries": invoice_deliveries(unit, engagement, invoice),
        "may": allowed(unit, engagement),
        "invoice_payments": life.payments,
        "corrections": corrections_of(unit, engagement, invoice),
        "stages": STAGES,
        "looks": LOOKS,
        "step_words": STEP_WORDS,
    }


def _life(unit: Work, engagement: Engagement, found: Correction) -> InvoiceLife:
    session, invoice = unit.session, found.invoice
    pdf = invoice_copy(session, invoice, DocumentKind.INVOICE_PDF)
    today = local_today(session, engagement, unit.actor.at)
    issued = invoice.state is InvoiceState.ISSUED
    write_offs = sees_write_offs(session, unit.actor, engagement)
    return InvoiceLife(
        steps=steps_of(session, invoice),
        changes=None,
        standing=standings_of(session, [invoice], today, write_offs=write_offs).get(invoice.id),
        payments=payments_of_invoice(session, unit.actor, engagement, invoice.id),
        electronic=(),
        lacking=lacking(read_fee_document(found.stated)),
        pdf_pending=issued and pdf is None,
        template_version=pdf.template_version if pdf else None,
        inputs="",
        out_of_date="",
    )
