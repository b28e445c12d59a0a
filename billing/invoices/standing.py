"""Where an issued invoice stands, derived from what happened to it since and stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Stage(StrEnum):
    """The word for where an issued invoice stands."""

    ISSUED = "issued"
    SENT = "sent"
    PART_PAID = "part_paid"
    PAID = "paid"
    DISPUTED = "disputed"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """What is known of an issued invoice; amounts in its currency."""

    payable: Decimal
    """Negative where the provider owes the client."""
    due_on: date
    today: date
    sent: bool = False
    """Whether it was handed over in any way."""
    credited: Decimal = Decimal(0)
    """By issued credit notes, what the client would have had to pay for it."""
    paid: Decimal = Decimal(0)
    """Confirmed payments, less what was paid back."""
    written_off: Decimal = Decimal(0)
    """Approved write-offs."""
    disputed: Decimal = Decimal(0)
    """What the client disputes and nobody has decided on yet."""


@dataclass(frozen=True, slots=True)
class InvoiceStanding:
    """Stage and balance of an issued invoice."""

    stage: Stage
    open: Decimal
    """What the client still owes on it, never below zero."""
    balance_of_client: Decimal
    """What the client has to its credit by it: paid or credited beyond what was payable."""
    overdue: bool
    """Whether something is open after the due date."""


def standing(facts: StandingFacts) -> InvoiceStanding:
    """Stage, open amount and credit balance of an issued invoice.

    Open are payable − credited − paid − written off; below zero that is the client's balance. A
    dispute that isn't decided comes before anything else while something is open. What is open no
    more is paid where money came in, else written off, else credited.
    """
    owed = facts.payable - facts.credited - facts.paid
    # What was written off and is credited later is nothing that the client paid.
    rest = owed - min(facts.written_off, max(owed, Decimal(0)))
    still_open = max(rest, Decimal(0))
    return InvoiceStanding(
        stage=_stage(facts, still_open),
        open=still_open,
        balance_of_client=max(-rest, Decimal(0)),
        overdue=still_open > 0 and facts.today > facts.due_on,
    )


def _stage(facts: StandingFacts, still_open: Decimal) -> Stage:
    if not still_open:
        return _settled(facts)
    if facts.disputed > 0:
        return Stage.DISPUTED
    if facts.paid > 0:
        return Stage.PART_PAID
    return Stage.SENT if facts.sent else Stage.ISSUED


def _settled(facts: StandingFacts) -> Stage:
    if facts.paid > 0 or facts.payable == 0:
        return Stage.PAID
    if facts.written_off > 0:
        return Stage.WRITTEN_OFF
    if facts.credited > 0:
        return Stage.CREDITED
    # The provider owes the client: until it has paid back, the invoice is no more than sent.
    if facts.paid < 0 and facts.paid <= facts.payable:
        return Stage.PAID
    return Stage.SENT if facts.sent else Stage.ISSUED
