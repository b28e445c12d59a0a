"""The kinds of runs of a provider: bill a month, prepare its drafts, collect its reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from billing.invoices.approving import approve_invoice, locked_invoice
from billing.invoices.issuing import Prepared, commit_issue, prepare_issue
from billing.invoices.models import FeeInvoice
from billing.invoices.rendering import PdfSource, RenderedPdf, keep_pdf, pdf_source
from billing.invoices.values import InvoiceState
from billing.runs.packs import PACK, PACKS, DrawPack, PackStep
from billing.runs.preview import BILLING, settled_in
from billing.runs.readiness import judge_settled, judge_unsettled, terms_of
from billing.runs.values import Readiness
from billing.settlement.coverage import coverage_findings
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import document_of, find_settlement
from billing.settlement.service import (
    ComputedPeriod,
    DrawnPeriod,
    Workshop,
    compute_period,
    keep_period,
)
from governance.access import Actor, Permission
from governance.calendars import calendars_of
from governance.engagements.models import Engagement
from governance.engagements.versions import contract_in_force
from governance.errors import Conflict
from governance.runs.kinds import RunKind, Step
from governance.runs.values import ItemState, Result, Task
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.service import as_file, counting_tables

DRAFTS: Final = "drafts"
ISSUE: Final = "issue"
DRAW: Final = "draw"
SETTLE: Final = "settle"
_BILLED_AT_ONCE: Final = 20
_SETTLED_AT_ONCE: Final = 4
"""Computed settlements are kept in memory until their documents are drawn."""
Draw = Callable[[PdfSource], RenderedPdf]
"""A function of a module that draws an invoice, in a process that has no database."""
DrawPeriod = Callable[[ComputedPeriod], DrawnPeriod]
"""The same for the documents of a settled period."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What draws documents, in processes that have no database."""

    invoice: Draw
    period: DrawPeriod
    pack: DrawPack


def kinds(workshop: Workshop, draw: Drawing) -> Mapping[str, RunKind]:
    """All of them, by name."""
    billing: dict[str, Step] = {ISSUE: IssueStep(workshop), DRAW: DrawStep(workshop, draw.invoice)}
    settling: dict[str, Step] = {SETTLE: SettleStep(workshop, draw.period)}
    packing: dict[str, Step] = {PACK: PackStep(workshop, draw.pack)}
    return {
        BILLING: RunKind(BILLING, Permission.RUN_BILLING, billing, _BILLED_AT_ONCE),
        DRAFTS: RunKind(DRAFTS, Permission.SETTLE_PERIOD, settling, _SETTLED_AT_ONCE),
        PACKS: RunKind(PACKS, Permission.SETTLE_PERIOD, packing, _SETTLED_AT_ONCE),
    }


def _skipped(why: str) -> Result:
    return Result(why, ItemState.SKIPPED)


def _invoice(
    session: Session, engagement: Engagement, month: Period
) -> tuple[SettlementRecord, FeeInvoice] | None:
    return settled_in(session, [engagement], month).get(engagement.id)


@dataclass(frozen=True, slots=True)
class IssueStep:
    """Approve an engagement's checked invoice of the month where the starter may, and issue it."""

    workshop: Workshop
    compute: None = None

    def prepare(
        self, session: Session, actor: Actor, engagement: Engagement, task: Task
    ) -> Prepared | Result:
        """Compute the invoice again; skipped where there is nothing to bill.

        Raises Conflict where something has to be done first, with what the preview says.
        """
        found = _invoice(session, engagement, task.period)
        if found is None:
            judged = judge_unsettled(session, actor, engagement, task.period)
        else:
            judged = judge_settled(session, actor, engagement, *found)
        if judged.readiness in {Readiness.ISSUED, Readiness.NOT_DUE}:
            return _skipped(judged.why)
        if found is None or not judged.readiness.billable:
            raise Conflict(judged.why)
        row, _ = found
        period = Period(row.period_start, row.period_end)
        return prepare_issue(session, actor, engagement, period, self.workshop)

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (a step's signature)
        ready: Prepared,
    ) -> Result:
        """Number and freeze it; skipped where somebody else was faster."""
        row = find_settlement(session, actor, engagement, ready.period)
        invoice = locked_invoice(session, row)
        if invoice.state is InvoiceState.ISSUED:
            return _skipped(f"issued as {invoice.number}")
        if invoice.state is InvoiceState.CHECKED:
            approve_invoice(session, actor, engagement, ready.period)
        return Result(commit_issue(session, actor, engagement, ready).number or "")


@dataclass(frozen=True, slots=True)
class DrawStep:
    """Make the PDF of an invoice that is issued, in a process of its own."""

    workshop: Workshop
    compute: Draw

    def prepare(
        self, session: Session, actor: Actor, engagement: Engagement, task: Task
    ) -> PdfSource | Result:
        """All that is drawn; skipped where no invoice waits for its PDF."""
        found = _invoice(session, engagement, task.period)
        if found is None or found[1].state is not InvoiceState.ISSUED:
            return _skipped("there is no issued invoice")
        row, invoice = found
        if document_of(session, row, DocumentKind.INVOICE_PDF).frozen:
            return _skipped(f"the PDF of {invoice.number} is made already")
        period = Period(row.period_start, row.period_end)
        return pdf_source(session, actor, engagement, period, self.workshop)

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,  # noqa: ARG002 (a step's signature)
        ready: RenderedPdf,
    ) -> Result:
        """Freeze it."""
        kept = keep_pdf(session, actor, engagement, ready)
        return Result(f"PDF of {len(kept.data) // 1000} kB")


@dataclass(frozen=True, slots=True)
class SettleStep:
    """Settle an engagement's month where its evidence is in, so that there is a draft to check."""

    workshop: Workshop
    compute: DrawPeriod

    def prepare(
        self, session: Session, actor: Actor, engagement: Engagement, task: Task
    ) -> Result | ComputedPeriod:
        """Compute the month; skipped where it is settled or isn't due.

        Raises Conflict without evidence of it.
        """
        if _invoice(session, engagement, task.period) is not None:
            return _skipped("settled already")
        judged = judge_unsettled(session, actor, engagement, task.period)
        if judged.readiness is Readiness.NOT_DUE:
            return _skipped(judged.why)
        self._require_evidence(session, engagement, task.period)
        return compute_period(session, actor, engagement, task.period, self.workshop)

    def _require_evidence(self, session: Session, engagement: Engagement, month: Period) -> None:
        tables = counting_tables(session, engagement)
        if not tables:
            raise Conflict("there is no evidence yet: hand some in first")
        frame = terms_of(contract_in_force(session, engagement, month.end)).engagement
        files = [as_file(one, self.workshop.store) for one in tables]
        opened = open_ledger(
            files, frame.currency, calendars=calendars_of(frame), engine=self.workshop.engine
        )
        with opened as ledger:
            missing = coverage_findings(ledger, month)
        if missing:
            raise Conflict(f"no row of the evidence is dated in {month.label}: hand it in first")

    def work(
        self,
        session: Session,
        actor: Actor,
        engagement: Engagement,
        task: Task,
        ready: DrawnPeriod,
    ) -> Result:
        """Store it with its documents; skipped where another was faster."""
        if _invoice(session, engagement, task.period) is not None:
            return _skipped("settled already")
        keep_period(session, actor, engagement, ready, self.workshop.catalogue)
        return Result("settled; its invoice is a draft")
