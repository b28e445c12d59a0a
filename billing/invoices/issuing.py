"""Issue fee invoices: prepared without locks, then numbered and frozen in a short transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from billing.e_invoices.made import e_invoices_of
from billing.invoices.approval import decide_step
from billing.invoices.approving import locked_invoice
from billing.invoices.drafts import invoice_of
from billing.invoices.fee_document import read_fee_document
from billing.invoices.models import FeeInvoice
from billing.invoices.series import take_number
from billing.invoices.steps import take_step
from billing.invoices.values import Act
from billing.settlement.acceptance import facts_of_invoice
from billing.settlement.documents import header_json, header_of
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.queries import documents_of, find_settlement
from billing.settlement.recomputing import sealed_settlement
from billing.settlement.service import Workshop, figures_of, require_over
from billing.settlement.spans import invoiced_later
from billing.settlement.values import Settlement
from governance.access import Actor, Permission
from governance.audit.checkpoints import Checkpoint
from governance.audit.models import Action
from governance.audit.sequencing import latest_state
from governance.audit.service import Change, record
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from governance.values import Period, money_text
from governance.zones import local_day


@dataclass(frozen=True, slots=True)
class Prepared:
    """An invoice whose figures were computed again and hold; small enough for a queue."""

    engagement_id: int
    settlement_id: int
    invoice_id: int
    period: Period
    contract: Contract
    """The version that was sealed with the figures."""
    figures: bytes = field(repr=False)
    """The invoice's JSON before its number."""
    digests: Mapping[str, str]
    """The settlement's documents as they were read, by file name."""


def prepare_issue(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> Prepared:
    """Compute a period's invoice again from what was sealed, and hold it to what is stored.

    Nothing is locked or written, so that many can be prepared at once, before or after they are
    approved. Raises NotFound where the period isn't settled; Forbidden without the permission;
    Conflict where the figures aren't sealed, the period isn't over, a later month's invoice
    charges it or the figures no longer come out the same.
    """
    return prepare_with_settlement(session, actor, engagement, period, workshop)[0]


def prepare_with_settlement(
    session: Session, actor: Actor, engagement: Engagement, period: Period, workshop: Workshop
) -> tuple[Prepared, Settlement]:
    """The same, with the settlement for whoever renders it at once."""
    require(session, actor, engagement, Permission.ISSUE_INVOICE)
    row = find_settlement(session, actor, engagement, period)
    settlement = sealed_settlement(session, engagement, row, workshop)
    contract = settlement.contract
    require_over(contract, period, actor.at)
    if later := invoiced_later(contract, period):
        raise Conflict(later)
    documents = documents_of(session, row)
    figures = figures_of(settlement)
    check_unchanged(figures, documents)
    prepared = Prepared(
        engagement.id,
        row.id,
        invoice_of(session, row).id,
        period,
        contract,
        figures[DocumentKind.INVOICE],
        {kind.value: one.sha256 for kind, one in documents.items()},
    )
    return prepared, settlement


def check_unchanged(
    figures: Mapping[DocumentKind, bytes], documents: Mapping[DocumentKind, SettlementDocument]
) -> None:
    """Conflict where what was computed again isn't what is stored."""
    for kind, data in figures.items():
        stored = documents[kind]
        if digest(data) != stored.sha256 and not _still_says(stored, data):
            raise Conflict(
                f"{kind.value} no longer comes out as it was settled; settle the period again"
            )


def _still_says(stored: SettlementDocument, fresh: bytes) -> bool:
    """Whether a document of an earlier release states the same, in fewer keys or other words."""
    if digest(stored.data) != stored.sha256:
        return False
    return _within(json.loads(stored.data), json.loads(fresh))


_SENTENCES = {"why", "text"}
"""Keys whose values say in words how a figure came about; a release may word them anew."""


def _within(stored: Any, fresh: Any) -> bool:
    if isinstance(stored, dict) and isinstance(fresh, dict):
        figures = stored.keys() - _SENTENCES
        return all(key in fresh and _within(stored[key], fresh[key]) for key in figures)
    if isinstance(stored, list) and isinstance(fresh, list):
        pairs = zip(stored, fresh, strict=False)
        return len(stored) == len(fresh) and all(_within(one, other) for one, other in pairs)
    return bool(stored == fresh)


def commit_issue(
    session: Session, actor: Actor, engagement: Engagement, prepared: Prepared
) -> FeeInvoice:
    """Number a prepared invoice and freeze its figures; its PDF is made afterwards.

    The number comes last and under a lock, so that a failure skips none. Raises Forbidden for who
    may not issue it; Conflict where it isn't approved, is issued already, or the period was
    settled anew since it was prepared.
    """
    lock_engagement(session, engagement)
    row = find_settlement(session, actor, engagement, prepared.period)
    invoice = locked_invoice(session, row)
    facts = facts_of_invoice(session, engagement, row, invoice)
    decide_step(standing_of(session, actor, engagement), Act.ISSUE, facts).enforce()
    documents = documents_of(session, row)
    _check_prepared(row, documents, prepared)
    # Read once, as others are sequenced meanwhile: row and document state the same checkpoint.
    log = latest_state(session)
    _number(session, actor, invoice, prepared, log)
    _freeze(session, invoice, documents, prepared, log)
    record_issue(session, actor, engagement, invoice)
    return invoice


def _check_prepared(
    row: SettlementRecord,
    documents: Mapping[DocumentKind, SettlementDocument],
    prepared: Prepared,
) -> None:
    digests = {kind.value: one.sha256 for kind, one in documents.items()}
    if row.id != prepared.settlement_id or digests != prepared.digests:
        raise Conflict("the period was settled anew meanwhile; look at the newer draft")


def _number(
    session: Session,
    actor: Actor,
    invoice: FeeInvoice,
    prepared: Prepared,
    log: Checkpoint | None,
) -> None:
    issued_on = local_day(prepared.contract.engagement.time_zone, actor.at)
    invoicing = prepared.contract.invoicing
    taken = take_number(session, invoice.provider_id, invoicing.number, issued_on)
    header = header_of(prepared.contract, taken.number, issued_on)
    invoice.series_id, invoice.sequence = taken.series_id, taken.sequence
    invoice.number = taken.number
    invoice.issued_on, invoice.due_on = header.issued_on, header.due_on
    invoice.log_size = log.size if log else None
    take_step(session, actor, invoice, Act.ISSUE)
    session.flush()


def _freeze(
    session: Session,
    invoice: FeeInvoice,
    documents: Mapping[DocumentKind, SettlementDocument],
    prepared: Prepared,
    log: Checkpoint | None,
) -> None:
    """The invoice is written anew with its header; from now on none of its documents can change.

    The draft's PDF goes: until the issued one is made, there is none.
    """
    assert invoice.number and invoice.issued_on  # noqa: S101, PT018 (it was numbered before)
    header = header_of(prepared.contract, invoice.number, invoice.issued_on, log)
    stated = json.loads(prepared.figures) | header_json(header)
    _write(documents[DocumentKind.INVOICE], canonical_json(stated))
    for kind, document in documents.items():
        document.frozen = kind is not DocumentKind.INVOICE_PDF
    pdf = documents[DocumentKind.INVOICE_PDF]
    _write(pdf, b"")
    pdf.template_version = None
    session.add_all(_electronic(pdf.settlement_id, stated))
    session.flush()


def _electronic(settlement_id: int, stated: Mapping[str, Any]) -> Iterator[SettlementDocument]:
    """The electronic forms; none where the contract lacks what its profile needs."""
    made = e_invoices_of(read_fee_document(stated))
    forms = {DocumentKind.INVOICE_CII: made.cii, DocumentKind.INVOICE_UBL: made.ubl}
    for kind, data in forms.items():
        if data is not None:
            yield SettlementDocument(
                settlement_id=settlement_id, kind=kind, sha256=digest(data), data=data, frozen=True
            )


def _write(document: SettlementDocument, data: bytes) -> None:
    document.data, document.sha256 = data, digest(data)


def record_issue(
    session: Session, actor: Actor, engagement: Engagement, invoice: FeeInvoice
) -> None:
    """The audit entry of an invoice that was numbered."""
    amount = invoice.money(invoice.payable_minor)
    after = {"number": invoice.number, "payable": money_text(amount.amount, amount.currency)}
    change = Change(
        Action.INVOICE_ISSUED,
        "fee_invoice",
        invoice.id,
        invoice.number or "",
        engagement.id,
        {"state": "approved"},
        after,
    )
    record(session, actor, change)
