"""Contest differences of a check: the client raises, the provider answers, a credit note resolves.

A contest keeps what was found when it was raised; a later check changes nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.service import checked_reason
from billing.provider_invoices.checking import comparison_of, counting, current_check
from billing.provider_invoices.comparison import Comparison
from billing.provider_invoices.differences import Difference
from billing.provider_invoices.models import (
    ContestState,
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceContest,
    ProviderInvoiceState,
)
from billing.provider_invoices.queries import list_contests
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.translations import translated
from governance.values import Money, Period, money_text, round_money

_LONGEST_NUMBER = 200
_BEYOND = Decimal(10**14)
_GONE = frozenset({ContestState.WITHDRAWN, ContestState.REFUSED})


def contestable(
    result: Comparison, contests: Iterable[ProviderInvoiceContest]
) -> tuple[Difference, ...]:
    """What is billed too much, less what of it is contested already.

    What was withdrawn or refused can be contested again; of a difference that has grown since, the
    rest.
    """
    contested: Counter[str] = Counter()
    for contest in contests:
        if contest.state not in _GONE:
            contested[contest.difference] += contest.amount_minor
    left = (
        replace(one, amount=one.amount - Money(contested[one.key], result.currency).amount)
        for one in result.differences
    )
    return tuple(one for one in left if one.amount > 0)


def raise_contests(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    period: Period,
    keys: Collection[str] | None = None,
) -> tuple[ProviderInvoiceContest, ...]:
    """Contest differences of a period's current check by their keys; None is all that can be.

    The documents that they are of are contested with them; what no document bills is contested
    with the first one. Raises Conflict where the period isn't checked or nothing is left to
    contest, BadInput for a difference that isn't there or contested already.
    """
    require(session, actor, engagement, Permission.CHECK_PROVIDER_INVOICE)
    lock_engagement(session, engagement)
    check = current_check(session, engagement, period)
    if check is None:
        raise Conflict(f"{period.label} isn't checked yet")
    result = comparison_of(check)
    free = {
        one.key: one
        for one in contestable(result, list_contests(session, actor, engagement, period))
    }
    unknown = sorted(set(keys or ()) - free.keys())
    if unknown:
        what = "this isn't billed too much any more, or is contested already"
        raise BadInput(Problem(what, column="difference", found=one[:200]) for one in unknown)
    chosen = [one for key, one in free.items() if keys is None or key in keys]
    if not chosen:
        raise Conflict("nothing is left to contest")
    for one in chosen:
        _check_size(one)
    language = contract_of(agreed_contract(session, engagement)).invoicing.language
    raised = tuple(
        _raised(session, actor, engagement, check, one, language, result.documents[0])
        for one in chosen
    )
    _mark(session, actor, engagement, period, {one.document for one in raised})
    return raised


def _check_size(one: Difference) -> None:
    """Stated quantities and prices may come to more than anybody could owe."""
    if one.amount >= _BEYOND:
        what = "this amount is too large to be contested; send the invoice back"
        raise BadInput.one(Problem(what, column="difference", found=one.title[:200]))


def _raised(  # noqa: PLR0917 (a difference and where it is contested)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    check: ProviderInvoiceCheck,
    one: Difference,
    language: str,
    first: str,
) -> ProviderInvoiceContest:
    last = session.scalars(
        select(func.max(col(ProviderInvoiceContest.number))).where(
            col(ProviderInvoiceContest.engagement_id) == engagement.id
        )
    ).one()
    row = ProviderInvoiceContest(
        engagement_id=engagement.id,
        number=(last or 0) + 1,
        check_id=check.id,
        difference=one.key,
        document=one.document or first,
        title=translated(one.title, language),
        clause=one.clause,
        reason=one.reason(language),
        currency=check.currency,
        amount_minor=Money.of(one.amount, check.currency).minor,
        state=ContestState.OPEN,
        raised_at=actor.at,
        raised_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, engagement, row, Action.CONTEST_RAISED, row.reason)
    return row


def _mark(
    session: Session, actor: Actor, engagement: Engagement, period: Period, numbers: set[str]
) -> None:
    """The documents as contested; an approval is overtaken by that."""
    for row in counting(session, engagement, period):
        if row.number in numbers and row.state is not ProviderInvoiceState.CONTESTED:
            before, row.state, row.remark = row.state, ProviderInvoiceState.CONTESTED, ""
            row.decided_at, row.decided_by_id = actor.at, actor.signed_in_id
            session.flush()
            _note_state(session, actor, engagement, row, before)


def _note_state(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: ProviderInvoice,
    before: ProviderInvoiceState,
) -> None:
    change = Change(
        Action.PROVIDER_INVOICE_CONTESTED,
        "provider_invoice",
        row.id,
        f"{engagement.reference} {row.number}",
        engagement.id,
        {"state": before.value},
        {"state": row.state.value},
    )
    record(session, actor, change)


def get_contest(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ProviderInvoiceContest:
    """One contest by its number within the engagement; NotFound for an unknown one."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.scalars(
        select(ProviderInvoiceContest)
        .where(
            col(ProviderInvoiceContest.engagement_id) == engagement.id,
            col(ProviderInvoiceContest.number) == number,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"{engagement.reference} contests nothing as PC-{number}")
    return row


def _locked(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    permission: Permission,
    *states: ContestState,
) -> ProviderInvoiceContest:
    """The contest under the engagement's lock; Conflict unless it is in one of the states."""
    require(session, actor, engagement, permission)
    lock_engagement(session, engagement)
    row = get_contest(session, actor, engagement, number)
    if row.state not in states:
        raise Conflict(f"{row.reference} is {row.state.value} already")
    return row


def answer_contest(  # noqa: PLR0917 (a contest and the answer's parts)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    number: int,
    accepted: Decimal,
    answer: str,
) -> ProviderInvoiceContest:
    """Answer for the provider: accept an amount, with tax where the difference is of tax, or 0.

    What is accepted waits for the provider's credit note. Raises NotFound, Conflict where it was
    answered or withdrawn, BadInput without words or for more than is contested.
    """
    permission = Permission.RESOLVE_DISPUTE
    row = _locked(session, actor, engagement, number, permission, ContestState.OPEN)
    whole = row.amount.amount
    if not 0 <= accepted <= whole or round_money(accepted, row.currency) != accepted:
        allowed = f"0 to {money_text(whole, row.currency)}"
        what = "no more can be accepted than is contested"
        raise BadInput.one(Problem(what, column="amount", found=str(accepted), allowed=allowed))
    row.answer = checked_reason(answer, "answer")
    row.accepted_minor = Money.of(accepted, row.currency).minor
    row.state = ContestState.ACCEPTED if accepted else ContestState.REFUSED
    row.answered_at, row.answered_by_id = actor.at, actor.signed_in_id
    session.flush()
    _note(session, actor, engagement, row, Action.CONTEST_ANSWERED, row.answer)
    return row


def withdraw_contest(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> ProviderInvoiceContest:
    """Take a contest back before it is answered, for the client; Conflict afterwards.

    A document of which nothing else is contested is open again.
    """
    permission = Permission.CHECK_PROVIDER_INVOICE
    row = _locked(session, actor, engagement, number, permission, ContestState.OPEN)
    row.state = ContestState.WITHDRAWN
    row.closed_at, row.closed_by_id = actor.at, actor.signed_in_id
    session.flush()
    _note(session, actor, engagement, row, Action.CONTEST_WITHDRAWN)
    _reopen(session, actor, engagement, row)
    return row


def _reopen(
    session: Session, actor: Actor, engagement: Engagement, contest: ProviderInvoiceContest
) -> None:
    check = session.get_one(ProviderInvoiceCheck, contest.check_id)
    others = list_contests(session, actor, engagement, check.period)
    if any(
        one.document == contest.document and one.state is not ContestState.WITHDRAWN
        for one in others
    ):
        return
    for row in counting(session, engagement, check.period):
        if row.number == contest.document and row.state is ProviderInvoiceState.CONTESTED:
            before, row.state = row.state, ProviderInvoiceState.OPEN
            row.decided_at = row.decided_by_id = None
            session.flush()
            _note_state(session, actor, engagement, row, before)


def resolve_contest(
    session: Session, actor: Actor, engagement: Engagement, number: int, credit_note: str
) -> ProviderInvoiceContest:
    """Note, for the client, that what was accepted was credited, and by which credit note.

    Raises NotFound, Conflict where nothing is accepted, BadInput without a number.
    """
    permission = Permission.CHECK_PROVIDER_INVOICE
    row = _locked(session, actor, engagement, number, permission, ContestState.ACCEPTED)
    stated = checked_reason(credit_note, "credit_note")
    if len(stated) > _LONGEST_NUMBER:
        allowed = f"1 to {_LONGEST_NUMBER} characters"
        raise BadInput.one(
            Problem("this number is too long", column="credit_note", allowed=allowed)
        )
    row.credited_by, row.state = stated, ContestState.RESOLVED
    row.closed_at, row.closed_by_id = actor.at, actor.signed_in_id
    session.flush()
    _note(session, actor, engagement, row, Action.CONTEST_RESOLVED)
    return row


def _note(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: ProviderInvoiceContest,
    action: Action,
    reason: str = "",
) -> None:
    def money(minor: int | None) -> str | None:
        if minor is None:
            return None
        return money_text(Money(minor, row.currency).amount, row.currency)

    after: Mapping[str, str | None] = {
        "state": row.state.value,
        "invoice": row.document,
        "what": row.title,
        "currency": row.currency,
        "amount": money(row.amount_minor),
        "accepted": money(row.accepted_minor),
        "credit_note": row.credited_by,
    }
    label = f"{engagement.reference} {row.reference}"
    change = Change(
        action, "provider_invoice_contest", row.id, label, engagement.id, None, after, reason
    )
    record(session, actor, change)
