"""What a billing run would do, as values: each engagement's invoice of the month, and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from governance.values import Money, Period


class Readiness(StrEnum):
    """What a billing run would do with an engagement."""

    ISSUE = "issue"
    """Its invoice is approved."""
    APPROVE = "approve"
    """Its invoice is checked; the starter may approve it, and the run does so and issues it."""
    BLOCKED = "blocked"
    """Something has to be done first."""
    ISSUED = "issued"
    """It is billed already."""
    NOT_DUE = "not_due"
    """The month has no invoice of its own."""
    IN_RUN = "in_run"
    """An unfinished run has it before it."""

    @property
    def billable(self) -> bool:
        """Whether a run would issue the invoice."""
        return self in {Readiness.ISSUE, Readiness.APPROVE}


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """An engagement in the preview."""

    engagement_id: int
    reference: str
    title: str
    client: str
    period: Period
    """Of the invoice; the month itself where there is none yet."""
    settled: bool
    """Whether there is an invoice to look at."""
    readiness: Readiness
    why: str = ""
    """What has to be done first, or why there is nothing to do."""
    payable: Money | None = None
    last: Money | None = None
    """What was payable by the invoice before; None for the first one."""

    @property
    def change_percent(self) -> Decimal | None:
        """By how much more, or less, is payable than last time, in % cut to one decimal.

        None where nothing was payable last time, or in another currency.
        """
        now, before = self.payable, self.last
        if now is None or before is None or not before.minor or now.currency != before.currency:
            return None
        tenths = abs(now.minor - before.minor) * 1000 // abs(before.minor)
        sign = -1 if now.minor < before.minor else 1
        return Decimal(sign * tenths) / 10

    def stands_out(self, threshold: Decimal) -> bool:
        """Whether somebody should look: it differs by more than `threshold` %, or from nothing."""
        now, before = self.payable, self.last
        if now is None or before is None or now == before:
            return False
        if now.currency != before.currency:
            return True
        return abs(now.minor - before.minor) * 100 > threshold * abs(before.minor)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run for a month would do; nothing of it is stored."""

    month: Period
    lines: Sequence[PreviewLine]

    @property
    def billable(self) -> tuple[PreviewLine, ...]:
        """What a run would issue."""
        return tuple(one for one in self.lines if one.readiness.billable)

    @property
    def blocked(self) -> tuple[PreviewLine, ...]:
        """What can't be billed before something else is done."""
        return tuple(one for one in self.lines if one.readiness is Readiness.BLOCKED)

    @property
    def unsettled(self) -> tuple[PreviewLine, ...]:
        """Of those, the ones that nobody has settled."""
        return tuple(one for one in self.blocked if not one.settled)

    def standing_out(self, threshold: Decimal) -> int:
        """How many invoices of the run differ by more than `threshold` % from those before."""
        return sum(one.stands_out(threshold) for one in self.billable)

    @property
    def rest(self) -> tuple[PreviewLine, ...]:
        """Where there is nothing to do."""
        shown = {*self.billable, *self.blocked}
        return tuple(one for one in self.lines if one not in shown)

    @property
    def totals(self) -> tuple[Money, ...]:
        """What the run's invoices come to, by currency."""
        return sums(one.payable for one in self.billable if one.payable)

    @property
    def last_totals(self) -> Mapping[str, Money]:
        """By currency, what the invoices before those came to."""
        return {one.currency: one for one in sums(one.last for one in self.billable if one.last)}

    @property
    def counts(self) -> Mapping[Readiness, int]:
        """How many engagements are how far."""
        return Counter(one.readiness for one in self.lines)


def sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """The sum in each currency, by its code."""
    totals: Counter[str] = Counter()
    for one in amounts:
        totals[one.currency] += one.minor
    return tuple(Money(minor, currency) for currency, minor in sorted(totals.items()))
