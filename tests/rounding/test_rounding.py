"""Every row of the page on rounding is what the product computes, and the page is current."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from billing.charges.calculation import price
from billing.charges.values import PricedPeriod
from governance.contract.kpi_signature import Direction
from governance.values import EXACT, minor_digits, money_text, plain, round_half_up
from sla.evidence.ledger import open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.measurements.statuses import status_of
from sla.service_credits.cap import share_out
from tests.billing.charges import build
from tests.rounding.page import PAGE, PARTS, page_markdown, page_parts, rows
from tests.sla.evidence.handing_in import INVOICES_HEADING, write_files

_CENTS_OF_A_SHARE = 4


def _says(row: dict[str, Any]) -> str:
    return str(row.get("says", row.get("value")))


def _engagement(row: dict[str, Any]) -> dict[str, str]:
    return {"currency": row["currency"]} if "currency" in row else {}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_markdown(), "run make rounding-docs"
    parts = {one.name: one.read_text(encoding="utf-8") for one in PARTS.iterdir()}
    assert parts == page_parts(), "run make rounding-docs"


@pytest.mark.parametrize("row", rows("lines"), ids=_says)
def test_line(row: dict[str, Any]) -> None:
    charges = row.get("charges") or [row["charge"]]
    contract = build.contract(*charges, engagement=_engagement(row))
    more = {"indices": row.get("indices", {})} | row.get("usage", {})
    priced = price(contract, build.usage(row.get("meters"), **more))
    lines = [line.amount for line in priced.lines if line.charge == contract.charges[-1].id]
    assert " + ".join(f"{amount:f}" for amount in lines) == row["line"]
    with localcontext(EXACT):
        digits = -int(lines[0].as_tuple().exponent)
        assert round_half_up(_value(row["exact"]), digits) == lines[0]


def _value(arithmetic: str) -> Decimal:
    """A number, or products and quotients that are written out from left to right."""
    words = arithmetic.replace("(", "( ").replace(")", " )").split()
    return _sum(words)


def _sum(words: list[str]) -> Decimal:
    total = _product(words)
    while words and words[0] == "+":
        words.pop(0)
        total += _product(words)
    return total


def _product(words: list[str]) -> Decimal:
    value = _factor(words)
    while words and words[0] in {"×", "/"}:
        sign = words.pop(0)
        value = value * _factor(words) if sign == "×" else value / _factor(words)
    return value


def _factor(words: list[str]) -> Decimal:
    word = words.pop(0)
    if word != "(":
        return Decimal(word)
    value = _sum(words)
    assert words.pop(0) == ")"
    return value


@pytest.mark.parametrize("row", rows("limits"), ids=_says)
def test_limit(row: dict[str, Any]) -> None:
    value = Decimal(row["value"])
    if "round_to" in row:
        value = round_half_up(value, row["round_to"])
    assert f"{value:f}" == row["rounded"]
    bounds = Decimal(row["expected"]), Decimal(row["minimum"])
    assert status_of(value, *bounds, Direction.HIGHER_IS_BETTER) == row["status"]


@pytest.mark.parametrize("row", rows("caps"), ids=_says)
def test_cap(row: dict[str, Any]) -> None:
    cap = Decimal(row["cap"])
    credits_ = {level: Decimal(amount) for level, amount in row["credits"].items()}
    with localcontext(EXACT):
        shares = share_out(cap, credits_, row.get("currency", "EUR"))
        whole = sum(credits_.values())
        exact = {
            level: f"{round_half_up(cap * amount / whole, _CENTS_OF_A_SHARE):f}"
            for level, amount in credits_.items()
        }
    assert {level: f"{share:f}" for level, share in shares.items()} == row["shares"]
    assert sum(shares.values()) == cap
    assert exact == row["exact"]


@pytest.mark.parametrize("row", rows("taxes"), ids=_says)
def test_tax(row: dict[str, Any]) -> None:
    priced = _taxed(row)
    currency = priced.currency
    found = [
        [tax.category.value, plain(tax.rate), f"{tax.base:f}", f"{tax.amount:f}"]
        for tax in priced.taxes
    ]
    assert found == row["taxes"]
    assert money_text(priced.total, currency) == row["total"]
    assert money_text(priced.payable, currency) == row.get("payable", row["total"])


def _taxed(row: dict[str, Any]) -> PricedPeriod:
    """Each line stands as cost passed on."""
    charges = [
        {"type": "pass_through", "meter": f"cost{index}", "tax": dict(_treatment(*line[1:]))}
        for index, line in enumerate(row["lines"])
    ]
    invoicing = {"withholding": {"rate": row["withholding"]}} if "withholding" in row else {}
    contract = build.contract(*charges, engagement=_engagement(row), invoicing=invoicing)
    meters = {f"cost{index}": line[0] for index, line in enumerate(row["lines"])}
    return price(contract, build.usage(meters, service_credit=row.get("credit", "0")))


def _treatment(category: str, rate: int = 0) -> dict[str, Any]:
    return {"category": category, "rate": rate}


@pytest.mark.parametrize("row", rows("conversions"), ids=_says)
def test_conversion(row: dict[str, Any], tmp_path: Path) -> None:
    amount, converted = row["invoice"]
    parts = "".join(
        f"R1,I1,{part},{date(2013, 1, day)}\n" for day, (part, _) in enumerate(row["settled"], 10)
    )
    source = write_files(
        tmp_path / "in",
        {
            "invoices.csv": f"{INVOICES_HEADING}I1,C1,2013-01-02,2013-02-01,USD,{amount}\n",
            "allocations.csv": f"receipt_id,invoice_id,amount,applied_on\n{parts}",
            "fx_rates.csv": f"on,from,to,rate\n2013-01-02,USD,EUR,{row['rate']}\n",
        },
    )
    files = require_clean(read_evidence(source, tmp_path / "store")).files
    with open_ledger(files, "EUR") as ledger:
        invoice = ledger.connection.execute("SELECT amount FROM invoices").fetchall()
        settled = ledger.connection.execute(
            "SELECT amount FROM allocations ORDER BY applied_on"
        ).fetchall()
    assert [f"{found:.2f}" for (found,) in invoice] == [converted]
    assert [f"{found:.2f}" for (found,) in settled] == [after for _, after in row["settled"]]


def test_decimals_are_those_of_iso_4217() -> None:
    """Minor units as the standard's list of active currencies has them."""
    without = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
    three = "BHD IQD JOD KWD LYD OMR TND"
    two = "AFN ALL EUR GBP HUF IRR LBP MGA RSD SYP TWD USD YER"
    for digits, codes in ((0, without), (3, three), (2, two), (4, "CLF UYW")):
        assert {code: minor_digits(code) for code in codes.split()} == dict.fromkeys(
            codes.split(), digits
        )
