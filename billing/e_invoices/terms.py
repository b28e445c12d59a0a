"""A fee document as the business terms of EN 16931 (BT and BG), which both syntaxes write."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from billing.e_invoices.amounts import amount_text
from billing.e_invoices.codes import (
    MUTUALLY_DEFINED,
    OTHER_SERVICE,
    OUTSIDE,
    SPECIAL_AGREEMENT,
    TYPES,
)
from billing.e_invoices.lines import lines_of
from billing.e_invoices.parties import (
    both_german,
    buyer,
    delivered_to,
    keeps_german_rules,
    payment,
    seller,
)
from billing.e_invoices.taxes import (
    Adjustment,
    Breakdown,
    adjustments_of,
    breakdowns_of,
    has_other_tax,
    noted_reasons,
)
from billing.e_invoices.values import BILLING, Profile
from billing.e_invoices.wording import said_amount, said_day, said_number, say
from billing.invoices.fee_document import DocumentType, FeeDocument


def business_terms(document: FeeDocument, profile: Profile) -> dict[str, Any]:
    """Every business term that the document states; it must have passed `problems_of`.

    Nothing is computed anew: amounts stand as they were frozen. Tax withheld by the client is no
    part of the norm's amount due (BT-115), which is the total; notes and terms of payment say
    how much of it is withheld.
    """
    breakdowns = breakdowns_of(document)
    codes = {one.category.code for one in breakdowns}
    outside = OUTSIDE in codes
    found = {
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": type_code(document, profile),
        "BT-5": document.currency,
        "BT-9": document.due_on,
        "BT-10": document.buyer_reference,
        "BT-12": document.engagement,
        "BT-13": document.purchase_order,
        "BT-20": _payment_terms(document),
        "BT-23": None if profile is Profile.EN16931 else BILLING,
        "BT-72": document.period.end,
        "BT-73": document.period.start,
        "BT-74": document.period.end,
        "BG-1": [{"BT-22": note} for note in [" ".join(_notes(document))] if note],
        "BG-3": _preceding(document),
        "BG-4": seller(document.seller, profile, outside_vat=outside),
        "BG-7": buyer(document.buyer, profile, outside_vat=outside),
        "BG-13": delivered_to(document.buyer) if "K" in codes else None,
        "BG-23": [_breakdown(document, one, profile) for one in breakdowns],
        "BG-25": lines_of(document),
        **_adjustments(document),
        **_totals(document, breakdowns),
        **payment(document, profile),
    }
    return {key: value for key, value in found.items() if value}


def type_code(document: FeeDocument, profile: Profile) -> str:
    """UNTDID 1001. Peppol takes 384 between Germans only; elsewhere 380 with its reference."""
    corrected = document.type is DocumentType.CORRECTED_INVOICE
    if corrected and profile is Profile.PEPPOL and not both_german(document):
        return TYPES[DocumentType.INVOICE]
    return TYPES[document.type]


def _preceding(document: FeeDocument) -> list[dict[str, Any]]:
    earlier = document.corrects
    return [{"BT-25": earlier.number, "BT-26": earlier.issued_on}] if earlier else []


def _payment_terms(document: FeeDocument) -> str:
    """Terms in lines; after a structured discount German rules want a line's end (BR-DE-18)."""
    lines = [line for text in _terms_of_payment(document) for line in text.splitlines()]
    structured = any(line.lstrip().startswith("#") for line in lines)
    return "\n".join([*lines, ""] if structured else lines)


def _terms_of_payment(document: FeeDocument) -> Iterator[str]:
    if document.payment_terms:
        yield document.payment_terms
    elif document.type is DocumentType.CREDIT_NOTE:
        yield say(document.language, "set_off")
    yield from _withheld(document)


def _notes(document: FeeDocument) -> Iterator[str]:
    """All notes; they stand in one, as Peppol has it (R002)."""
    if document.correction:
        yield document.correction
    yield from _withheld(document)
    yield from _tax_currency_note(document)
    yield from noted_reasons(document)


def _withheld(document: FeeDocument) -> Iterator[str]:
    if document.withholding:
        withheld, payable = (
            said_amount(amount, document.currency, document.language)
            for amount in (document.withholding, document.payable)
        )
        is_note = document.type is DocumentType.CREDIT_NOTE
        what = "withheld_before" if is_note else "withheld"
        yield say(document.language, what, withheld=withheld, payable=payable)


def _tax_currency_note(document: FeeDocument) -> Iterator[str]:
    found = document.tax_currency
    if found:
        yield say(
            document.language,
            "tax_currency",
            tax=said_amount(found.tax, found.currency, document.language),
            rate=said_number(found.rate, document.language),
            currency=found.currency,
            of=document.currency,
            rate_on=said_day(found.rate_on, document.language),
            source=found.source,
        )


def _breakdown(document: FeeDocument, one: Breakdown, profile: Profile) -> dict[str, Any]:
    # German authorities want a rate in every breakdown (BR-DE-14), others none outside of VAT.
    without = "0" if keeps_german_rules(document, profile) else None
    found = {
        "BT-116": amount_text(one.base, document.currency),
        "BT-117": amount_text(one.amount, document.currency),
        "BT-118": one.category.code,
        "BT-119": one.category.rate_text or without,
        "BT-120": one.reason,
        "BT-121": one.vatex,
    }
    return {key: value for key, value in found.items() if value}


def _adjustments(document: FeeDocument) -> dict[str, Any]:
    adjustments = adjustments_of(document)
    taken = [one for one in adjustments if one.amount > 0]
    added = [one for one in adjustments if one.amount < 0]

    def total(found: list[Adjustment]) -> str:
        amount = sum((abs(one.amount) for one in found), Decimal(0))
        return amount_text(amount, document.currency)

    return {
        "BG-20": [_adjustment(document, one, SPECIAL_AGREEMENT) for one in taken],
        "BG-21": [
            _adjustment(document, one, MUTUALLY_DEFINED if one.is_tax else OTHER_SERVICE)
            for one in added
        ],
        "BT-107": total(taken) if taken else None,
        "BT-108": total(added) if added else None,
    }


def _adjustment(document: FeeDocument, one: Adjustment, code: str) -> dict[str, Any]:
    found = {
        "amount": amount_text(abs(one.amount), document.currency),
        "reason": one.reason,
        "reason_code": code,
        "vat_category_code": one.category.code,
        "vat_rate": one.category.rate_text,
    }
    return {key: value for key, value in found.items() if value}


def _totals(document: FeeDocument, breakdowns: tuple[Breakdown, ...]) -> dict[str, Any]:
    currency = document.currency
    tax = sum((one.amount for one in breakdowns), Decimal(0))
    found = {
        "BT-106": amount_text(document.subtotal, currency),
        "BT-109": amount_text(document.total - tax, currency),
        "BT-110": amount_text(tax, currency),
        "BT-112": amount_text(document.total, currency),
        "BT-115": amount_text(document.total, currency),
    }
    declared = document.tax_currency
    if declared and not has_other_tax(document):
        found["BT-6"] = declared.currency
        found["BT-111"] = amount_text(declared.tax, declared.currency)
    return found
