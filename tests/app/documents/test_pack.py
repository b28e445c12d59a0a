from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from app.documents.pack import render_pack
from app.documents.pack_levels import level_views
from app.documents.pack_summary import attention, headline, key_figures
from sla.service_credits.values import (
    Claim,
    ClaimState,
    MilestoneLate,
    PersistentFailureCredit,
)
from tests.app.documents.conftest import page_texts
from tests.app.documents.contracts import LEVELS, contract
from tests.app.documents.settlements import (
    fake_digest,
    priced,
    settlement,
)


@pytest.mark.parametrize(
    "text",
    [
        "Four of six service levels were met in May 2026.",
        "One fell below the expected level. One fell below the minimum.",
        "a service credit of EUR 2,380.58, on this period's invoice",
        "71.3% 85.0% 75.0% ↓ 13.8 worse",
        "✗ Below minimum",
        "12 Apr 2026 to 18 Apr 2026 holds 61% fewer invoices",
    ],
)
def test_the_first_page_says(pack_pages: list[str], text: str) -> None:
    assert text in pack_pages[0]


def test_every_service_level_has_its_page(pack_pages: list[str]) -> None:
    for case, page in zip(LEVELS, pack_pages[2:], strict=False):
        for expected in (
            case.title,
            f"Schedule 2, 3.{case.id[-1]}",
            fake_digest(case.kpi),
            fake_digest("invoices"),
            "Numerator",
            "Denominator",
        ):
            assert expected in page


def test_the_appendix_names_every_digest(pack_pages: list[str]) -> None:
    appendix = " ".join(pack_pages[-2:])
    names = [case.kpi for case in LEVELS]
    for name in ("contract", "receipts", "invoices_issued", *names):
        assert fake_digest(name) in appendix


def test_pages_are_counted_and_bookmarked(pack_pdf: bytes, pack_pages: list[str]) -> None:
    for at, page in enumerate(pack_pages, start=1):
        assert f"Page {at} of {len(pack_pages)}" in page
    outline = [item for item in PdfReader(BytesIO(pack_pdf)).outline if not isinstance(item, list)]
    titles = [item.title for item in outline]
    assert titles[:3] == [
        "Collections and cash application",
        "About this pack",
        "Collection effectiveness",
    ]
    assert titles[-2:] == ["Charges and service credit", "Appendix"]


def test_charts_are_vectors(pack_pdf: bytes) -> None:
    assert not [image for page in PdfReader(BytesIO(pack_pdf)).pages for image in page.images]


def test_the_same_pack_has_the_same_bytes(pack_pdf: bytes) -> None:
    assert render_pack(settlement(), {}) == pack_pdf


def test_a_level_without_data_is_named_and_not_met() -> None:
    settled = settlement()
    without = settlement(measured=settled.history[4], history=settled.history[:4])
    levels = level_views(without, {})
    assert [level.is_met for level in levels].count(False) == 1
    sentences = attention(without, levels)
    assert "SL-04 Disputed invoices: no data; the evidence for it is missing." in sentences
    assert key_figures(without, levels)[0].value == "5 of 6"


def test_a_met_level_that_declines_is_named() -> None:
    settled = settlement()
    two = settlement(measured=settled.history[8], history=settled.history[:8])
    three = settlement(measured=settled.history[9], history=settled.history[:9])
    decline = "SL-04 Disputed invoices: met at 1.8%, but worse for 3 periods in a row."
    assert not any("in a row" in sentence for sentence in attention(two, level_views(two, {})))
    assert decline in attention(three, level_views(three, {}))


def test_a_contract_without_levels_and_credits_has_a_pack() -> None:
    bare = contract(service_levels=[], service_credits=None)
    settled = settlement()
    measured = type(settled.measured)(settled.period, "EUR", ())
    settled = settlement(
        contract=bare,
        measured=measured,
        history=(),
        credits=None,
        settled_credits=(),
        priced=priced(settled.period, service_credit=Decimal("0.00")),
    )
    assert headline(settled, ()) == (
        "The contract sets no service levels for May\u00a02026."
        " The contract agrees no service credits."
    )
    assert "Charges and service credit" in " ".join(page_texts(render_pack(settled, {})))


_UNTIL = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"bonus": Decimal(80), "net": Decimal("2300.58")},
            (
                "This costs the provider a service credit of EUR 2,300.58, on this period's"
                " invoice, after a bonus of EUR 80.00."
            ),
        ),
        (
            {"bonus": Decimal(3000), "net": Decimal("-619.42")},
            "The provider is due a net bonus of EUR 619.42, on this period's invoice.",
        ),
        (
            {"earned_back": Decimal(3000), "net": Decimal("-619.42")},
            "The provider earns back EUR 619.42, on this period's invoice.",
        ),
        (
            {"claim": Claim(ClaimState.OPEN, _UNTIL)},
            (
                "This costs the provider a service credit of EUR 2,380.58, on this period's"
                " invoice, if the client claims it by 30 Jun 2026."
            ),
        ),
        (
            {"claim": Claim(ClaimState.CLAIMED, _UNTIL, _UNTIL)},
            "This costs the provider a service credit of EUR 2,380.58, on this period's invoice.",
        ),
        (
            {"claim": Claim(ClaimState.LAPSED, _UNTIL), "net": Decimal(0)},
            "A service credit of EUR 2,380.58 lapsed, as nobody claimed it by 30 Jun 2026.",
        ),
    ],
)
def test_the_first_page_says_what_it_costs(changes: dict[str, Any], sentence: str) -> None:
    settled = settlement()
    assert settled.credits is not None
    settled = replace(settled, credits=replace(settled.credits, **changes))
    text = headline(settled, level_views(settled, {})).replace("\u00a0", " ")
    assert text.endswith(sentence)


def test_the_money_page_names_what_the_credit_is_made_of() -> None:
    settled = settlement()
    assert settled.credits is not None
    month, zero = settled.period, Decimal(0)
    failure = PersistentFailureCredit(0, "SL-02", (month,), zero, Decimal("12.34"), "Often")
    late = MilestoneLate("M-1", "Portal live", 3, zero, Decimal("56.78"), "Late")
    given = replace(
        settled.credits,
        persistent_failures=(failure,),
        milestones=(late,),
        bonus=Decimal("90.12"),
        claim=Claim(ClaimState.OPEN, _UNTIL),
    )
    text = " ".join(page_texts(render_pack(replace(settled, credits=given), {})))
    for expected in ("persistent failure, SL-02", "12.34", "Of it Portal live", "56.78", "90.12"):
        assert expected in text
    assert "open, last day 30 Jun 2026" in text.replace("\u00a0", " ")
