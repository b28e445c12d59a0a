"""What the PDFs of statements and reminders state, in both languages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.documents.formatting import amount
from app.documents.language import in_language
from app.documents.reminder import Tone, formula, render_reminder, title_of, tone_of
from app.documents.statement import render_statement
from billing.reminders.letter import letter_json, read_letter
from governance.tables import canonical_json
from tests.app.documents.accounts import half_year, late_contract, letter, uncharged
from tests.app.documents.conftest import page_texts


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            (
                "Statement of account Collections and cash application, 1 Jan 2026 to 15 Jun 2026",
                "1 Jan 2026 Opening balance 0.00",
                "Credit note CN-2026-00003 CW-2026-00003 1,204.00 25,980.55",
                "Closing balance on 15 Jun 2026 94,512.90 29,886.10 64,626.80",
                "20,113.90 16,377.35 18,000.00 7,980.55 0.00 2,400.00 64,871.80",
                "Open invoices 64,871.80 Interest and fees charged 5.00 Paid on account −250.00",
                "Balance EUR 64,626.80",
                "have come to EUR 587.14 by 15 Jun 2026",
                "Due by now EUR 42,112.90",
            ),
        ),
        (
            "de",
            (
                "Kontoauszug Collections and cash application, 01.01.2026 bis 15.06.2026",
                "Endsaldo am 15.06.2026 94.512,90 29.886,10 64.626,80",
                "Bereits fällig 42.112,90 EUR",
                "Seite 1 von 2",
            ),
        ),
    ],
)
def test_the_statement_states(language: str, texts: tuple[str, ...]) -> None:
    contract = late_contract(language)
    found = half_year()
    said = " ".join(page_texts(render_statement(contract, found, uncharged(contract))))
    assert [text for text in texts if text not in said] == []
    with in_language(language):
        for line in found.lines:
            assert amount(line.balance, "EUR") in said
            assert line.movement.reference in said


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            (
                "Second payment reminder Collections and cash application Dear Sir or Madam",
                "Please pay EUR 42,705.04 by 25 Jun 2026",
                "CW-2026-00004 3 May 2026 April 2026 2 Jun 2026 13 2,400.00 16,377.35",
                "Interest for late payment 467.14 Lump sum for late payment 120.00",
                "Fee of this reminder 5.00 Charged with earlier reminders 5.00",
                "To pay EUR 42,705.04",
                "21 Apr 2026 15 Jun 2026 56 7,980.55 11.4% 212.59",
                "9 percentage points above ECB base rate",
            ),
        ),
        (
            "de",
            (
                "Zweite Mahnung",
                "Bitte bezahlen Sie 42.705,04 EUR bis zum 25.06.2026",
                "Verzugszinsen 467,14 Verzugspauschale 120,00 Mahngebühr 5,00",
                "Zu zahlen EUR 42.705,04",
                "9 Prozentpunkte über ECB base rate",
            ),
        ),
    ],
)
def test_the_reminder_states(language: str, texts: tuple[str, ...]) -> None:
    found = replace(letter(late_contract(language), 2, charges=True), number="RM-2")
    pdf = render_reminder(found)
    said = " ".join(page_texts(pdf))
    assert [text for text in texts if text not in said] == []
    assert render_reminder(read_letter(canonical_json(letter_json(found)))) == pdf


def test_the_first_reminder_is_polite_and_tells_what_isnt_charged() -> None:
    (page,) = page_texts(render_reminder(letter(late_contract())))
    assert "We would be grateful if you paid EUR 42,107.90 by 25 Jun 2026" in page
    assert "It has come to EUR 587.14 so far and isn’t charged with this letter" in page
    assert "How the interest is computed" not in page


def test_every_step_is_firmer_and_the_contracts_last_one_is_final() -> None:
    contract = late_contract()
    tones = [tone_of(letter(contract, step)) for step in (1, 2, 3)]
    assert tones == [Tone.FRIENDLY, Tone.FIRM, Tone.FINAL]
    charges = replace(letter(contract), level=0, charges=True)
    assert tone_of(charges) is Tone.CHARGES
    assert title_of(charges) == "Charges for late payment"
    assert title_of(replace(letter(contract), level=4)) == "Payment reminder no. 4"


def test_the_formula_names_the_days_of_the_year() -> None:
    terms = late_contract().invoicing.late_payment
    assert terms is not None
    plain = terms.model_copy(update={"above": None, "day_count": 360})
    assert formula(plain).startswith("For each stretch of days: amount × rate ÷ 100 × days ÷ 360")
    assert "above" not in formula(plain)


def test_a_letter_adds_up() -> None:
    found = letter(late_contract(), 3, charges=True)
    assert found.total == found.asked + found.charged + found.earlier - found.on_account
    assert found.charged == found.fee + found.interest + found.lump_sum
    assert replace(found, charges=False).charged == Decimal("15.00")
