"""The table of electronic invoices as fee documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from billing.e_invoices.values import Profile, Syntax
from billing.invoices.fee_document import (
    Allowance,
    DocumentReference,
    DocumentStep,
    DocumentTax,
    DocumentType,
    FeeDocument,
    FeeLine,
    FeeTax,
    TaxCurrency,
)
from billing.tax import percentage_of
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.values import Period, round_money
from tests.paths import CASES


@dataclass(frozen=True, slots=True)
class Case:
    """One document of the table."""

    name: str
    document: FeeDocument
    profiles: tuple[Profile, ...]
    written: Mapping[str, Any]
    """As it stands in the table, with what is usual."""


@cache
def table() -> Mapping[str, Any]:
    """The whole file."""
    found: Mapping[str, Any] = yaml.safe_load((CASES / "e_invoices.yaml").read_text("utf-8"))
    return found


@cache
def cases(kind: str = "cases") -> tuple[Case, ...]:
    """The documents that pass the rules, or those `refused`."""
    return tuple(_case({**table()["usual"], **each}) for each in table()[kind])


def _case(written: Mapping[str, Any]) -> Case:
    profiles = tuple(Profile(name) for name in written["profiles"])
    return Case(written["name"], _document(written), profiles, written)


def _document(written: Mapping[str, Any]) -> FeeDocument:
    currency = written["currency"]
    lines = tuple(
        _line(number, each, currency)
        for number, each in enumerate(written["lines"] * written.get("repeat", 1), start=1)
    )
    allowances = tuple(
        Allowance(Decimal(amount), _tax(name), "Service credit 2026-03", "Schedule 2, 3.1")
        for name, amount in written.get("credit", {}).items()
    )
    subtotal = sum((line.amount for line in lines), Decimal(0))
    credit = sum((one.amount for one in allowances), Decimal(0))
    taxes = _taxes(lines, allowances, currency)
    total = subtotal - credit + sum((one.amount for one in taxes), Decimal(0))
    withholding = Decimal(written.get("withholding", 0))
    return FeeDocument(
        type=DocumentType(written.get("type", "invoice")),
        number=written.get("number", "LW-2026-00004"),
        issued_on=written["issued_on"],
        due_on=None if written.get("type") == "credit_note" else written["due_on"],
        engagement="ENG-2025-001",
        title="Collections and cash application",
        seller=_party(written["seller"]),
        buyer=_party(written["buyer"]),
        period=Period.parse(str(written["period"])),
        currency=currency,
        lines=lines,
        taxes=taxes,
        subtotal=subtotal,
        service_credit=credit,
        total=total,
        withholding=withholding,
        payable=total - withholding,
        allowances=allowances,
        purchase_order=written.get("purchase_order"),
        buyer_reference=written["buyer_reference"],
        tax_currency=_tax_currency(written.get("tax_currency")),
        corrects=_reference(written.get("corrects")),
        language=written.get("language", "en"),
        payment_terms=written.get("payment_terms"),
    )


def _line(position: int, written: str | Mapping[str, Any], currency: str) -> FeeLine:
    further = {} if isinstance(written, str) else {**written}
    text = written if isinstance(written, str) else further.pop("is")
    title, arithmetic, unit, tax = (part.strip() for part in text.split("|"))
    steps = tuple(_step(part) for part in arithmetic.split("+"))
    exact = sum((step.amount for step in steps), Decimal(0))
    return FeeLine(
        position=position,
        charge=f"C-{position:02}",
        title=title,
        clause=further.pop("clause", "not stated"),
        quantity=steps[0].quantity,
        unit=unit,
        amount=round_money(exact, currency),
        tax=_tax(tax),
        steps=steps,
        **further,
    )


def _step(text: str) -> DocumentStep:
    quantity, price = (Decimal(part.strip()) for part in text.split("×"))
    return DocumentStep(quantity, price, quantity * price)


def _tax(name: str) -> DocumentTax:
    found = table()["taxes"][name]
    return DocumentTax(
        TaxCategory(found["category"]),
        Decimal(found.get("rate", 0)),
        found.get("reason"),
        found.get("code"),
        found.get("name"),
    )


def _taxes(
    lines: tuple[FeeLine, ...], allowances: tuple[Allowance, ...], currency: str
) -> tuple[FeeTax, ...]:
    bases: dict[DocumentTax, Decimal] = {}
    for line in lines:
        bases[line.tax] = bases.get(line.tax, Decimal(0)) + line.amount
    for one in allowances:
        bases[one.tax] = bases.get(one.tax, Decimal(0)) - one.amount
    return tuple(
        FeeTax(tax, base, percentage_of(base, tax.rate, currency)) for tax, base in bases.items()
    )


def _party(written: str | Mapping[str, Any]) -> Party:
    if isinstance(written, str):
        return Party.model_validate(table()["parties"][written])
    own = {key: value for key, value in written.items() if key != "of"}
    base = table()["parties"][written["of"]] if "of" in written else {}
    return Party.model_validate({**base, **own})


def _tax_currency(written: Mapping[str, Any] | None) -> TaxCurrency | None:
    if written is None:
        return None
    on: date = written["rate_on"]
    rate, tax = Decimal(written["rate"]), Decimal(written["tax"])
    return TaxCurrency(written["currency"], rate, on, written["source"], tax)


def _reference(written: Mapping[str, Any] | None) -> DocumentReference | None:
    return DocumentReference(**written) if written else None


def named(name: str) -> FeeDocument:
    """One document of the table."""
    return next(case.document for case in cases() if case.name == name)


def written() -> Iterator[tuple[str, Profile, Syntax]]:
    """Every case in every profile and syntax; Peppol carries UBL only."""
    for case in cases():
        for profile in case.profiles:
            yield case.name, profile, Syntax.UBL
            if profile is not Profile.PEPPOL:
                yield case.name, profile, Syntax.CII
