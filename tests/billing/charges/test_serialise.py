"""What only few lines and invoices state, and how prices are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.charges.serialise import line_json, priced_period_json, step_json, tax_json
from billing.charges.tiers import bound
from billing.charges.values import ChargeLine, ExchangeRate, PricedPeriod, Step, TaxTreatment
from billing.tax import exemption_code, in_tax_currency, tax_lines, treatment_of, usual_reason
from governance.contract.charges import PriceTier, Tax, TaxCategory
from tests.billing.charges import build

_EXEMPT = Tax(
    category=TaxCategory.EXEMPT, reason="Education", code="VATEX-EU-132-1I", name="Sales tax"
)
_STANDARD = TaxTreatment(TaxCategory.STANDARD, Decimal("7.5"), name="Sales tax")


def _priced() -> PricedPeriod:
    return build.price_of({"type": "fixed", "amount": "100.00"}, {})


def _line(**keys: object) -> ChargeLine:
    return replace(_priced().lines[0], **keys)  # type: ignore[arg-type] # One field of any type.


def test_a_difference_of_a_restated_period_says_which() -> None:
    assert line_json(_line(restatement="2026-03/1"), "EUR")["restatement"] == "2026-03/1"
    assert "restatement" not in line_json(_line(), "EUR")


def test_reason_code_and_name_of_a_tax_are_stated_where_there_are_any() -> None:
    treatment = treatment_of(_EXEMPT)
    assert line_json(_line(tax=treatment), "EUR")["tax"] == {
        "category": "exempt",
        "rate": "0",
        "reason": "Education",
        "code": "VATEX-EU-132-1I",
        "name": "Sales tax",
    }
    exempt, standard = tax_lines(
        [_line(tax=treatment), _line(tax=_STANDARD)], Decimal(0), "EUR", _STANDARD
    )
    stated = {"category": "exempt", "rate": "0", "base": "100.00", "amount": "0.00"}
    assert tax_json(exempt, "EUR") == {
        **stated,
        "reason": "Education",
        "code": "VATEX-EU-132-1I",
        "name": "Sales tax",
    }
    assert tax_json(standard, "EUR") == {
        "category": "standard",
        "rate": "7.5",
        "base": "100.00",
        "amount": "7.50",
        "name": "Sales tax",
    }


def test_taxes_in_the_currency_that_they_are_declared_in() -> None:
    taxes = tax_lines(
        [_line(tax=_STANDARD), _line(amount=Decimal("33.33"), tax=replace(_STANDARD, name=None))],
        Decimal(0),
        "EUR",
        _STANDARD,
    )
    rate = ExchangeRate("JPY", Decimal("160.55"), date(2026, 1, 31), "fx_rates")
    priced = replace(_priced(), taxes=taxes, tax_currency=in_tax_currency(taxes, rate))
    # 7.50 × 160.55 = 1,204.125 and 2.50 × 160.55 = 401.375, each rounded by itself.
    assert priced_period_json(priced)["tax_currency"] == {
        "currency": "JPY",
        "rate": "160.55",
        "rate_on": "2026-01-31",
        "source": "fx_rates",
        "amounts": ["1204", "401"],
        "tax": "1605",
    }
    assert "tax_currency" not in priced_period_json(_priced())


def test_taxes_beyond_twenty_eight_digits_keep_their_cents() -> None:
    (tax,) = tax_lines([_line()], Decimal(0), "EUR", _STANDARD)
    rate = ExchangeRate("USD", Decimal("12345678901.23"), date(2026, 1, 31), "fx_rates")
    stated = in_tax_currency([replace(tax, amount=Decimal("123456789012345678.91"))], rate)
    assert stated.amounts == (Decimal("1524157875323319738110547184.06"),)


@pytest.mark.parametrize(
    ("category", "stated", "code"),
    [
        ("standard", "VATEX-EU-G", None),
        ("zero", "VATEX-EU-G", None),
        ("reverse_charge", None, "VATEX-EU-AE"),
        ("outside_scope", None, "VATEX-EU-O"),
        ("intra_community", None, "VATEX-EU-IC"),
        ("export", None, "VATEX-EU-G"),
        ("export", "VATEX-EU-148-A", "VATEX-EU-148-A"),
        ("exempt", "VATEX-EU-132", "VATEX-EU-132"),
        ("exempt", None, None),
    ],
)
def test_the_code_that_says_why_there_is_no_tax(
    category: str, stated: str | None, code: str | None
) -> None:
    assert exemption_code(TaxCategory(category), stated) == code


def test_the_usual_reason_is_that_of_the_category() -> None:
    assert usual_reason(TaxCategory.OUTSIDE_SCOPE) == "Outside the scope of tax"
    assert usual_reason(TaxCategory.STANDARD) is None


@pytest.mark.parametrize(
    ("price", "text"), [("1E+3", "1000"), ("0.10", "0.10"), ("0.0000000001", "0.0000000001")]
)
def test_prices_are_written_out(price: str, text: str) -> None:
    step = Step(Decimal(1), Decimal(price), Decimal(price))
    assert step_json(step, "EUR")["price"] == text


def test_only_the_last_tier_is_open() -> None:
    with pytest.raises(ValueError, match=r"^only the last tier may be open$"):
        bound(PriceTier(up_to=None, price=Decimal(1)))
