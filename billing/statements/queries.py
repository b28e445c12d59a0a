"""Ageing, statements and late interest of engagements, for who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from billing.accounting.queries import usual_side
from billing.indexation_series import IndexSeries
from billing.settlement.dated import INDICES, index_series
from billing.statements.ageing import Ageing, ageing
from billing.statements.interest import LateInterest, first_day_late, late_interest
from billing.statements.reading import accounts_of
from billing.statements.statement import Statement, statement
from billing.statements.values import Account
from governance.access import Actor, Permission
from governance.access_terms import Side
from governance.contract.document import Contract
from governance.contract.invoicing import LatePayment
from governance.engagements.models import Engagement
from governance.engagements.queries import require
from governance.engagements.versions import (
    agreed_contract,
    contract_in_force,
    contract_of,
    governing_versions,
)
from governance.errors import BadInput, Forbidden, PlumblineError, Problem
from governance.runs.queries import all_handled
from governance.values import Period
from governance.zones import local_day
from sla.evidence.ledger import open_ledger
from sla.evidence.service import as_file, counting_tables
from sla.evidence.store import EvidenceStore

_LONGEST = 3700
"""Days of a statement: ten years and a bit."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an engagement's statements and reminders follow from."""

    contract: Contract
    """The version that both sides agreed to last."""
    today: date
    """Where the engagement is."""

    @property
    def late_payment(self) -> LatePayment | None:
        """None where late payment costs nothing."""
        return self.contract.invoicing.late_payment


def terms_of(session: Session, engagement: Engagement, actor: Actor) -> Terms:
    """The contract in force today, or the agreed one until any is.

    The caller has checked the permission.
    """
    agreed = agreed_contract(session, engagement)
    today = local_day(contract_of(agreed).engagement.time_zone, actor.at)
    begun = [one for one in governing_versions(session, engagement) if one.effective_from <= today]
    version = contract_in_force(session, engagement, today) if begun else agreed
    return Terms(contract_of(version), today)


def checked_side(
    session: Session, actor: Actor, engagement: Engagement, asked: Side | None = None
) -> Side:
    """The side as which an account is looked at: one's own where none is asked for.

    Raises Forbidden for the client's people who ask for the provider's view: what it has given up
    is its own affair.
    """
    own = usual_side(session, actor, engagement)
    if asked is Side.PROVIDER and own is Side.CLIENT:
        raise Forbidden("this is the provider's view; yours follows from the same documents")
    return asked or own


def account_views(
    session: Session, actor: Actor, engagement: Engagement, side: Side
) -> tuple[Account, ...]:
    """The engagement's accounts as a side has them, one for each currency; one at least.

    The provider's are without what it has written off. Raises as `require` for who may not look.
    """
    require(session, actor, engagement, Permission.VIEW)
    side = checked_side(session, actor, engagement, side)
    found = accounts_of(session, [engagement], write_offs=side is Side.PROVIDER)
    return found or (Account(engagement.reference, engagement.currency, ()),)


def account_in(accounts: tuple[Account, ...], currency: str) -> Account:
    """The one in a currency, or the first; BadInput where there is none in it."""
    known = {one.currency: one for one in accounts}
    if currency and currency not in known:
        what, allowed = "there is no account in this currency", ", ".join(known)
        raise BadInput.one(Problem(what, column="currency", found=currency, allowed=allowed))
    return known.get(currency, accounts[0])


def ageing_everywhere(session: Session, actor: Actor, day: date) -> tuple[Ageing, ...]:
    """What is open at the end of a day in every engagement whose payments the actor records."""
    mine = all_handled(session, actor, Permission.RECORD_PAYMENT)
    return tuple(ageing(one, day) for one in accounts_of(session, mine, write_offs=True))


def checked_day(day: date | None, today: date) -> date:
    """A day up to today, today for none; BadInput for one to come: nobody knows it yet."""
    if day is not None and day > today:
        what = "this day is yet to come"
        allowed = f"{today} or earlier"
        raise BadInput.one(Problem(what, column="day", found=day.isoformat(), allowed=allowed))
    return day or today


def span_of(first: date | None, last: date | None, today: date) -> Period:
    """The days of a statement: this year so far where nothing else is asked for.

    Raises BadInput where it ends before it begins, in days to come, or is longer than ten years.
    """
    end = checked_day(last, today)
    begin = first or end.replace(month=1, day=1)
    if begin > end or (end - begin).days > _LONGEST:
        what = "a statement begins before it ends, and has ten years at most"
        allowed = f"a day up to {end}"
        raise BadInput.one(Problem(what, column="first", found=str(begin), allowed=allowed))
    return Period(begin, end)


def statements_of(accounts: tuple[Account, ...], period: Period) -> tuple[Statement, ...]:
    """The statement of each account that ever moved, or of the first."""
    found = tuple(statement(one, period) for one in accounts)
    return tuple(one for one in found if one.lines or one.opening) or found[:1]


def late_series(
    session: Session, engagement: Engagement, terms: Terms, store: EvidenceStore
) -> IndexSeries | None:
    """The index that late interest is above, from the evidence that counts; None without one."""
    late = terms.late_payment
    if late is None or late.above is None:
        return None
    tables = [one for one in counting_tables(session, engagement) if one.dataset == INDICES]
    files = [as_file(one, store) for one in tables]
    if not files:
        return IndexSeries(late.above)
    with open_ledger(files, mixed=True) as ledger:
        return index_series(ledger).get(late.above, IndexSeries(late.above))


@dataclass(frozen=True, slots=True)
class Accrued:
    """What late payment costs by a day, invoice by invoice, or why it can't be computed."""

    by_invoice: Mapping[str, LateInterest]
    """By number; those that cost nothing are left out."""
    problem: str = ""


NOTHING_ACCRUED = Accrued({})


def accrued(account: Account, terms: Terms, series: IndexSeries | None, day: date) -> Accrued:
    """Interest and lump sum of every invoice of an account by the end of a day."""
    late = terms.late_payment
    if late is None:
        return NOTHING_ACCRUED
    try:
        costs = {
            one.number: late_interest(late, one, day, account.currency, series)
            for one in account.receivables
            if one.issued_on <= day
        }
    except BadInput as error:
        problem = error.problems[0]
        return Accrued({}, f"{problem.what}: hand in {problem.allowed}")
    return Accrued({number: one for number, one in costs.items() if one.total})


def accrued_of(
    session: Session,
    engagement: Engagement,
    terms: Terms,
    store: EvidenceStore,
    account: Account,
) -> Accrued:
    """The same by today, the index read only where an invoice is late enough to bear interest.

    Where the stored index can't be read, that is the problem, as any missing value would be.
    """
    late = terms.late_payment
    if late is None or not any(
        first_day_late(late, one.due_on) <= terms.today for one in account.receivables
    ):
        return NOTHING_ACCRUED
    try:
        series = late_series(session, engagement, terms, store)
    except PlumblineError as error:
        return Accrued({}, str(error))
    return accrued(account, terms, series, terms.today)
