from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader

from app.documents.invoice import invoice_lines, render_invoice, step_text
from billing.charges.values import Step, TaxLine
from governance.contract.charges import TaxCategory
from sla.service_credits.values import EarnedBack, MilestoneLate, PersistentFailureCredit
from tests.app.documents.conftest import page_texts
from tests.app.documents.contracts import contract
from tests.app.documents.settlements import header, priced, settlement


@pytest.mark.parametrize(
    "text",
    [
        "Clearwater Receivables Ltd",
        "Nordlicht Handel GmbH",
        "Hafenstr. 1",
        "20457 Hamburg",
        "Germany",
        "VAT ID DE123456789",
        "VAT ID IE1234567FA",
        "CW-2026-00005",
        "2 Jun 2026",
        "1 May 2026 – 31 May 2026",
        "2 Jul 2026",
        "PO-4711",
        "ENG-2026-014",
        "CH-02 · Schedule 4, 1.2",
        "units up to 1000: 1,000 × 1.20 = 1,200.00",
        "6,240 ledger rows",
        "Service credit: Collection effectiveness, May 2026",
        "Measured 71.3%, expected 85.0%, minimum 75.0%",
        "−2,380.58",
        "23,805.84",
        "Reverse charge: VAT due by the recipient of the service.",
        "Please pay EUR 21,425.26 by 2 Jul 2026",
        "IE29 AIBK 9311 5212 3456 78",
    ],
)
def test_the_invoice_states(invoice_pages: list[str], text: str) -> None:
    assert text in " ".join(invoice_pages)


def test_what_else_makes_up_a_credit_has_lines_of_its_own() -> None:
    given = settlement().settled_credits[0]
    failed = PersistentFailureCredit(
        0, "SL-01", (given.period,), Decimal("90.00"), Decimal("90.00"), "the third miss in a year"
    )
    late = MilestoneLate("M-1", "Cut-over", 3, Decimal("50.00"), Decimal("50.00"), "3 days late")
    level = replace(given.service_levels[0], bonus=Decimal("20.00"))
    more = replace(
        given, service_levels=(level,), persistent_failures=(failed,), milestones=(late,)
    )
    lines = invoice_lines(settlement(settled_credits=(more,)))
    assert [(" ".join(line.title.split()), line.amount) for line in lines[-3:]] == [
        ("Service credit: persistent failure, May 2026", Decimal("-90.00")),
        ("Service credit: Cut-over, May 2026", Decimal("-50.00")),
        ("Bonus, May 2026", Decimal("20.00")),
    ]


def test_every_page_says_its_number_and_the_contract(invoice_pages: list[str]) -> None:
    for at, page in enumerate(invoice_pages, start=1):
        assert f"Page {at} of {len(invoice_pages)}" in page
        assert f"Contract digest {settlement().contract_sha256[:12]}" in page


def test_the_same_invoice_has_the_same_bytes(invoice_pdf: bytes) -> None:
    assert render_invoice(settlement(), header()) == invoice_pdf


def test_the_file_is_tagged_titled_and_dated_by_the_document(invoice_pdf: bytes) -> None:
    reader = PdfReader(BytesIO(invoice_pdf))
    root = reader.root_object
    assert "/Marked" in str(root["/MarkInfo"].get_object())
    assert str(root["/Lang"]) == "en"
    assert "/StructTreeRoot" in root
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice CW-2026-00005"
    assert str(reader.metadata["/CreationDate"]).startswith("D:20260602")


def test_the_lines_add_up_to_what_is_taxed() -> None:
    lines = invoice_lines(settlement())
    assert sum(line.amount for line in lines) == Decimal("21425.26")


def test_a_quotient_that_never_ends_is_marked() -> None:
    third = Decimal(1) / Decimal(3)
    assert step_text(Step(third, Decimal(30), third * 30), "EUR") == "0.333333 × 30.00 ≈ 10.00"


def test_earned_back_credit_is_a_line_of_its_own() -> None:
    given = settlement().settled_credits[0]
    earned = EarnedBack("SL-02", given.period, Decimal("100.00"), "Schedule 2, 3.2: met since")
    lines = invoice_lines(settlement(settled_credits=(replace(given, earn_backs=(earned,)),)))
    assert lines[-1].amount == Decimal("100.00")
    assert lines[-1].arithmetic == ("Schedule 2, 3.2: met since",)


def test_tax_withholding_and_a_balance_in_favour_of_the_client() -> None:
    base = priced(
        settlement().period,
        taxes=(
            TaxLine(TaxCategory.STANDARD, Decimal(19), Decimal("1000.00"), Decimal("190.00")),
            TaxLine(TaxCategory.EXEMPT, Decimal(0), Decimal("5.00"), Decimal(0), "Art. 135"),
        ),
        withholding=Decimal("75.00"),
        payable=Decimal("-12.50"),
    )
    text = " ".join(page_texts(render_invoice(settlement(priced=base), header())))
    for expected in (
        "VAT 19% on 1,000.00 190.00",
        "Exempt from VAT: Art. 135.",
        "Tax withheld by the client −75.00",
        "In your favour EUR 12.50",
        "Nothing is to be paid: EUR 12.50 stand in your favour.",
    ):
        assert expected in text


def test_a_period_without_charges_still_makes_an_invoice() -> None:
    zero = Decimal("0.00")
    nothing = priced(
        settlement().period,
        lines=(), subtotal=zero, service_credit=zero, taxes=(), total=zero, payable=zero,
    )  # fmt: skip
    settled = settlement(priced=nothing, settled_credits=(), contract=contract(charges=[]))
    text = " ".join(page_texts(render_invoice(settled, header(purchase_order=None))))
    assert "No charges in this period" in text
    assert "Nothing is to be paid." in text


def test_late_rows_say_of_which_period_they_are() -> None:
    given = settlement()
    line = next(one for one in given.priced.lines if one.meter in given.readings)
    reading = given.readings[line.meter or ""]
    late = replace(line, late="2026-03")
    with_late = replace(
        given,
        priced=replace(given.priced, lines=(line, late)),
        readings={reading.meter: reading.leaving_out(2)},
        late_readings={(reading.meter, "2026-03"): reading.late_from("2026-03", "ab" * 32)},
    )
    own, other, *_ = invoice_lines(with_late)
    assert "without 2 that another period’s invoice bills" in own.source
    assert "of March\N{NO-BREAK SPACE}2026 that came after its figures were sealed (" in (
        other.source.replace("March 2026", "March\N{NO-BREAK SPACE}2026")
    )
    assert "abab" in other.source
