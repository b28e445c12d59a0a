"""How far both sides are with a settled period, from the draft to the issued invoice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.invoices.approval import InvoiceFacts, decide_step
from billing.invoices.drafts import invoice_of
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.steps import last_step_of
from billing.invoices.values import Act
from billing.settlement.billed_elsewhere import billed_since
from billing.settlement.claims import overtaken_by_client
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import evidence_of, find_settlement
from billing.settlement.spans import invoiced_later
from governance.access import (
    Actor,
    Decision,
    Item,
    Permission,
    Side,
    Standing,
    State,
    decide,
)
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import standing_of
from governance.engagements.versions import contract_in_force, contract_of, is_accepted
from governance.parties.models import User
from governance.values import Period
from sla.reviews.models import FiguresSubmission
from sla.reviews.queries import (
    ReviewView,
    Seal,
    policy_state,
    review_of,
    seal_of,
    submission_of,
)
from sla.reviews.values import ItemState


def submission_of_row(session: Session, row: SettlementRecord) -> FiguresSubmission | None:
    """The submission of a settlement's figures; None while the provider hasn't made one."""
    return submission_of(session, row.measured_period_id)


def state_of_period(session: Session, row: SettlementRecord | None) -> State:
    """Where a period is, by its current settlement; None is a period that nobody settled."""
    if row is None:
        return State.OPEN
    if invoice_of(session, row).state is InvoiceState.ISSUED:
        return State.ISSUED
    return policy_state(session, submission_of_row(session, row))


def item_of_figures(session: Session, row: SettlementRecord) -> Item:
    """What the policy asks of a period's figures."""
    return Item(state_of_period(session, row), row.settled_by_id, Side.PROVIDER)


def item_of_invoice(session: Session, row: SettlementRecord) -> Item:
    """What the policy asks of its invoice: the version of the contract must be agreed, too."""
    state = state_of_period(session, row)
    version = session.get_one(ContractVersion, row.contract_version_id)
    if state is State.SEALED and not is_accepted(session, version):
        state = State.PROPOSED
    return Item(state, row.settled_by_id, Side.PROVIDER)


def facts_of_invoice(
    session: Session,
    engagement: Engagement,
    row: SettlementRecord,
    invoice: FeeInvoice | None = None,
    why: str | None = None,
) -> InvoiceFacts:
    """What the policy asks of the invoice of a settlement.

    `invoice` and `why`, what `overtaken` answers, where they are at hand.
    """
    invoice = invoice or invoice_of(session, row)
    why = overtaken(session, engagement, row) if why is None else why
    contract = contract_of(session.get_one(ContractVersion, row.contract_version_id))
    period = Period(row.period_start, row.period_end)
    payable: Decimal = invoice.money(invoice.payable_minor).amount
    return InvoiceFacts(
        state=invoice.state,
        period=item_of_invoice(session, row).state or State.OPEN,
        settled_by=row.settled_by_id,
        checked_by=invoice.checked_by_id,
        payable=payable,
        currency=invoice.currency,
        limits=contract.invoicing.approval_limits,
        outdated=why or _billed_by_provider(contract) or invoiced_later(contract, period),
        last_step=last_step_of(session, invoice),
    )


def _billed_by_provider(contract: Contract) -> str:
    supplied_by = contract.invoicing.supplied_by
    return "the provider bills from its own system" if supplied_by == "provider" else ""


def overtaken(session: Session, engagement: Engagement, row: SettlementRecord) -> str:
    """Why a settlement has to be made again: another version governs its days; else empty.

    Both sides may have agreed to that version since the period was settled, or the client has
    said which misses are of one incident, or another period was sealed that may bill the same
    rows. Once the figures
    are sealed, they stay with the version that was sealed.
    """
    if seal_of(session, row.measured_period_id) is not None:
        return ""
    period = Period(row.period_start, row.period_end)
    version = session.get_one(ContractVersion, row.contract_version_id)
    governing = contract_in_force(session, engagement, period.end)
    if governing.id == version.id:
        inputs = json.loads(row.inputs_json) if row.inputs_json else None
        tables = evidence_of(session, row)
        return overtaken_by_client(session, engagement, row) or billed_since(
            session, engagement, period, inputs, tables
        )
    return (
        f"version {governing.number} of the contract governs {period.label} now, and the"
        f" figures follow from version {version.number}; settle the period again"
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far both sides are with a settled period, and what the one who looks may do now."""

    state: State
    settled_by: User
    review: ReviewView | None
    """None while nothing of the period was ever submitted."""
    seal: Seal | None
    sealed_by: User | None
    contract_accepted: bool
    overtaken: str
    """Why it must be settled again before it can be submitted or sealed; else empty."""
    submit: Decision
    """Whether they may submit the figures, or take them back."""
    judge: Decision
    """Whether they may agree to figures and contest them."""
    discuss: Decision
    accept: Decision
    """Whether they may seal the figures, once all are agreed."""
    invoice: InvoiceFacts
    steps: Mapping[Act, Decision]
    """Whether they may take each step of the invoice's life."""
    settle: Decision
    """Whether they may settle the period anew."""
    side: Side | None
    """The side that they speak for; None for who acts for both or for none."""
    standing: Standing

    @property
    def issue(self) -> Decision:
        """Whether they may issue the invoice."""
        return self.steps[Act.ISSUE]

    @property
    def in_review(self) -> bool:
        """Whether the current figures are with the client."""
        return self.state in {State.SUBMITTED, State.UNDER_REVIEW, State.AGREED}

    @property
    def nothing_contested(self) -> bool:
        """Whether the client could agree to all that is left and seal at once."""
        states = {one.item.state for one in self.review.items} if self.review else set()
        return self.in_review and states <= {ItemState.OPEN, ItemState.AGREED}

    @property
    def waits_for_calculation(self) -> bool:
        """Whether something was decided that the figures don't show yet."""
        decided = self.review.count(ItemState.DECIDED) if self.review else 0
        return self.in_review and decided > 0

    @property
    def may_seal(self) -> bool:
        """Whether they may seal now, agreeing to what is left in the same step."""
        return self.nothing_contested and self.accept.allowed

    def may_answer(self, proposed: Side | None, by: int) -> bool:
        """Whether they may accept or refuse what that side proposes."""
        item = Item(self.state, by, proposed)
        return decide(self.standing, Permission.DECIDE_FIGURES, item).allowed


def agreement_of(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> Agreement:
    """The same for a period's current settlement; NotFound where it was never settled."""
    row = find_settlement(session, actor, engagement, period)
    standing = standing_of(session, actor, engagement)
    version = session.get_one(ContractVersion, row.contract_version_id)
    figures, seal = item_of_figures(session, row), seal_of(session, row.measured_period_id)
    sealable = Item(State.AGREED, _author(session, row), Side.PROVIDER)
    judged = Item(figures.state, sealable.prepared_by, Side.PROVIDER)
    why = overtaken(session, engagement, row)
    facts = facts_of_invoice(session, engagement, row, why=why)
    return Agreement(
        state=state_of_period(session, row),
        settled_by=session.get_one(User, row.settled_by_id),
        review=review_of(session, engagement, period),
        seal=seal,
        sealed_by=session.get_one(User, seal.sealed_by_id) if seal else None,
        contract_accepted=is_accepted(session, version),
        overtaken=why,
        submit=decide(standing, Permission.SUBMIT_FIGURES, figures),
        judge=decide(standing, Permission.REVIEW_FIGURES, judged),
        discuss=decide(standing, Permission.DISCUSS_FIGURES, figures),
        accept=decide(standing, Permission.ACCEPT_FIGURES, sealable),
        invoice=facts,
        steps={act: decide_step(standing, act, facts) for act in Act},
        settle=decide(standing, Permission.SETTLE_PERIOD, figures),
        side=next(iter(standing.sides)) if len(standing.sides) == 1 else None,
        standing=standing,
    )


def _author(session: Session, row: SettlementRecord) -> int:
    """Whose figures they are: who submitted them, before that who settled the period."""
    submission = submission_of_row(session, row)
    return submission.submitted_by_id if submission else row.settled_by_id
