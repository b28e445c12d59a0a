"""What a credit note's PDF states, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.documents.credit_note import credit_note_context, render_credit_note
from billing.credit_notes.calculation import ByLine, Everything, credit
from billing.credit_notes.documents import credit_note_document
from billing.invoices.fee_document import FeeDocument, TaxCurrency
from tests.app.documents.conftest import page_texts
from tests.billing.credit_notes.build import USUAL, make_invoice, treatment

_INVOICE = make_invoice(
    [("1000.00", USUAL), ("7.50", USUAL), ("320.00", treatment("standard", "7"))], "100.00"
)


def _note(invoice: FeeDocument = _INVOICE) -> FeeDocument:
    figures = credit(invoice, ByLine({1: None, 3: Decimal("80.00")}))
    words = {"reason": "Dispute D-3: the desk was closed.", "number": "CN-2026-00004"}
    return credit_note_document(invoice, figures, issued_on=date(2026, 3, 9), **words)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            (
                "Credit note number CN-2026-00004",
                "Corrects invoice CW-2026-00001",
                "For invoice CW-2026-00001 of 2 Mar 2026: Collections, services of February 2026",
                "Dispute D-3: the desk was closed.",
                "1 in full 19% 1,000.00",
                "3 in part 7% 80.00",
                "Service credit, lapsed −75.33",
                "VAT 19% on 924.67 175.69",
                "VAT 7% on 80.00 5.60",
                "To your credit EUR 1,185.96",
                "EUR 1,185.96 are set off against invoice CW-2026-00001",
                "Page 1 of 1",
            ),
        ),
        (
            "de",
            (
                "Korrektur-Nr. CN-2026-00004",
                "Rechnungskorrektur Zu Rechnung CW-2026-00001 vom 02.03.2026",
                "Berichtigt Rechnung CW-2026-00001",
                "1 vollständig 19 % 1.000,00",
                "Zu Ihren Gunsten EUR 1.185,96",
                "Seite 1 von 1",
            ),
        ),
    ],
)
def test_the_note_states(language: str, texts: tuple[str, ...]) -> None:
    note = replace(_note(), language=language)
    pdf = render_credit_note(note, None)
    (page,) = page_texts(pdf)
    assert [text for text in texts if text not in page] == []
    assert pdf == render_credit_note(note, None)


def test_what_was_withheld_comes_back_less_and_tax_is_declared_at_the_invoices_rate() -> None:
    """15 % of 900.00 withheld; 171.00 EUR of tax at 4.2567 are 727.90 PLN."""
    declared = TaxCurrency("PLN", Decimal("4.2567"), date(2026, 2, 27), "ECB", Decimal("727.90"))
    lines = [("1000.00", USUAL)]
    invoice = make_invoice(lines, "100.00", withheld="15", declared=declared)
    draft = credit_note_document(invoice, credit(invoice, Everything()), reason="wrong client")
    context = credit_note_context(draft, None)
    assert context["heading"] == "Credit note draft"
    shown = [(row.label, row.amount) for row in context["totals"]]
    assert shown[-2:] == [
        ("Total", Decimal("1071.00")),
        ("Tax that you withheld", Decimal("-135.00")),
    ]
    assert context["tax_currency"].total == "PLN\u00a0727.90"
    assert context["tax_currency"].rate == "1\u00a0EUR\u00a0=\u00a04.2567\u00a0PLN"
