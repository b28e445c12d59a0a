"""Invoices of a provider for tests: computed ones as issued, and those of the table of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from billing.e_invoices.taxes import Category
from billing.invoices.fee_document import DocumentType, FeeDocument
from billing.provider_invoices.values import (
    BilledDocument,
    BilledItem,
    BilledTax,
    Expected,
    ExpectedItem,
    ExpectedTax,
    Source,
)
from billing.tax import percentage_of
from governance.values import Period, round_money, summed
from tests.paths import CASES

_STATED = ("subtotal", "net", "tax_total")


@cache
def table() -> Mapping[str, Any]:
    """The whole file."""
    found: Mapping[str, Any] = yaml.safe_load((CASES / "provider_invoices.yaml").read_text("utf-8"))
    return found


def as_issued(document: FeeDocument, number: str) -> FeeDocument:
    """A computed draft as the provider's system would issue it, with the ids that XML needs."""
    return replace(
        document,
        number=number,
        issued_on=document.period.end,
        due_on=document.period.end,
        seller=document.seller.model_copy(update={"vat_id": "IE6388047V"}),
    )


def category(text: str) -> Category:
    """ "S 19"."""
    code, rate = text.split()
    return Category(code, Decimal(rate))


def figures(text: str, currency: str) -> tuple[Decimal | None, Decimal | None, Decimal]:
    """Quantity, price and amount of "3 × 2.50", "3 × 2.50 = 8.00" or "7.50"."""
    product, _, stated = text.partition("=")
    quantity, times, price = (part.strip() for part in product.partition("×"))
    if not times:
        return None, None, Decimal(quantity)
    amount = Decimal(stated.strip()) if stated else Decimal(quantity) * Decimal(price)
    return Decimal(quantity), Decimal(price), round_money(amount, currency)


def expected_of_case(written: Mapping[str, Any]) -> Expected:
    """What contract and evidence say in a case."""
    said = {**table()["expected"], **written}
    items: list[ExpectedItem] = []
    for text in said["lines"]:
        charge, title, product, tax = (part.strip() for part in text.split("|"))
        quantity, price, amount = figures(product, said["currency"])
        items.append(
            ExpectedItem(
                charge, title, amount, category(tax), charge, "4.1", quantity, "pieces", price
            )
        )
    for number, text in enumerate(said["credits"], start=1):
        title, taken, tax = (part.strip() for part in text.split("|"))
        items.append(ExpectedItem(f"credit {number}", title, -Decimal(taken), category(tax)))
    for number, text in enumerate(said.get("sales_taxes", ()), start=1):
        title, due, tax = (part.strip() for part in text.split("|"))
        items.append(ExpectedItem(f"tax {number}", title, Decimal(due), category(tax)))
    return Expected(
        Period.parse(str(said["period"])),
        said["currency"],
        tuple(items),
        tuple(
            ExpectedTax(one, base, percentage_of(base, one.rate, said["currency"]))
            for one, base in _bases([(item.tax, item.amount) for item in items]).items()
        ),
        said["purchase_order"],
        said.get("why_nothing", ""),
    )


def _bases(taxed: list[tuple[Category, Decimal]]) -> dict[Category, Decimal]:
    sums: dict[Category, Decimal] = {}
    for one, amount in taxed:
        sums[one] = sums.get(one, Decimal(0)) + amount
    return sums


def billed_of_case(written: Mapping[str, Any], currency: str) -> BilledDocument:
    """One document of a case."""
    currency = written.get("currency", currency)
    kind = DocumentType(written.get("type", "invoice"))
    sign = -1 if kind is DocumentType.CREDIT_NOTE else 1
    items = [
        _line(number, text, sign, currency) for number, text in enumerate(written["lines"], start=1)
    ]
    for number, text in enumerate(written.get("credits", ()), start=1):
        title, taken, tax = (part.strip() for part in text.split("|"))
        amount = -sign * Decimal(taken)
        items.append(BilledItem(f"allowance {number}", title, amount, tax=category(tax)))
    bases = _bases([(item.tax, item.amount) for item in items if item.tax])
    taxes: dict[Category | None, Decimal] = {
        one: percentage_of(base, one.rate, currency) for one, base in bases.items()
    }
    if "taxes" in written:
        taxes = {
            category(name) if name else None: Decimal(amount)
            for name, amount in written["taxes"].items()
        }
    net = summed(item.amount for item in items)
    total = net + summed(taxes.values())
    stated: dict[str, Any] = {part: Decimal(written[part]) for part in _STATED if part in written}
    return BilledDocument(
        Source.CII,
        kind,
        written["number"],
        date(2026, 2, 1),
        currency,
        tuple(items),
        tuple(BilledTax(one, amount) for one, amount in taxes.items()),
        Decimal(written["total"]) if "total" in written else total,
        Period.month(2026, 1),
        **stated,
    )


def _line(number: int, text: str, sign: int, currency: str) -> BilledItem:
    charge, title, product, tax, *span = (part.strip() for part in text.split("|"))
    quantity, price, amount = figures(product, currency)
    return BilledItem(
        f"line {number}",
        title,
        sign * amount,
        charge,
        quantity=None if quantity is None else sign * quantity,
        price=price,
        tax=category(tax) if tax else None,
        period=Period.parse(span[0]) if span else None,
    )
