"""Whether a billing run could issue an invoice, and what has to be done first where it couldn't."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy.orm import Session

from billing.invoices.approval import decide_step
from billing.invoices.models import FeeInvoice
from billing.invoices.values import Act, InvoiceState
from billing.runs.values import Readiness
from billing.settlement.acceptance import facts_of_invoice
from billing.settlement.models import SettlementRecord
from billing.settlement.service import require_over
from billing.settlement.spans import invoiced_later
from governance.access import Actor
from governance.contract.document import Contract
from governance.contract.reading import read_contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import standing_of
from governance.engagements.versions import contract_in_force
from governance.errors import BadInput, Conflict
from governance.values import Period

_ELSEWHERE = "the provider's own system bills this engagement"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run would do, and why nothing or not yet."""

    readiness: Readiness
    why: str = ""


@lru_cache(maxsize=2048)
def _terms(document: bytes, file_name: str) -> Contract:
    """Documents never change, and a preview reads one for each engagement."""
    return read_contract(document, file_name)


def terms_of(version: ContractVersion) -> Contract:
    """The terms that a stored version states."""
    return _terms(version.document, version.file_name)


def judge_unsettled(
    session: Session, actor: Actor, engagement: Engagement, month: Period
) -> Judged:
    """What a run would do where nobody has settled the month: nothing, or not yet."""
    try:
        contract = terms_of(contract_in_force(session, engagement, month.end))
    except BadInput:
        return Judged(Readiness.NOT_DUE, f"the engagement hadn't begun in {month.label}")
    ends = contract.engagement.ends
    if contract.engagement.starts > month.end or (ends is not None and ends < month.start):
        return Judged(Readiness.NOT_DUE, f"the engagement doesn't run in {month.label}")
    if contract.invoicing.supplied_by == "provider":
        return Judged(Readiness.NOT_DUE, _ELSEWHERE)
    try:
        require_over(contract, month, actor.at)
    except Conflict as error:
        return Judged(Readiness.NOT_DUE, str(error))
    return Judged(Readiness.BLOCKED, "the period isn't settled yet")


def judge_settled(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: SettlementRecord,
    invoice: FeeInvoice,
) -> Judged:
    """The same for a settled period, by its invoice and what the actor may do with it."""
    if invoice.state is InvoiceState.ISSUED:
        return Judged(Readiness.ISSUED, f"issued as {invoice.number}")
    contract = terms_of(session.get_one(ContractVersion, row.contract_version_id))
    if contract.invoicing.supplied_by == "provider":
        return Judged(Readiness.NOT_DUE, _ELSEWHERE)
    if later := invoiced_later(contract, Period(row.period_start, row.period_end)):
        return Judged(Readiness.NOT_DUE, later)
    return _by_state(session, actor, engagement, row, invoice)


def _by_state(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: SettlementRecord,
    invoice: FeeInvoice,
) -> Judged:
    """By how far the invoice is, and whether the actor may take the steps that are left."""
    facts = facts_of_invoice(session, engagement, row, invoice)
    standing = standing_of(session, actor, engagement)
    approves = invoice.state is InvoiceState.CHECKED
    if approves:
        approve = decide_step(standing, Act.APPROVE, facts)
        if not approve.allowed:
            return Judged(Readiness.BLOCKED, approve.why)
        facts = replace(facts, state=InvoiceState.APPROVED)
    issue = decide_step(standing, Act.ISSUE, facts)
    if not issue.allowed:
        return Judged(Readiness.BLOCKED, issue.why)
    return Judged(Readiness.APPROVE if approves else Readiness.ISSUE)
