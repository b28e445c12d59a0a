"""A fee document as the JSON that `read_fee_document` reads back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.invoices.fee_document import (
    Allowance,
    DocumentStep,
    DocumentTax,
    FeeDocument,
    FeeLine,
    FeeTax,
    TaxCurrency,
)
from governance.values import money_text, plain


def fee_document_json(document: FeeDocument) -> dict[str, Any]:
    """The object to freeze as canonical JSON, for documents that no settlement writes.

    Amounts have the currency's decimals; keys that a document has no use for are left out.
    """
    currency = document.currency

    def money(amount: Decimal) -> str:
        return money_text(amount, currency)

    return _head(document) | {
        "engagement": {"reference": document.engagement, "title": document.title},
        "provider": document.seller.model_dump(mode="json"),
        "client": document.buyer.model_dump(mode="json"),
        "period": document.period.label,
        "period_start": document.period.start.isoformat(),
        "period_end": document.period.end.isoformat(),
        "currency": currency,
        "lines": [_line(line, currency) for line in document.lines],
        "allowances": [allowance_json(one, currency) for one in document.allowances],
        "subtotal": money(document.subtotal),
        "service_credit": money(document.service_credit),
        "taxes": [_fee_tax(one, currency) for one in document.taxes],
        "withholding": money(document.withholding),
        "total": money(document.total),
        "payable": money(document.payable),
        "warnings": list(document.warnings),
    }


def _head(document: FeeDocument) -> dict[str, Any]:
    always = {
        "type": document.type.value,
        "number": document.number,
        "issued_on": document.issued_on.isoformat() if document.issued_on else None,
        "due_on": document.due_on.isoformat() if document.due_on else None,
        "purchase_order": document.purchase_order,
        "language": document.language,
        "profile": document.profile,
    }
    corrects = document.corrects
    further = {
        "buyer_reference": document.buyer_reference,
        "payment_terms": document.payment_terms,
        "contract_sha256": document.contract_sha256,
        "estimate": document.estimate or None,
        "tax_currency": _tax_currency(document.tax_currency) if document.tax_currency else None,
        "corrects": corrects
        and {"number": corrects.number, "issued_on": corrects.issued_on.isoformat()},
        "correction": document.correction,
    }
    return always | {key: value for key, value in further.items() if value is not None}


def _line(line: FeeLine, currency: str) -> dict[str, Any]:
    further = {
        "restatement": line.restatement or None,
        "late": line.late or None,
        "corrects_position": line.corrects_position,
    }
    return {
        "position": line.position,
        "charge": line.charge,
        "title": line.title,
        "clause": line.clause,
        "quantity": plain(line.quantity),
        "unit": line.unit,
        "amount": money_text(line.amount, currency),
        "steps": [_step(step) for step in line.steps],
        "tax": document_tax_json(line.tax),
        "pass_through": line.pass_through,
        "meter": line.meter,
    } | {key: value for key, value in further.items() if value is not None}


def _step(step: DocumentStep) -> dict[str, str]:
    numbers = {"quantity": step.quantity, "price": step.price, "amount": step.amount}
    stated = {name: format(value, "f") for name, value in numbers.items()}
    return stated | ({"text": step.text} if step.text else {})


def document_tax_json(tax: DocumentTax) -> dict[str, str]:
    """A treatment; reason, code and name only where there is one."""
    further = {"reason": tax.reason, "code": tax.code, "name": tax.name}
    stated = {"category": tax.category.value, "rate": plain(tax.rate)}
    return stated | {key: value for key, value in further.items() if value}


def allowance_json(allowance: Allowance, currency: str) -> dict[str, Any]:
    """A share of the service credit; its clause only where there is one."""
    return {
        "amount": money_text(allowance.amount, currency),
        "tax": document_tax_json(allowance.tax),
        "reason": allowance.reason,
        **({"clause": allowance.clause} if allowance.clause else {}),
    }


def _fee_tax(tax: FeeTax, currency: str) -> dict[str, str]:
    amounts = {"base": tax.base, "amount": tax.amount}
    return document_tax_json(tax.tax) | {
        name: money_text(amount, currency) for name, amount in amounts.items()
    }


def _tax_currency(found: TaxCurrency) -> dict[str, str]:
    return {
        "currency": found.currency,
        "rate": plain(found.rate),
        "rate_on": found.rate_on.isoformat(),
        "source": found.source,
        "tax": money_text(found.tax, found.currency),
    }
