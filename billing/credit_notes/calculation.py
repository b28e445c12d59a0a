"""What a credit note gives back of an invoice: its lines, allowances, taxes and totals.

All sums are cumulative: a tax is computed on everything credited so far and rounded once, less what
earlier notes gave. So the parts of an invoice add up to the whole, to the cent, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import partial

from billing.credit_notes.lines import (
    UNTOUCHED,
    CreditedLine,
    LineLeft,
    lines_left,
    part_of,
    rest_of,
    spread,
)
from billing.invoices.fee_document import (
    Allowance,
    DocumentTax,
    FeeDocument,
    FeeTax,
    TaxCurrency,
)
from billing.tax import percentage_of
from governance.errors import BadInput, Problem
from governance.values import EXACT, money_text, round_money

NOTHING = Decimal(0)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class ByLine:
    """So much of each line that is named; None is all that is left of it.

    Amounts are before tax and after the line's share of the service credit.
    """

    amounts: Mapping[int, Decimal | None]
    """By position on the invoice."""


@dataclass(frozen=True, slots=True)
class Percentage:
    """A percentage of the whole invoice, shared over the lines by what is left of each."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount before tax, shared in the same way."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Everything:
    """All that earlier notes have left."""


Asked = ByLine | Percentage | Amount | Everything
"""What somebody wants to credit."""


@dataclass(frozen=True, slots=True)
class CreditFigures:
    """A credit note's figures; amounts are positive where they are given back."""

    currency: str
    lines: tuple[CreditedLine, ...]
    allowances: tuple[Allowance, ...]
    """What of the service credit lapses with lines that are credited in full."""
    taxes: tuple[FeeTax, ...]
    withholding: Decimal
    tax_currency: TaxCurrency | None = None
    subtotal: Decimal = field(init=False)
    """Sum of the lines."""
    service_credit: Decimal = field(init=False)
    """Sum of the allowances."""
    total: Decimal = field(init=False)
    """subtotal − service_credit + taxes."""

    def __post_init__(self) -> None:
        subtotal = _sum(line.amount for line in self.lines)
        service_credit = _sum(line.allowance for line in self.lines)
        taxes = _sum(tax.amount for tax in self.taxes)
        figures = {
            "subtotal": subtotal,
            "service_credit": service_credit,
            "total": subtotal - service_credit + taxes,
        }
        for name, value in figures.items():
            object.__setattr__(self, name, round_money(value, self.currency))

    @property
    def payable(self) -> Decimal:
        """What the client gets back: total − withholding."""
        return self.total - self.withholding

    @property
    def tax(self) -> Decimal:
        """All taxes together."""
        return _sum(tax.amount for tax in self.taxes)


def credit(
    invoice: FeeDocument, asked: Asked, so_far: Mapping[int, CreditedLine] | None = None
) -> CreditFigures:
    """The credit note for what is asked, after `so_far` was credited of the lines by position.

    Raises BadInput, naming the line and what is left, where more is asked for than the invoice
    has left, of a line, of the lines under one tax or in all.
    """
    before = dict(so_far or {})
    lines = _asked_lines(invoice, asked, lines_left(invoice, before))
    after = before | {line.position: before.get(line.position, UNTOUCHED) + line for line in lines}
    _check_taxes(invoice, before, after)
    figures = _between(invoice, lines, before, after)
    _check_totals(invoice, figures, total_credited(invoice, after))
    return figures


def total_credited(invoice: FeeDocument, so_far: Mapping[int, CreditedLine]) -> CreditFigures:
    """What all notes so far come to together."""
    lines = tuple(so_far[position] for position in sorted(so_far))
    return _between(invoice, lines, {}, so_far)


def _asked_lines(
    invoice: FeeDocument, asked: Asked, left: Mapping[int, LineLeft]
) -> tuple[CreditedLine, ...]:
    match asked:
        case ByLine(amounts) if amounts:
            return tuple(_one_line(left, *each) for each in sorted(amounts.items()))
        case Everything() if any(line.open for line in left.values()):
            return tuple(rest_of(line) for line in left.values() if line.open)
        case Amount(amount):
            return _shared(invoice, amount, left)
        case Percentage(percent):
            return _shared(invoice, _share_of_net(invoice, percent), left)
    allowed = "an amount for one line at least, where the invoice has any left"
    raise BadInput.one(Problem("nothing is credited", column="lines", allowed=allowed))


def _one_line(left: Mapping[int, LineLeft], position: int, amount: Decimal | None) -> CreditedLine:
    line = left.get(position)
    if line is None:
        what, allowed = "the invoice has no such line", f"lines 1 to {len(left)}"
        raise BadInput.one(Problem(what, column=f"line {position}", allowed=allowed))
    if not line.open:
        problem = Problem("this line is credited in full already", column=f"line {position}")
        raise BadInput.one(problem)
    return rest_of(line) if amount is None else part_of(line, amount)


def _share_of_net(invoice: FeeDocument, percent: Decimal) -> Decimal:
    if not NOTHING < percent <= _HUNDRED:
        what = "this is no percentage of an invoice"
        allowed = "more than 0 and at most 100"
        problem = Problem(what, column="percent", found=str(percent), allowed=allowed)
        raise BadInput.one(problem)
    return percentage_of(invoice.net, percent, invoice.currency)


def _shared(
    invoice: FeeDocument, amount: Decimal, left: Mapping[int, LineLeft]
) -> tuple[CreditedLine, ...]:
    """The amount over all lines, first by tax, then by line, in proportion to what is left."""
    whole = _sum(line.net for line in left.values())
    if not NOTHING < amount <= whole or round_money(amount, invoice.currency) != amount:
        raise BadInput.one(
            Problem(
                "the invoice hasn't so much left, before tax",
                column="amount",
                found=str(amount),
                allowed=f"more than 0 and at most {money_text(whole, invoice.currency)}",
            )
        )
    if amount == whole:
        return tuple(rest_of(line) for line in left.values() if line.open)
    by_tax: dict[DocumentTax, Decimal] = {}
    for line in left.values():
        by_tax[line.tax] = by_tax.get(line.tax, NOTHING) + line.net
    shares: dict[int, Decimal] = {}
    for tax, share in spread(amount, by_tax, invoice.currency).items():
        weights = {key: line.net for key, line in left.items() if line.tax == tax}
        shares |= spread(share, weights, invoice.currency)
    return tuple(part_of(left[key], share) for key, share in sorted(shares.items()) if share)


def _between(
    invoice: FeeDocument,
    lines: tuple[CreditedLine, ...],
    before: Mapping[int, CreditedLine],
    after: Mapping[int, CreditedLine],
) -> CreditFigures:
    """The figures of the lines that make `after` of `before`."""
    positions = {line.position for line in lines}
    touched = {line.tax for line in invoice.lines if line.position in positions}
    earlier, later = _bases(invoice, before), _bases(invoice, after)

    def more(figure: Callable[[Mapping[DocumentTax, Decimal]], Decimal]) -> Decimal:
        return figure(later) - figure(earlier)

    taxes = tuple(
        FeeTax(
            one.tax,
            later.get(one.tax, NOTHING) - earlier.get(one.tax, NOTHING),
            more(partial(_tax_of, invoice, one)),
        )
        for one in invoice.taxes
        if one.tax in touched
    )
    stated = invoice.tax_currency
    return CreditFigures(
        currency=invoice.currency,
        lines=lines,
        allowances=_allowances(invoice, lines),
        taxes=taxes,
        withholding=more(partial(_withholding, invoice)),
        tax_currency=stated and _in_tax_currency(stated, more(partial(_declared, invoice, stated))),
    )


def _bases(
    invoice: FeeDocument, credited: Mapping[int, CreditedLine]
) -> dict[DocumentTax, Decimal]:
    found: dict[DocumentTax, Decimal] = {}
    for line in invoice.lines:
        if line.position in credited:
            found[line.tax] = found.get(line.tax, NOTHING) + credited[line.position].net
    return found


def _tax_of(invoice: FeeDocument, tax: FeeTax, bases: Mapping[DocumentTax, Decimal]) -> Decimal:
    base = bases.get(tax.tax, NOTHING)
    if base == tax.base:
        return tax.amount
    return percentage_of(base, tax.tax.rate, invoice.currency)


def _withholding(invoice: FeeDocument, bases: Mapping[DocumentTax, Decimal]) -> Decimal:
    """In proportion to what is credited before tax, as withholding is taken from that."""
    net = _sum(bases.values())
    if not net or not invoice.withholding:
        return round_money(NOTHING, invoice.currency)
    with localcontext(EXACT):
        return round_money(invoice.withholding * net / invoice.net, invoice.currency)


def _declared(
    invoice: FeeDocument, stated: TaxCurrency, bases: Mapping[DocumentTax, Decimal]
) -> Decimal:
    """Each tax by itself, as the invoice states them: so no later note takes any of it back."""
    credited = [_tax_of(invoice, tax, bases) for tax in invoice.taxes]
    if _sum(credited) == invoice.tax:
        return stated.tax
    with localcontext(EXACT):
        return _sum(round_money(tax * stated.rate, stated.currency) for tax in credited)


def _in_tax_currency(stated: TaxCurrency, tax: Decimal) -> TaxCurrency:
    return TaxCurrency(stated.currency, stated.rate, stated.rate_on, stated.source, tax)


def _allowances(invoice: FeeDocument, lines: Iterable[CreditedLine]) -> tuple[Allowance, ...]:
    """A treatment's share of the service credit that lapses, with the reason that was printed."""
    by_position = {line.position: line.tax for line in invoice.lines}
    shares: dict[DocumentTax, Decimal] = {}
    for line in lines:
        tax = by_position[line.position]
        shares[tax] = shares.get(tax, NOTHING) + line.allowance
    stated = {one.tax: one for one in invoice.allowances}
    return tuple(
        Allowance(
            share,
            tax,
            stated[tax].reason if tax in stated else "Service credit",
            stated[tax].clause if tax in stated else "",
        )
        for tax, share in shares.items()
        if share
    )


def _check_taxes(
    invoice: FeeDocument,
    before: Mapping[int, CreditedLine],
    after: Mapping[int, CreditedLine],
) -> None:
    """No tax gives back more than it took: lines that come off go with those they come off."""
    earlier, later = _bases(invoice, before), _bases(invoice, after)
    for one in invoice.taxes:
        now = later.get(one.tax, NOTHING)
        if min(one.base, NOTHING) <= now <= max(one.base, NOTHING):
            continue
        left = one.base - earlier.get(one.tax, NOTHING)
        raise BadInput.one(
            Problem(
                "the lines under this tax haven't so much left together",
                column=f"{one.tax.category.value.replace('_', ' ')} {one.tax.rate}%",
                found=money_text(now - earlier.get(one.tax, NOTHING), invoice.currency),
                allowed=f"{money_text(left, invoice.currency)} at most; credit the lines that take"
                " amounts off as well",
            )
        )


def _check_totals(invoice: FeeDocument, note: CreditFigures, together: CreditFigures) -> None:
    left = {
        "total": (note.total, invoice.total - together.total),
        "payable": (note.payable, invoice.payable - together.payable),
    }
    for name, (given, rest) in left.items():
        if given >= 0 and rest >= 0:
            continue
        raise BadInput.one(
            Problem(
                "a credit note can't ask for money"
                if given < 0
                else "the invoice hasn't so much left in all",
                column=name,
                found=money_text(given, invoice.currency),
                allowed=f"0 to {money_text(rest + given, invoice.currency)}; lines that take"
                " amounts off are credited together with the others",
            )
        )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, NOTHING)
