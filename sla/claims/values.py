"""Claims to service credits, and incidents behind misses: windows, states and days, as values.

Source: the contract language, section "Service credits": `claim_within_days` and `incidents`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from governance.contract.document import Contract
from governance.contract.service_credits import ServiceCreditTerms
from governance.values import Period
from sla.service_credits.claim import last_day_to_claim
from sla.service_credits.values import Claims, ClaimState


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which the client can claim a period's service credit, both included."""

    period: Period
    opens: date
    """The day after the period: a claim needn't wait until the provider has computed it."""
    until: date

    def days_left(self, today: date) -> int:
        """Calendar days until the last one; 0 on that day itself, negative after it."""
        return (self.until - today).days

    def state(self, today: date, claimed_on: date | None = None) -> ClaimState:
        """How far the claim is on a day."""
        return Claims(today, claimed_on).state(self.until)

    def accepts(self, day: date) -> bool:
        """Whether a claim can be made on that day."""
        return self.opens <= day <= self.until


def window_of(terms: ServiceCreditTerms | None, period: Period) -> Window | None:
    """The window that the contract gives for a period; None where credits need no claim."""
    until = last_day_to_claim(terms, period)
    return None if until is None else Window(period, period.end + timedelta(days=1), until)


def window_under(contract: Contract, period: Period) -> Window | None:
    """The same, by the contract that governs the period."""
    return window_of(contract.service_credits, period)


def reminder_due(window: Window, today: date, days_before: Iterable[int]) -> int | None:
    """Which reminder a day calls for: the smallest of `days_before` that has come.

    None before the first of them and after the window. A day on which nothing ran is made good on
    the next, by one mail and not by all that were missed. A reminder for more days than the window
    has is due from its first day on.
    """
    if not window.accepts(today):
        return None
    left = window.days_left(today)
    return min((days for days in days_before if left <= days), default=None)


@dataclass(frozen=True, slots=True)
class Incident:
    """Several misses of one period that have one cause, and so count once."""

    name: str
    """How it is cited: INC-1 is the first of the engagement."""
    service_levels: tuple[str, ...]
    counts: str | None = None
    """The service level whose credit counts, where the client chooses; None for the largest."""
