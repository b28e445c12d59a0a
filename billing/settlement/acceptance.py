"""The client's yes to a period's figures, and what both sides have to do before its invoice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.drafts import invoice_of
from billing.invoices.models import InvoiceState
from billing.settlement.models import FiguresAcceptance, SettlementRecord
from billing.settlement.queries import find_settlement
from governance.access import (
    Actor,
    Decision,
    Item,
    Permission,
    Side,
    Standing,
    State,
    Verdict,
    decide,
)
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import lock_engagement, require, standing_of
from governance.engagements.versions import contract_in_force, is_accepted
from governance.errors import Conflict
from governance.parties.models import User
from governance.values import Period, money_text


def acceptance_of(session: Session, row: SettlementRecord) -> FiguresAcceptance | None:
    """The client's acceptance of a settlement's figures; None while there is none."""
    return session.scalars(
        select(FiguresAcceptance).where(col(FiguresAcceptance.settlement_id) == row.id)
    ).one_or_none()


def state_of_period(session: Session, row: SettlementRecord | None) -> State:
    """Where a period is, by its current settlement; None is a period that nobody settled."""
    if row is None:
        return State.OPEN
    if invoice_of(session, row).state is InvoiceState.ISSUED:
        return State.ISSUED
    return State.SETTLED if acceptance_of(session, row) is None else State.ACCEPTED


def item_of_figures(session: Session, row: SettlementRecord) -> Item:
    """What the policy asks of a period's figures."""
    return Item(state_of_period(session, row), row.settled_by_id, Side.PROVIDER)


def item_of_invoice(session: Session, row: SettlementRecord) -> Item:
    """What the policy asks of its invoice: the version of the contract must be agreed, too."""
    state = state_of_period(session, row)
    version = session.get_one(ContractVersion, row.contract_version_id)
    if state is State.ACCEPTED and not is_accepted(session, version):
        state = State.PROPOSED
    return Item(state, row.settled_by_id, Side.PROVIDER)


def accept_figures(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    *,
    settlement_id: int | None = None,
) -> FiguresAcceptance:
    """Agree, for the client, to the figures of a period's current settlement.

    `settlement_id` is the settlement that the person has seen, where that is known.

    Raises NotFound where the period isn't settled, Forbidden for the provider's people and who
    settled it, Conflict where the figures are accepted already or others than those seen.
    """
    require(session, actor, engagement, Permission.ACCEPT_FIGURES)
    lock_engagement(session, engagement)
    row = find_settlement(session, actor, engagement, period)
    if settlement_id is not None and settlement_id != row.id:
        raise Conflict(
            f"{period.label} was settled anew since you looked; read the new figures first"
        )
    require(session, actor, engagement, Permission.ACCEPT_FIGURES, item_of_figures(session, row))
    accepted = FiguresAcceptance(
        settlement_id=row.id, accepted_at=actor.at, accepted_by_id=actor.signed_in_id
    )
    session.add(accepted)
    session.flush()
    _record(session, actor, engagement, row)
    return accepted


def _record(session: Session, actor: Actor, engagement: Engagement, row: SettlementRecord) -> None:
    period = Period(row.period_start, row.period_end)
    invoice = invoice_of(session, row)
    payable = invoice.money(invoice.payable_minor)
    after = {
        "state": State.ACCEPTED.value,
        "settled_by": str(row.settled_by_id),
        "currency": payable.currency,
        "payable": money_text(payable.amount, payable.currency),
    }
    record(
        session,
        actor,
        Change(
            Action.FIGURES_ACCEPTED,
            "settlement",
            row.id,
            f"{engagement.reference} {period.label}",
            engagement.id,
            {"state": State.SETTLED.value},
            after,
        ),
    )


def overtaken(session: Session, engagement: Engagement, row: SettlementRecord) -> str:
    """Why a settlement has to be made again: another version governs its days; else empty.

    Both sides may have agreed to that version since the period was settled.
    """
    period = Period(row.period_start, row.period_end)
    version = session.get_one(ContractVersion, row.contract_version_id)
    governing = contract_in_force(session, engagement, period.end)
    if governing.id == version.id:
        return ""
    return (
        f"version {governing.number} of the contract governs {period.label} now, and the"
        f" figures follow from version {version.number}; settle the period again"
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far both sides are with a settled period, and what the one who looks may do now."""

    state: State
    settled_by: User
    acceptance: FiguresAcceptance | None
    accepted_by: User | None
    contract_accepted: bool
    accept: Decision
    """Whether they may accept the figures."""
    issue: Decision
    """Whether they may issue the invoice."""
    settle: Decision
    """Whether they may settle the period anew."""


def agreement_of(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> Agreement:
    """The same for a period's current settlement; NotFound where it was never settled."""
    row = find_settlement(session, actor, engagement, period)
    acceptance = acceptance_of(session, row)
    accepted_by = session.get_one(User, acceptance.accepted_by_id) if acceptance else None
    figures = item_of_figures(session, row)
    standing = standing_of(session, actor, engagement)
    version = session.get_one(ContractVersion, row.contract_version_id)
    return Agreement(
        state=state_of_period(session, row),
        settled_by=session.get_one(User, row.settled_by_id),
        acceptance=acceptance,
        accepted_by=accepted_by,
        contract_accepted=is_accepted(session, version),
        accept=decide(standing, Permission.ACCEPT_FIGURES, figures),
        issue=_issuing(session, engagement, row, standing),
        settle=decide(standing, Permission.SETTLE_PERIOD, figures),
    )


def _issuing(
    session: Session, engagement: Engagement, row: SettlementRecord, standing: Standing
) -> Decision:
    found = decide(standing, Permission.ISSUE_INVOICE, item_of_invoice(session, row))
    why = overtaken(session, engagement, row) if found.allowed else ""
    return Decision(Verdict.NOT_NOW, why) if why else found
