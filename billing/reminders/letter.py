"""A reminder as a value: what it asks for, line by line; its JSON is what is frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.reminders.proposals import Proposal, State
from billing.statements.interest import Stretch
from governance.contract.document import Contract
from governance.contract.engagement import Party
from governance.contract.invoicing import LatePayment
from governance.values import Period, money_text, plain, round_money, summed

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One invoice: what is open of it, and what late payment of it costs."""

    number: str
    issued_on: date
    due_on: date
    period: Period
    days_late: int
    """0 for one that is paid."""
    open: Decimal
    """What is asked for: without what is in dispute."""
    disputed: Decimal
    step: int | None
    interest: Decimal
    """Not charged before; charged with this reminder or only told, as the letter says."""
    lump_sum: Decimal
    stretches: tuple[Stretch, ...] = ()
    """What all its interest is made of, from the first day on."""
    interest_before: Decimal = _NOTHING
    """What earlier reminders charged of it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a reminder states; amounts in `currency`, with its decimals."""

    number: str | None
    """RM-3; None before it is issued."""
    level: int
    """The highest step of its lines; 0 where it only charges for late payment."""
    last: bool
    """Whether the contract has no step after it."""
    issued_on: date
    pay_by: date
    engagement: str
    title: str
    seller: Party
    buyer: Party
    language: str
    currency: str
    lines: tuple[LetterLine, ...]
    fee: Decimal
    charges: bool
    """Whether interest and lump sums are charged with it."""
    earlier: Decimal
    """What earlier reminders charged and is owed still."""
    on_account: Decimal
    """What the client paid that pays no invoice yet."""
    terms: LatePayment | None
    buyer_reference: str | None = None

    @property
    def asked(self) -> Decimal:
        """What is open on the invoices."""
        return summed(one.open for one in self.lines)

    @property
    def interest(self) -> Decimal:
        """Interest that isn't charged yet."""
        return summed(one.interest for one in self.lines)

    @property
    def lump_sum(self) -> Decimal:
        """Lump sums that aren't charged yet."""
        return summed(one.lump_sum for one in self.lines)

    @property
    def charged(self) -> Decimal:
        """What this reminder adds to what is owed."""
        return self.fee + (self.interest + self.lump_sum if self.charges else _NOTHING)

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.asked + self.charged + self.earlier - self.on_account


def letter_of(
    contract: Contract,
    chosen: Sequence[Proposal],
    day: date,
    pay_by: date,
    *,
    charges: bool,
    earlier: Decimal,
    on_account: Decimal,
    currency: str,
) -> Letter:
    """The letter about some invoices as of a day, without a number.

    An invoice takes its next step where that is due. The fee is that of the highest step, once.
    """
    invoicing, frame = contract.invoicing, contract.engagement
    level = max((one.step or 0 for one in chosen if one.state is State.DUE), default=0)
    fee = invoicing.reminders[level - 1].fee if level else _NOTHING
    return Letter(
        number=None,
        level=level,
        last=level > 0 and level == len(invoicing.reminders),
        issued_on=day,
        pay_by=pay_by,
        engagement=frame.reference,
        title=frame.title,
        seller=frame.provider,
        buyer=frame.client,
        language=invoicing.language,
        currency=currency,
        lines=tuple(_line(one) for one in chosen),
        fee=round_money(fee, currency),
        charges=charges,
        earlier=earlier,
        on_account=on_account,
        terms=invoicing.late_payment,
        buyer_reference=invoicing.buyer_reference,
    )


def _line(one: Proposal) -> LetterLine:
    return LetterLine(
        number=one.invoice.number,
        issued_on=one.invoice.issued_on,
        due_on=one.invoice.due_on,
        period=one.invoice.period,
        days_late=one.days_late if one.open else 0,
        open=one.asked,
        disputed=one.disputed,
        step=one.step if one.state is State.DUE else None,
        interest=one.interest,
        lump_sum=one.lump_sum,
        stretches=one.late.stretches,
        interest_before=one.late.interest - one.interest,
    )


def letter_json(letter: Letter) -> dict[str, Any]:
    """The letter as it is frozen: exact decimals in strings, days by ISO 8601."""

    def amount(value: Decimal) -> str:
        return money_text(value, letter.currency)

    return {
        "type": "reminder",
        "number": letter.number,
        "level": letter.level,
        "last": letter.last,
        "issued_on": letter.issued_on.isoformat(),
        "pay_by": letter.pay_by.isoformat(),
        "engagement": {"reference": letter.engagement, "title": letter.title},
        "provider": letter.seller.model_dump(mode="json", exclude_none=True),
        "client": letter.buyer.model_dump(mode="json", exclude_none=True),
        "language": letter.language,
        "buyer_reference": letter.buyer_reference,
        "currency": letter.currency,
        "lines": [_line_json(one, letter.currency) for one in letter.lines],
        "fee": amount(letter.fee),
        "charges": letter.charges,
        "charged_earlier": amount(letter.earlier),
        "on_account": amount(letter.on_account),
        "asked": amount(letter.asked),
        "interest": amount(letter.interest),
        "lump_sum": amount(letter.lump_sum),
        "total": amount(letter.total),
        "late_payment": letter.terms.model_dump(mode="json") if letter.terms else None,
    }


def _line_json(one: LetterLine, currency: str) -> dict[str, Any]:
    return {
        "invoice": one.number,
        "issued_on": one.issued_on.isoformat(),
        "due_on": one.due_on.isoformat(),
        "period_start": one.period.start.isoformat(),
        "period_end": one.period.end.isoformat(),
        "days_late": one.days_late,
        "open": money_text(one.open, currency),
        "disputed": money_text(one.disputed, currency),
        "step": one.step,
        "interest": money_text(one.interest, currency),
        "lump_sum": money_text(one.lump_sum, currency),
        "interest_before": money_text(one.interest_before, currency),
        "stretches": [
            {
                "first": each.first.isoformat(),
                "last": each.last.isoformat(),
                "amount": money_text(each.amount, currency),
                "rate_percent": plain(each.rate),
            }
            for each in one.stretches
        ],
    }


def read_letter(data: bytes) -> Letter:
    """The letter of a frozen `reminder.json`."""
    found = json.loads(data)
    terms = found["late_payment"]
    return Letter(
        number=found["number"],
        level=found["level"],
        last=found["last"],
        issued_on=date.fromisoformat(found["issued_on"]),
        pay_by=date.fromisoformat(found["pay_by"]),
        engagement=found["engagement"]["reference"],
        title=found["engagement"]["title"],
        seller=Party.model_validate(found["provider"]),
        buyer=Party.model_validate(found["client"]),
        language=found["language"],
        currency=found["currency"],
        lines=tuple(_read_line(one) for one in found["lines"]),
        fee=Decimal(found["fee"]),
        charges=found["charges"],
        earlier=Decimal(found["charged_earlier"]),
        on_account=Decimal(found["on_account"]),
        terms=LatePayment.model_validate(terms) if terms else None,
        buyer_reference=found["buyer_reference"],
    )


def _read_line(found: Mapping[str, Any]) -> LetterLine:
    return LetterLine(
        number=found["invoice"],
        issued_on=date.fromisoformat(found["issued_on"]),
        due_on=date.fromisoformat(found["due_on"]),
        period=Period(
            date.fromisoformat(found["period_start"]), date.fromisoformat(found["period_end"])
        ),
        days_late=found["days_late"],
        open=Decimal(found["open"]),
        disputed=Decimal(found["disputed"]),
        step=found["step"],
        interest=Decimal(found["interest"]),
        lump_sum=Decimal(found["lump_sum"]),
        stretches=tuple(_read_stretch(one) for one in found["stretches"]),
        interest_before=Decimal(found["interest_before"]),
    )


def _read_stretch(found: Mapping[str, str]) -> Stretch:
    return Stretch(
        date.fromisoformat(found["first"]),
        date.fromisoformat(found["last"]),
        Decimal(found["amount"]),
        Decimal(found["rate_percent"]),
    )
