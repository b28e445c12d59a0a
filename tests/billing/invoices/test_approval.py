"""The life of an invoice as a machine: no path skips a state, and nobody approves their own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.approval import (
    STEPS,
    InvoiceFacts,
    decide_step,
    limit_of,
    next_state,
    over_limit,
    why_not,
)
from billing.invoices.values import Act, InvoiceState
from governance.access import ENGAGEMENT_ROLES, Permission, Role, Standing, State, Verdict
from governance.contract.invoicing import ApprovalLimit
from governance.errors import Conflict, Forbidden

_SETTLER, _CHECKER, _OTHER = 1, 2, 3
_FINANCE = frozenset({Role.PROVIDER_FINANCE})
_READY = InvoiceFacts(
    InvoiceState.CHECKED, State.SEALED, _SETTLER, _CHECKER, Decimal("1079.03"), "EUR"
)
_APPROVE = Permission.APPROVE_INVOICE


def _limits(**up_to: str) -> tuple[ApprovalLimit, ...]:
    return tuple(ApprovalLimit(role=Role(role), up_to=Decimal(v)) for role, v in up_to.items())


@given(st.lists(st.sampled_from(Act), max_size=12))
def test_whatever_people_try_no_state_is_skipped(tried: list[Act]) -> None:
    """Issued is reached only with a check and an approval that nobody took back."""
    state, held = InvoiceState.DRAFT, list[Act]()
    for act in tried:
        if (state, act) not in STEPS:
            assert why_not(state, act)
            with pytest.raises(Conflict):
                next_state(state, act)
            continue
        state = next_state(state, act)
        held = held[:-1] if act.value.startswith("take_back") else [*held, act]
    expected = {
        InvoiceState.DRAFT: [],
        InvoiceState.CHECKED: [Act.CHECK],
        InvoiceState.APPROVED: [Act.CHECK, Act.APPROVE],
        InvoiceState.ISSUED: [Act.CHECK, Act.APPROVE, Act.ISSUE],
    }
    if state is InvoiceState.SUPERSEDED:
        assert held in ([Act.SUPERSEDE], [Act.CHECK, Act.SUPERSEDE])
    else:
        assert held == expected[state]


def test_nothing_leads_away_from_the_end() -> None:
    ends = {InvoiceState.ISSUED, InvoiceState.SUPERSEDED}
    assert not [state for state, _ in STEPS if state in ends]


@given(
    user=st.sampled_from([_SETTLER, _CHECKER, _OTHER]),
    roles=st.frozensets(st.sampled_from(ENGAGEMENT_ROLES)),
    act=st.sampled_from(Act),
    state=st.sampled_from(InvoiceState),
    period=st.sampled_from(State),
    outdated=st.sampled_from(["", "settle again"]),
)
def test_what_is_allowed_always_keeps_the_rules(
    user: int,
    roles: frozenset[Role],
    act: Act,
    state: InvoiceState,
    period: State,
    outdated: str,
) -> None:
    facts = replace(_READY, state=state, period=period, outdated=outdated)
    answer = decide_step(Standing(user, roles), act, facts)
    if not answer.allowed:
        assert answer.why
        return
    assert (state, act) in STEPS
    if act in {Act.CHECK, Act.APPROVE, Act.ISSUE}:
        assert not outdated
    if act in {Act.APPROVE, Act.ISSUE}:
        assert period is State.SEALED
        assert user != _SETTLER
    if act is Act.APPROVE:
        assert user == _OTHER


@pytest.mark.parametrize(
    ("user", "facts", "why"),
    [
        (_SETTLER, _READY, "you settled this period or checked"),
        (_CHECKER, _READY, "you settled this period or checked"),
        (_OTHER, replace(_READY, period=State.AGREED), "hasn't sealed"),
        (_OTHER, replace(_READY, state=InvoiceState.DRAFT), "nobody has checked"),
        (
            _OTHER,
            replace(_READY, state=InvoiceState.APPROVED, last_step="Ada Person, 2026-03-02"),
            r"approved already \(Ada Person, 2026-03-02\)",
        ),
        (_OTHER, replace(_READY, state=InvoiceState.SUPERSEDED), "newer draft"),
        (_OTHER, replace(_READY, outdated="settle it again"), "settle it again"),
        (_OTHER, replace(_READY, limits=_limits(provider_finance="1079.02")), "up to 1079.02 EUR"),
    ],
)
def test_an_approval_says_why_not(user: int, facts: InvoiceFacts, why: str) -> None:
    answer = decide_step(Standing(user, _FINANCE), Act.APPROVE, facts)
    assert answer.verdict is not Verdict.ALLOWED
    with pytest.raises((Conflict, Forbidden), match=why):
        answer.enforce()


def test_an_amount_at_the_limit_is_approved() -> None:
    facts = replace(_READY, limits=_limits(provider_finance="1079.03"))
    assert decide_step(Standing(_OTHER, _FINANCE), Act.APPROVE, facts).allowed


def test_of_several_roles_the_largest_limit_counts() -> None:
    limits = _limits(provider_finance="100", provider_account_manager="500")
    both = {Role.PROVIDER_FINANCE, Role.PROVIDER_ACCOUNT_MANAGER}
    assert limit_of(both, _APPROVE, limits) == 500
    assert limit_of({Role.PROVIDER_FINANCE}, _APPROVE, limits) == 100
    assert limit_of(both, _APPROVE, limits[:1]) is None, "the manager has none"
    assert limit_of({Role.AUDITOR, Role.PROVIDER_FINANCE}, _APPROVE, limits) == 100
    assert limit_of({Role.PROVIDER_FINANCE}, _APPROVE, ()) is None


@given(st.decimals(-1000, 1000, places=2), st.decimals(0, 1000, places=2))
def test_the_sign_of_an_amount_makes_no_difference(amount: Decimal, limit: Decimal) -> None:
    limits = (ApprovalLimit(role=Role.PROVIDER_FINANCE, up_to=limit),)
    refused = over_limit(_FINANCE, _APPROVE, amount, "EUR", limits)
    assert refused == over_limit(_FINANCE, _APPROVE, -amount, "EUR", limits)
    assert bool(refused) is (abs(amount) > limit)


def test_a_draft_is_an_estimate_until_it_is_sealed() -> None:
    assert replace(_READY, period=State.AGREED).estimate
    assert not _READY.estimate
    assert not replace(_READY, state=InvoiceState.ISSUED, period=State.ISSUED).estimate
