"""Contract, sealed figures and invoice side by side, and where they don't agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.invoices.fee_document import FeeDocument, FeeLine, FeeTax
from billing.tax import percentage_of, tax_title, treatment_of
from governance.contract.charges import COMMITMENT_ID, TRANSFER_ID, Charge
from governance.contract.document import Contract
from governance.values import money_text, plain, summed
from sla.reviews.verifying import Difference

_OVER_ALL = {COMMITMENT_ID, TRANSFER_ID}
"""Lines that no single charge makes."""


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """What the sealed figures say of a line."""

    quantity: Decimal
    unit: str
    amount: Decimal
    meter: str | None
    rows: int | None
    """Ledger rows that the quantity counts; None where it counts none."""


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """One line: what the contract charges, what was measured and sealed, what is invoiced."""

    invoiced: FeeLine | None
    """None for a line that was sealed and isn't on the invoice."""
    measured: MeasuredLine | None
    """None where the figures aren't sealed, or hold no such line."""
    term: Charge | None
    """None for what no charge of the contract makes."""
    charge: str
    title: str
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether all three say the same."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class CheckedTotal:
    """One total of the invoice."""

    title: str
    contract: Decimal | None
    """Computed anew: a sum of the lines, or the contract's rate on what it is taken from."""
    measured: Decimal | None
    invoiced: Decimal
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that state it say the same."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class ThreeWayCheck:
    """The check of one period's invoice."""

    document: FeeDocument
    sealed: bool
    lines: tuple[CheckedLine, ...]
    totals: tuple[CheckedTotal, ...]
    computed_again: bool
    """Whether prices and quantities were computed again from the evidence."""
    left_out: tuple[str, ...] = ()
    """What can't be computed again, as sentences."""
    further: tuple[Difference, ...] = ()
    """What came of computing again that belongs to no line."""

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All that doesn't agree, in the order of the page."""
        of_lines = (one for line in self.lines for one in line.differences)
        of_totals = (one for total in self.totals for one in total.differences)
        return (*of_lines, *of_totals, *self.further)

    @property
    def agrees(self) -> bool:
        """Whether the figures are sealed and nothing differs."""
        return self.sealed and not self.differences


def three_way_check(
    contract: Contract,
    sealed: FeeDocument | None,
    readings: Mapping[int, int],
    invoice: FeeDocument,
    *,
    again: Sequence[Difference] | None = None,
    left_out: Sequence[str] = (),
) -> ThreeWayCheck:
    """Compare an invoice with the contract that it follows from and the figures that were sealed.

    Each line has to be of a charge of the contract, with its clause and tax, and of the quantity
    and amount that were sealed; each total the same as sealed and as it comes out of the lines and
    the contract's rates. `readings` are the rows that sealed lines count, by position. `again` is
    what came of computing the seal's charges anew, by charge id as `verify_charges` names them;
    None where that wasn't done.
    """
    lines = tuple(_lines(contract, sealed, readings, invoice, again or ()))
    named = {one.charge for one in lines}
    return ThreeWayCheck(
        document=invoice,
        sealed=sealed is not None,
        lines=lines,
        totals=tuple(_totals(contract, sealed, invoice)),
        computed_again=again is not None,
        left_out=tuple(left_out),
        further=tuple(one for one in again or () if one.where not in named),
    )


def _keyed(lines: Iterable[FeeLine]) -> dict[tuple[str, str, str, int], FeeLine]:
    """By charge and what the line is for; several lines of one charge are counted."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = {}
    for line in lines:
        key = (line.charge, line.late, line.restatement)
        seen[key] += 1
        found[*key, seen[key]] = line
    return found


def _lines(
    contract: Contract,
    sealed: FeeDocument | None,
    readings: Mapping[int, int],
    invoice: FeeDocument,
    again: Sequence[Difference],
) -> Iterator[CheckedLine]:
    terms = {one.id: one for one in contract.charges}
    measured = _keyed(sealed.lines if sealed else ())
    invoiced = _keyed(invoice.lines)
    seen: set[str] = set()
    for key in dict.fromkeys([*invoiced, *measured]):
        own, agreed = invoiced.get(key), measured.get(key)
        line = own or agreed
        if line is None:
            continue
        differences = [
            *(_against_contract(contract, terms.get(line.charge), own) if own else ()),
            *(_against_seal(agreed, own, invoice.currency) if sealed else ()),
        ]
        # Computed again are all lines of a charge together, so its first one has what differs.
        if line.charge not in seen:
            differences += [one for one in again if one.where == line.charge]
        seen.add(line.charge)
        yield CheckedLine(
            invoiced=own,
            measured=_measured(agreed, readings) if agreed else None,
            term=terms.get(line.charge),
            charge=line.charge,
            title=line.title,
            differences=tuple(differences),
        )


def _measured(line: FeeLine, readings: Mapping[int, int]) -> MeasuredLine:
    rows = readings.get(line.position)
    return MeasuredLine(line.quantity, line.unit, line.amount, line.meter, rows)


def _against_contract(
    contract: Contract, term: Charge | None, line: FeeLine
) -> Iterator[Difference]:
    if term is None:
        if line.charge not in _OVER_ALL and not line.restatement:
            yield Difference("the contract has no such charge", line.charge)
        return
    clauses = set(_clauses(term.model_dump(mode="json")))
    if line.clause not in clauses and not line.restatement:
        agreed = ", ".join(sorted(clauses))
        yield Difference("the clause is another one", line.charge, agreed, line.clause)
    tax = treatment_of(term.tax or contract.invoicing.tax)
    stated = (line.tax.category, line.tax.rate)
    if stated != (tax.category, tax.rate):
        agreed = tax_title(tax.category, tax.rate, tax.name)
        invoiced = tax_title(line.tax.category, line.tax.rate, line.tax.name)
        yield Difference("the tax is another one", line.charge, agreed, invoiced)


def _clauses(stated: Any) -> Iterator[str]:
    """Of a charge and of its parts, which may have clauses of their own."""
    if isinstance(stated, dict):
        if isinstance(stated.get("clause"), str):
            yield stated["clause"]
        for one in stated.values():
            yield from _clauses(one)
    elif isinstance(stated, list):
        for one in stated:
            yield from _clauses(one)


def _against_seal(
    agreed: FeeLine | None, own: FeeLine | None, currency: str
) -> Iterator[Difference]:
    if agreed is None or own is None:
        line = own or agreed
        what = "it was sealed and isn't invoiced" if own is None else "it was never sealed"
        if line is not None:
            amount = money_text(line.amount, currency)
            expected, found = ("", amount) if agreed is None else (amount, "")
            yield Difference(what, line.charge, expected, found)
        return
    if agreed.quantity != own.quantity or agreed.unit != own.unit:
        expected, found = (f"{plain(one.quantity)} {one.unit}" for one in (agreed, own))
        yield Difference("the quantity is another one", own.charge, expected, found)
    if agreed.amount != own.amount:
        expected, found = (money_text(one.amount, currency) for one in (agreed, own))
        yield Difference("the amount is another one", own.charge, expected, found)


def _totals(
    contract: Contract, sealed: FeeDocument | None, invoice: FeeDocument
) -> Iterator[CheckedTotal]:
    withheld = contract.invoicing.withholding
    rate = withheld.rate if withheld else Decimal(0)
    rows: list[tuple[str, Decimal | None, Decimal | None, Decimal]] = [
        (
            "Charges",
            summed(one.amount for one in invoice.lines),
            sealed.subtotal if sealed else None,
            invoice.subtotal,
        ),
        (
            "Service credit",
            summed(one.amount for one in invoice.allowances),
            sealed.service_credit if sealed else None,
            invoice.service_credit,
        ),
        *_taxes(sealed, invoice),
        (
            "Total",
            invoice.net + invoice.tax,
            sealed.total if sealed else None,
            invoice.total,
        ),
        (
            "Withheld by the client",
            percentage_of(invoice.net, rate, invoice.currency),
            sealed.withholding if sealed else None,
            invoice.withholding,
        ),
        (
            "Payable",
            invoice.total - invoice.withholding,
            sealed.payable if sealed else None,
            invoice.payable,
        ),
    ]
    for title, computed, measured, invoiced in rows:
        yield _total(title, computed, measured, invoiced, invoice.currency)


def _taxes(
    sealed: FeeDocument | None, invoice: FeeDocument
) -> Iterator[tuple[str, Decimal | None, Decimal | None, Decimal]]:
    def key(one: FeeTax) -> tuple[str, Decimal, str | None]:
        return (one.tax.category.value, one.tax.rate, one.tax.reason)

    before = {key(one): one.amount for one in sealed.taxes} if sealed else {}
    for one in invoice.taxes:
        title = tax_title(one.tax.category, one.tax.rate, one.tax.name)
        computed = percentage_of(one.base, one.tax.rate, invoice.currency)
        yield title, computed, before.get(key(one)), one.amount


def _total(
    title: str,
    computed: Decimal | None,
    measured: Decimal | None,
    invoiced: Decimal,
    currency: str,
) -> CheckedTotal:
    differences = []
    stated = money_text(invoiced, currency)
    for value, what in (
        (computed, "it isn't what the lines and the contract's rates come to"),
        (measured, "it isn't what was sealed"),
    ):
        if value is not None and value != invoiced:
            differences.append(Difference(what, title, money_text(value, currency), stated))
    return CheckedTotal(title, computed, measured, invoiced, tuple(differences))
