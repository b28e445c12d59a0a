"""What is left of an invoice's lines, and parts of them.

A line counts for credit with its amount less its share of the service credit: that is what the
client was charged for it. The share stands on the note that credits the line's rest, so that the
notes together take back the line and the share as they were invoiced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TypeVar

from billing.invoices.fee_document import DocumentTax, FeeDocument, FeeLine
from billing.tax import share_out
from governance.errors import BadInput, Problem
from governance.values import EXACT, money_text, round_money

K = TypeVar("K")
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class CreditedLine:
    """What is credited of one line of the invoice."""

    position: int
    """The line's on the invoice."""
    amount: Decimal
    """Of the line as it was charged."""
    allowance: Decimal = _NOTHING
    """Of the line's share of the service credit; negative for a bonus."""

    @property
    def net(self) -> Decimal:
        """What is given back before tax."""
        return self.amount - self.allowance

    def __add__(self, other: CreditedLine) -> CreditedLine:
        return CreditedLine(
            other.position, self.amount + other.amount, self.allowance + other.allowance
        )


UNTOUCHED = CreditedLine(0, _NOTHING)
"""Nothing is credited of a line yet."""


@dataclass(frozen=True, slots=True)
class LineLeft:
    """An invoice's line and what earlier notes have left of it."""

    position: int
    title: str
    tax: DocumentTax
    currency: str
    invoiced: Decimal
    share: Decimal
    """The line's share of the service credit."""
    amount: Decimal
    """What is left of the line."""
    allowance: Decimal
    """What is left of the share."""

    @property
    def net(self) -> Decimal:
        """What may still be credited, before tax."""
        return self.amount - self.allowance

    @property
    def open(self) -> bool:
        """Whether anything is left."""
        return bool(self.amount or self.allowance)


def lines_left(invoice: FeeDocument, so_far: Mapping[int, CreditedLine]) -> dict[int, LineLeft]:
    """Every line by its position, with what is left of it."""
    shares = _shares(invoice)
    return {
        line.position: _left(invoice, line, shares[line.position], so_far) for line in invoice.lines
    }


def _left(
    invoice: FeeDocument, line: FeeLine, share: Decimal, so_far: Mapping[int, CreditedLine]
) -> LineLeft:
    credited = so_far.get(line.position, UNTOUCHED)
    return LineLeft(
        position=line.position,
        title=line.title,
        tax=line.tax,
        currency=invoice.currency,
        invoiced=line.amount,
        share=share,
        amount=line.amount - credited.amount,
        allowance=share - credited.allowance,
    )


def _shares(invoice: FeeDocument) -> dict[int, Decimal]:
    """Each line's share of its treatment's allowances, to the currency, adding up exactly.

    Differences of restated periods had their own service credit and take no share, as in
    `billing.tax.tax_lines`. A bonus under a tax that no line has belongs to none: what was paid
    for no line can't be credited by line.
    """
    given: dict[DocumentTax, Decimal] = {}
    for allowance in invoice.allowances:
        given[allowance.tax] = given.get(allowance.tax, _NOTHING) + allowance.amount
    shares = {line.position: _NOTHING for line in invoice.lines}
    for tax, amount in given.items():
        of_tax = [line for line in invoice.lines if line.tax == tax]
        own = [line for line in of_tax if not line.restatement] or of_tax
        weights = {line.position: line.amount for line in own}
        shares |= share_out(amount, weights, invoice.currency)
    return shares


def rest_of(line: LineLeft) -> CreditedLine:
    """All that is left of a line, with its share of the service credit."""
    return CreditedLine(line.position, line.amount, line.allowance)


def part_of(line: LineLeft, net: Decimal) -> CreditedLine:
    """So much of a line, before tax; all that is left where it comes to that.

    Raises BadInput, naming the line and what is left, for more than that, for nothing, and for
    fractions of the currency's smallest unit.
    """
    low, high = min(line.net, _NOTHING), max(line.net, _NOTHING)
    if not low <= net <= high or not net or round_money(net, line.currency) != net:
        raise BadInput.one(_too_much(line, net))
    if net == line.net:
        return rest_of(line)
    # A bonus makes a line worth more than its amount: what exceeds the amount is of the bonus.
    amount = max(min(net, max(line.amount, _NOTHING)), min(line.amount, _NOTHING))
    return CreditedLine(line.position, amount, amount - net)


def _too_much(line: LineLeft, asked: Decimal) -> Problem:
    left = money_text(line.net, line.currency)
    share = f", after its share of the service credit of {money_text(line.share, line.currency)}"
    return Problem(
        f"line {line.position} ({line.title}) has {left} left{share if line.share else ''}",
        column=f"line {line.position}",
        found=str(asked),
        allowed=f"{'at least' if line.net < 0 else 'at most'} {left}, not zero, in whole minor"
        " units",
    )


def spread(amount: Decimal, weights: Mapping[K, Decimal], currency: str) -> dict[K, Decimal]:
    """`amount` shared in proportion to the weights, each share no larger than its weight.

    The amount is at most the weights' sum. Running totals are rounded, each once, half up, so
    the shares add up exactly. Weights that add up to nothing get nothing.
    """
    whole = sum(weights.values(), _NOTHING)
    shares, running, given = {}, _NOTHING, _NOTHING
    with localcontext(EXACT):
        for key, weight in weights.items():
            running += weight
            until = round_money(amount * running / whole, currency) if whole else _NOTHING
            shares[key] = until - given
            given = until
    return shares
