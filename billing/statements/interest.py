"""Interest and lump sum for late payment, by the contract's terms; pure.

A day bears interest on what was open at the end of the day before, so that the day of payment
is the last one that counts: an invoice due on the 31st and paid on the 1st is one day late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise

from billing.indexation_series import IndexSeries
from billing.statements.values import Receivable
from governance.contract.invoicing import LatePayment
from governance.errors import BadInput, Problem
from governance.values import EXACT, round_money

_NOTHING = Decimal(0)
_DAY = timedelta(days=1)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row on which the same amount bears the same rate."""

    first: date
    last: date
    amount: Decimal
    rate: Decimal
    """In % a year."""

    @property
    def days(self) -> int:
        """Both ends counted."""
        return (self.last - self.first).days + 1

    @property
    def product(self) -> Decimal:
        """Amount × rate × days, exactly."""
        with localcontext(EXACT):
            return self.amount * self.rate * self.days


@dataclass(frozen=True, slots=True)
class LateInterest:
    """What late payment of one invoice costs by a day."""

    stretches: tuple[Stretch, ...] = ()
    interest: Decimal = _NOTHING
    """Rounded half up, once."""
    lump_sum: Decimal = _NOTHING

    @property
    def total(self) -> Decimal:
        """Interest and lump sum."""
        return self.interest + self.lump_sum


NOT_LATE = LateInterest()


def first_day_late(terms: LatePayment, due_on: date) -> date:
    """The first day that bears interest."""
    return due_on + timedelta(days=terms.grace_days) + _DAY


def late_interest(
    terms: LatePayment,
    invoice: Receivable,
    until: date,
    currency: str,
    series: IndexSeries | None = None,
) -> LateInterest:
    """Interest and lump sum of one invoice by the end of a day.

    What credit notes gave back by then was never owed and bears none, from the first day on. What
    is in dispute then bears none either; once the provider upholds it or the client withdraws, it
    bears interest from the first day on. Payments count from the day the money came in, write-offs
    from the day of their approval. The lump sum is due once, where anything bore interest.

    Raises BadInput for the first day that the index has no value for.
    Source: `LatePayment` in the contract language.
    """
    stretches = tuple(_joined(_stretches(terms, invoice, until, series)))
    if not stretches:
        return NOT_LATE
    with localcontext(EXACT):
        exact = sum((one.product for one in stretches), _NOTHING) / (_PERCENT * terms.day_count)
    return LateInterest(stretches, round_money(exact, currency), round_money(terms.flat, currency))


def _stretches(
    terms: LatePayment, invoice: Receivable, until: date, series: IndexSeries | None
) -> Iterator[Stretch]:
    first = first_day_late(terms, invoice.due_on)
    cuts = {first, until + _DAY, *_changes(invoice, series)}
    for begin, end in pairwise(sorted(one for one in cuts if first <= one <= until + _DAY)):
        amount = _bearing(invoice, begin - _DAY, until)
        if amount > 0:
            last = end - _DAY
            yield Stretch(begin, last, amount, _rate(terms, begin, last, series))


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """The same with those in a row as one that differ in nothing but their days."""
    waiting: Stretch | None = None
    for one in stretches:
        if waiting is not None and _goes_on(waiting, one):
            waiting = replace(waiting, last=one.last)
            continue
        if waiting is not None:
            yield waiting
        waiting = one
    if waiting is not None:
        yield waiting


def _goes_on(earlier: Stretch, later: Stretch) -> bool:
    same = (earlier.amount, earlier.rate) == (later.amount, later.rate)
    return same and earlier.last + _DAY == later.first


def _changes(invoice: Receivable, series: IndexSeries | None) -> Iterator[date]:
    """The days from which another amount or another rate counts."""
    for one in (*invoice.paid, *invoice.given_up):
        yield one.on + _DAY
    for value in series.values if series else ():
        yield value.since


def _bearing(invoice: Receivable, day: date, until: date) -> Decimal:
    """What was open at the end of a day, as it is known at the end of another."""
    paid = sum((one.amount for one in invoice.paid if one.on <= day), _NOTHING)
    given_up = sum((one.amount for one in invoice.given_up if one.on <= day), _NOTHING)
    owed = invoice.payable - invoice.credited_by(until) - invoice.contested_on(until)
    return owed + paid + given_up


def _rate(terms: LatePayment, first: date, last: date, series: IndexSeries | None) -> Decimal:
    if terms.above is None:
        return terms.rate_percent
    known = series or IndexSeries(terms.above)
    value = known.on(first)
    if value is None or known.on(last) is None:
        raise BadInput.one(_missing(known, first if value is None else last))
    return max(value.value + terms.rate_percent, _NOTHING)


def _missing(series: IndexSeries, day: date) -> Problem:
    return Problem(
        f"interest for late payment is above {series.name}, and evidence has no value of it for"
        f" {day}",
        column="invoicing.late_payment.above",
        found=series.text,
        allowed=f"the dataset indices with a row series {series.name} and the value of that day;"
        " repeat a value that hasn't changed",
    )
