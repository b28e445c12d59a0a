"""An invoice or credit note as a value, read from its frozen JSON and from nothing else.

Whoever makes something of an issued document (XML, credit note, journal, statement) starts here,
so that all of them state the figures that were frozen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.errors import BadInput, Problem
from governance.values import Period


class DocumentType(StrEnum):
    """What a fee document is to tax law."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    """Its amounts are positive: what is given back."""
    CORRECTED_INVOICE = "corrected_invoice"
    """A new invoice in place of an earlier one."""


@dataclass(frozen=True, slots=True)
class DocumentTax:
    """A tax treatment as the document states it."""

    category: TaxCategory
    rate: Decimal
    """In %."""
    reason: str | None = None
    """Why there is no tax, as printed."""
    code: str | None = None
    """The same as a code of the VATEX list."""
    name: str | None = None
    """What the tax is called, such as Sales tax; None for VAT."""


@dataclass(frozen=True, slots=True)
class DocumentStep:
    """One piece of a line's arithmetic: quantity × price = amount."""

    quantity: Decimal
    price: Decimal
    amount: Decimal
    text: str = ""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line; its amount is rounded to the currency."""

    position: int
    """Counted from 1."""
    charge: str
    title: str
    clause: str
    quantity: Decimal
    unit: str
    amount: Decimal
    tax: DocumentTax
    steps: tuple[DocumentStep, ...] = ()
    meter: str | None = None
    pass_through: bool = False
    restatement: str = ""
    """The restatement whose difference it charges, as it is cited (2026-03/1)."""
    late: str = ""
    """The earlier period whose late quantity it charges (2026-03)."""
    corrects_position: int | None = None
    """Of a credit note: the invoice's line that it takes back, wholly or in part."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The service credit's share in one tax treatment; it comes off the lines before tax."""

    amount: Decimal
    """Negative for a bonus."""
    tax: DocumentTax
    reason: str
    """What it is given for, in a few words."""
    clause: str = ""
    """Clauses of the contract that it rests on; empty where none is stated."""


@dataclass(frozen=True, slots=True)
class FeeTax:
    """Tax of one treatment on what its lines less their allowances come to."""

    tax: DocumentTax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TaxCurrency:
    """The tax once more in the currency that it is declared in."""

    currency: str
    rate: Decimal
    """What one unit of the document's currency is worth in it."""
    rate_on: date
    source: str
    """Who published the rate."""
    tax: Decimal
    """All taxes together, rounded to that currency."""


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """An earlier document that this one refers to."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class FeeDocument:
    """All that an invoice or credit note states; amounts in `currency`, with its decimals."""

    type: DocumentType
    number: str | None
    """None for a draft, and so are the days."""
    issued_on: date | None
    due_on: date | None
    engagement: str
    """The engagement's reference."""
    title: str
    seller: Party
    buyer: Party
    period: Period
    currency: str
    lines: tuple[FeeLine, ...]
    taxes: tuple[FeeTax, ...]
    subtotal: Decimal
    """Sum of the lines."""
    service_credit: Decimal
    """Sum of the allowances."""
    total: Decimal
    """subtotal − service_credit + taxes."""
    withholding: Decimal
    payable: Decimal
    """total − withholding."""
    allowances: tuple[Allowance, ...] = ()
    purchase_order: str | None = None
    buyer_reference: str | None = None
    tax_currency: TaxCurrency | None = None
    corrects: DocumentReference | None = None
    """The invoice that a credit note or corrected invoice refers to."""
    correction: str | None = None
    """Why it is corrected, in words."""
    language: str = "en"
    profile: str = "en16931"
    payment_terms: str | None = None
    estimate: bool = False
    """Whether it is a draft of figures that may still change."""
    contract_sha256: str | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def net(self) -> Decimal:
        """What the lines less the allowances come to, before tax."""
        return self.subtotal - self.service_credit

    @property
    def tax(self) -> Decimal:
        """All taxes together."""
        return sum((one.amount for one in self.taxes), Decimal(0))


def read_fee_document(source: bytes | Mapping[str, Any]) -> FeeDocument:
    """The document of an `invoice.json` or credit note, as bytes or as the object itself.

    Documents frozen before allowances were stated are read as well: a treatment's share is what
    its lines come to less what is taxed. Raises BadInput where it is no such document.
    """
    try:
        found = json.loads(source) if isinstance(source, bytes) else source
        document = _document(found)
    except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation) as error:
        what = f"this is no invoice or credit note as Plumbline writes them ({error!r})"
        raise BadInput.one(Problem(what, allowed="an unchanged invoice.json")) from error
    return document if "allowances" in found else replace(document, allowances=_shares(document))


def _document(found: Mapping[str, Any]) -> FeeDocument:
    engagement = found["engagement"]
    return FeeDocument(
        type=DocumentType(found.get("type", "invoice")),
        number=found["number"],
        issued_on=_day(found["issued_on"]),
        due_on=_day(found["due_on"]),
        engagement=engagement["reference"],
        title=engagement["title"],
        seller=Party.model_validate(found["provider"]),
        buyer=Party.model_validate(found["client"]),
        period=Period(
            date.fromisoformat(found["period_start"]), date.fromisoformat(found["period_end"])
        ),
        currency=found["currency"],
        lines=tuple(_line(number, each) for number, each in enumerate(found["lines"], start=1)),
        taxes=tuple(_fee_tax(each) for each in found["taxes"]),
        subtotal=Decimal(found["subtotal"]),
        service_credit=Decimal(found["service_credit"]),
        total=Decimal(found["total"]),
        withholding=Decimal(found["withholding"]),
        payable=Decimal(found["payable"]),
        allowances=tuple(_allowance(each) for each in found.get("allowances", ())),
        purchase_order=found["purchase_order"],
        buyer_reference=found.get("buyer_reference"),
        tax_currency=_tax_currency(found.get("tax_currency")),
        corrects=_reference(found.get("corrects")),
        correction=found.get("correction"),
        language=found.get("language", "en"),
        profile=found.get("profile", "en16931"),
        payment_terms=found.get("payment_terms"),
        estimate=found.get("estimate", False),
        contract_sha256=found.get("contract_sha256"),
        warnings=tuple(found.get("warnings", ())),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _line(position: int, found: Mapping[str, Any]) -> FeeLine:
    return FeeLine(
        position=found.get("position", position),
        charge=found["charge"],
        title=found["title"],
        clause=found["clause"],
        quantity=Decimal(found["quantity"]),
        unit=found["unit"],
        amount=Decimal(found["amount"]),
        tax=_tax(found["tax"]),
        steps=tuple(_step(each) for each in found.get("steps", ())),
        meter=found.get("meter"),
        pass_through=found.get("pass_through", False),
        restatement=found.get("restatement", ""),
        late=found.get("late", ""),
        corrects_position=found.get("corrects_position"),
    )


def _step(found: Mapping[str, str]) -> DocumentStep:
    quantity, price, amount = (Decimal(found[key]) for key in ("quantity", "price", "amount"))
    return DocumentStep(quantity, price, amount, found.get("text", ""))


def _tax(found: Mapping[str, str]) -> DocumentTax:
    return DocumentTax(
        TaxCategory(found["category"]),
        Decimal(found["rate"]),
        found.get("reason"),
        found.get("code"),
        found.get("name"),
    )


def _fee_tax(found: Mapping[str, str]) -> FeeTax:
    return FeeTax(_tax(found), Decimal(found["base"]), Decimal(found["amount"]))


def _allowance(found: Mapping[str, Any]) -> Allowance:
    return Allowance(
        Decimal(found["amount"]), _tax(found["tax"]), found["reason"], found.get("clause", "")
    )


def _tax_currency(found: Mapping[str, str] | None) -> TaxCurrency | None:
    if found is None:
        return None
    return TaxCurrency(
        found["currency"],
        Decimal(found["rate"]),
        date.fromisoformat(found["rate_on"]),
        found["source"],
        Decimal(found["tax"]),
    )


def _reference(found: Mapping[str, str] | None) -> DocumentReference | None:
    if found is None:
        return None
    return DocumentReference(found["number"], date.fromisoformat(found["issued_on"]))


def _shares(document: FeeDocument) -> tuple[Allowance, ...]:
    """What each treatment's lines come to less its taxed base."""
    charged: dict[DocumentTax, Decimal] = {}
    for line in document.lines:
        charged[line.tax] = charged.get(line.tax, Decimal(0)) + line.amount
    shares = ((one.tax, charged.get(one.tax, Decimal(0)) - one.base) for one in document.taxes)
    return tuple(
        Allowance(share, tax, "Service credit" if share > 0 else "Bonus")
        for tax, share in shares
        if share
    )
