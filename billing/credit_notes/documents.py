"""The credit note as a document, made of the invoice's own and of what is given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from billing.credit_notes.calculation import CreditFigures
from billing.credit_notes.lines import CreditedLine
from billing.invoices.fee_document import (
    DocumentReference,
    DocumentType,
    FeeDocument,
    FeeLine,
)
from governance.errors import Conflict

_PART = "part"
"""What a line counts that gives back a part of an invoice's line."""


def credit_note_document(
    invoice: FeeDocument,
    figures: CreditFigures,
    *,
    reason: str,
    number: str | None = None,
    issued_on: date | None = None,
) -> FeeDocument:
    """What the credit note states; parties, period and order are the invoice's.

    A line that is credited in full keeps its quantity; of another one only the amount is stated.
    """
    if invoice.number is None or invoice.issued_on is None:
        raise Conflict("the invoice isn't issued yet")
    return replace(
        invoice,
        type=DocumentType.CREDIT_NOTE,
        number=number,
        issued_on=issued_on,
        due_on=None,
        lines=_lines(invoice, figures),
        allowances=figures.allowances,
        taxes=figures.taxes,
        subtotal=figures.subtotal,
        service_credit=figures.service_credit,
        total=figures.total,
        withholding=figures.withholding,
        payable=figures.payable,
        tax_currency=figures.tax_currency,
        corrects=DocumentReference(invoice.number, invoice.issued_on),
        correction=reason,
        payment_terms=None,
        estimate=False,
        warnings=(),
    )


def _lines(invoice: FeeDocument, figures: CreditFigures) -> tuple[FeeLine, ...]:
    by_position = {line.position: line for line in invoice.lines}
    return tuple(
        _line(number, by_position[credited.position], credited)
        for number, credited in enumerate(figures.lines, start=1)
    )


def _line(position: int, line: FeeLine, credited: CreditedLine) -> FeeLine:
    whole = credited.amount == line.amount
    return replace(
        line,
        position=position,
        corrects_position=line.position,
        amount=credited.amount,
        quantity=line.quantity if whole else Decimal(1),
        unit=line.unit if whole else _PART,
        steps=line.steps if whole else (),
    )
