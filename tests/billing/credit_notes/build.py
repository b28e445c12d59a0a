"""Invoices as values, priced by the project's own tax rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from billing.charges.values import ChargeLine, TaxLine, TaxTreatment
from billing.invoices.fee_document import (
    Allowance,
    DocumentTax,
    DocumentType,
    FeeDocument,
    FeeLine,
    FeeTax,
    TaxCurrency,
)
from billing.tax import bases_of, percentage_of, tax_lines
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.values import Period, round_money

USUAL = TaxTreatment(TaxCategory.STANDARD, Decimal(19))
SELLER = Party(name="Clearwater Receivables Ltd", country="IE")
BUYER = Party(name="Nordlicht Handel GmbH", country="DE")


def treatment(category: str, rate: str) -> TaxTreatment:
    """A treatment by its words."""
    return TaxTreatment(TaxCategory(category), Decimal(rate))


def make_invoice(
    amounts: Sequence[tuple[str, TaxTreatment]],
    service_credit: str = "0",
    currency: str = "EUR",
    withheld: str = "0",
    restated: Sequence[int] = (),
    declared: TaxCurrency | None = None,
) -> FeeDocument:
    """An issued invoice of these lines; `restated` are the positions of restatements' lines."""
    lines = [_charge(number, *one, restated) for number, one in enumerate(amounts, start=1)]
    credit = round_money(Decimal(service_credit), currency)
    taxes = tax_lines(lines, credit, currency, USUAL)
    subtotal = sum((line.amount for line in lines), round_money(Decimal(0), currency))
    total = subtotal - credit + sum((one.amount for one in taxes), Decimal(0))
    withholding = percentage_of(subtotal - credit, Decimal(withheld), currency)
    return FeeDocument(
        type=DocumentType.INVOICE,
        number="CW-2026-00001",
        issued_on=date(2026, 3, 2),
        due_on=date(2026, 4, 1),
        engagement="ENG-1",
        title="Collections",
        seller=SELLER,
        buyer=BUYER,
        period=Period.month(2026, 2),
        currency=currency,
        lines=tuple(_fee_line(number, line) for number, line in enumerate(lines, start=1)),
        taxes=tuple(FeeTax(_tax(one), one.base, one.amount) for one in taxes),
        subtotal=subtotal,
        service_credit=credit,
        total=total,
        withholding=withholding,
        payable=total - withholding,
        allowances=_allowances(lines, credit, currency),
        tax_currency=declared,
    )


def _charge(number: int, amount: str, tax: TaxTreatment, restated: Sequence[int]) -> ChargeLine:
    return ChargeLine(
        charge=f"CH-{number:02}",
        title=f"Fee {number}",
        clause="4.1",
        quantity=Decimal(1),
        unit="month",
        amount=Decimal(amount),
        steps=(),
        tax=tax,
        restatement="2026-01/1" if number in restated else "",
    )


def _fee_line(position: int, line: ChargeLine) -> FeeLine:
    return FeeLine(
        position=position,
        charge=line.charge,
        title=line.title,
        clause=line.clause,
        quantity=line.quantity,
        unit=line.unit,
        amount=line.amount,
        tax=_tax(line.tax),
        restatement=line.restatement,
    )


def _tax(found: TaxTreatment | TaxLine) -> DocumentTax:
    return DocumentTax(found.category, found.rate, found.reason)


def _allowances(
    lines: Sequence[ChargeLine], credit: Decimal, currency: str
) -> tuple[Allowance, ...]:
    own = [line for line in lines if not line.restatement]
    charged: dict[TaxTreatment, Decimal] = {}
    for line in own:
        charged[line.tax] = charged.get(line.tax, Decimal(0)) + line.amount
    bases = bases_of(own, credit, USUAL, currency)
    shares = ((tax, charged.get(tax, Decimal(0)) - base) for tax, base in bases.items())
    return tuple(
        Allowance(share, _tax(tax), "Service credit", "9.2") for tax, share in shares if share
    )
