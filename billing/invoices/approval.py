"""Who may take which step of an invoice's life, as pure functions of frozen values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from billing.invoices.values import Act, InvoiceState
from governance.access import (
    Decision,
    Item,
    Permission,
    Role,
    Side,
    Standing,
    State,
    Verdict,
    decide,
    permits,
)
from governance.contract.invoicing import ApprovalLimit
from governance.errors import Conflict
from governance.values import money_text

STEPS: Final[Mapping[tuple[InvoiceState, Act], InvoiceState]] = {
    (InvoiceState.DRAFT, Act.CHECK): InvoiceState.CHECKED,
    (InvoiceState.CHECKED, Act.TAKE_BACK_CHECK): InvoiceState.DRAFT,
    (InvoiceState.CHECKED, Act.APPROVE): InvoiceState.APPROVED,
    (InvoiceState.APPROVED, Act.TAKE_BACK_APPROVAL): InvoiceState.CHECKED,
    (InvoiceState.APPROVED, Act.ISSUE): InvoiceState.ISSUED,
    (InvoiceState.DRAFT, Act.SUPERSEDE): InvoiceState.SUPERSEDED,
    (InvoiceState.CHECKED, Act.SUPERSEDE): InvoiceState.SUPERSEDED,
}
"""The whole life: a step that isn't here is never taken."""
_PERMISSIONS: Final[Mapping[Act, Permission]] = {
    Act.CHECK: Permission.CHECK_INVOICE,
    Act.TAKE_BACK_CHECK: Permission.CHECK_INVOICE,
    Act.APPROVE: Permission.APPROVE_INVOICE,
    Act.TAKE_BACK_APPROVAL: Permission.APPROVE_INVOICE,
    Act.ISSUE: Permission.ISSUE_INVOICE,
    Act.SUPERSEDE: Permission.SETTLE_PERIOD,
}
_FORWARD: Final = frozenset({Act.CHECK, Act.APPROVE, Act.ISSUE})
"""Steps that stop where the draft itself is out of date; taking back is always open."""
_NOT_YET: Final[Mapping[InvoiceState, str]] = {
    InvoiceState.DRAFT: "nobody has checked the invoice yet",
    InvoiceState.CHECKED: "the invoice is checked but nobody has approved it yet",
    InvoiceState.APPROVED: "the invoice is approved already",
    InvoiceState.ISSUED: "the invoice is issued already",
    InvoiceState.SUPERSEDED: "the period was settled anew; look at the newer draft",
}
_ALREADY: Final[Mapping[tuple[Act, InvoiceState], str]] = {
    (Act.CHECK, InvoiceState.CHECKED): "the invoice is checked already",
    (Act.TAKE_BACK_CHECK, InvoiceState.APPROVED): (
        "the invoice is approved; take the approval back first"
    ),
    (Act.TAKE_BACK_APPROVAL, InvoiceState.CHECKED): "the invoice isn't approved",
    (Act.TAKE_BACK_CHECK, InvoiceState.DRAFT): "the invoice isn't checked",
    (Act.TAKE_BACK_APPROVAL, InvoiceState.DRAFT): "the invoice isn't approved",
    (Act.SUPERSEDE, InvoiceState.APPROVED): "the invoice is approved and can't be computed again",
}


def next_state(state: InvoiceState, act: Act) -> InvoiceState:
    """Where a step leads; Conflict with the reason where it can't be taken from there."""
    found = STEPS.get((state, act))
    if found is None:
        raise Conflict(why_not(state, act))
    return found


def why_not(state: InvoiceState, act: Act) -> str:
    """Why a step can't be taken from a state; empty where it can."""
    if (state, act) in STEPS:
        return ""
    return _ALREADY.get((act, state), _NOT_YET[state])


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What the policy asks of an invoice."""

    state: InvoiceState
    period: State
    """How far both sides are with its figures; anything before sealed makes it an estimate."""
    settled_by: int
    checked_by: int | None
    payable: Decimal
    currency: str
    limits: tuple[ApprovalLimit, ...] = ()
    outdated: str = ""
    """Why the draft has no future as it is: its inputs changed, or a later invoice charges its
    month; empty where it has."""
    last_step: str = field(default="", compare=False)
    """Who took the last step and when, for whoever comes second."""

    @property
    def estimate(self) -> bool:
        """Whether the figures may still change before it is issued."""
        return self.state is not InvoiceState.ISSUED and self.period is not State.SEALED


def decide_step(standing: Standing, act: Act, facts: InvoiceFacts) -> Decision:
    """Whether a person may take a step now.

    Roles and duties come first: who settled the period or checked the invoice doesn't approve it,
    who settled it doesn't issue it. Then the sealed figures, what makes the draft outdated and the
    state of the invoice, and last, for an approval, the limit of the person's roles.
    """
    found = decide(standing, _PERMISSIONS[act], _item(act, facts))
    if not found.allowed:
        return found
    if act in _FORWARD and facts.outdated:
        return Decision(Verdict.NOT_NOW, facts.outdated)
    if refusal := why_not(facts.state, act):
        done = f" ({facts.last_step})" if facts.last_step else ""
        return Decision(Verdict.NOT_NOW, refusal + done)
    return _within_limit(standing, facts) if act is Act.APPROVE else found


def _item(act: Act, facts: InvoiceFacts) -> Item:
    if act not in {Act.APPROVE, Act.ISSUE}:
        return Item()
    checked = frozenset(() if facts.checked_by is None else (facts.checked_by,))
    others = checked if act is Act.APPROVE else frozenset[int]()
    state = State.ISSUED if facts.state is InvoiceState.ISSUED else facts.period
    return Item(state, facts.settled_by, Side.PROVIDER, others)


def _within_limit(standing: Standing, facts: InvoiceFacts) -> Decision:
    refusal = over_limit(
        standing.roles, Permission.APPROVE_INVOICE, facts.payable, facts.currency, facts.limits
    )
    return Decision(Verdict.FORBIDDEN, refusal) if refusal else Decision(Verdict.ALLOWED)


def limit_of(
    roles: Collection[Role], permission: Permission, limits: Collection[ApprovalLimit]
) -> Decimal | None:
    """The largest amount that the roles approve together; None where one of them has no limit.

    Only roles that carry the permission count, and of several limits the largest.
    """
    agreed: dict[Role, Decimal] = {}
    for one in limits:
        agreed[one.role] = max(one.up_to, agreed.get(one.role, one.up_to))
    approving = [role for role in roles if permits({role}, permission)]
    if not approving or any(role not in agreed for role in approving):
        return None
    return max(agreed[role] for role in approving)


def over_limit(
    roles: Collection[Role],
    permission: Permission,
    amount: Decimal,
    currency: str,
    limits: Collection[ApprovalLimit],
) -> str:
    """Why an amount is more than the roles may approve; empty where it isn't.

    Its sign doesn't count: an invoice by which the provider pays back is approved like another.
    """
    limit = limit_of(roles, permission, limits)
    if limit is None or abs(amount) <= limit:
        return ""
    return (
        f"the contract lets you approve up to {money_text(limit, currency)} {currency}, and this"
        f" is {money_text(abs(amount), currency)}; somebody with a higher limit has to"
    )
