"""Taxes in the currency that they are declared in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.serialise import priced_period_json
from billing.charges.values import ExchangeRate, PricedPeriod, TaxLine
from billing.invoices.fee_document import read_fee_document
from billing.settlement.documents import invoice_json
from billing.settlement.tax_currency import with_tax_currency
from billing.tax import in_tax_currency
from governance.contract.charges import TaxCategory
from governance.contract.document import Contract
from governance.errors import BadInput
from governance.values import Period, round_money
from tests.billing.charges import build
from tests.billing.settlement.cases import settled
from tests.paths import CASES
from tests.sla.kpis.ledgers import ledger_of, rows_of

_CASES = yaml.load((CASES / "tax_currency.yaml").read_bytes(), yaml.BaseLoader)  # noqa: S506 (makes texts only)
_JANUARY = Period.parse("2026-01")


def _taxes(amounts: list[str]) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(TaxCategory.STANDARD, Decimal(rate), Decimal(100), Decimal(amount))
        for rate, amount in enumerate(amounts, start=1)
    )


def _priced(case: dict[str, Any]) -> PricedPeriod:
    zero = Decimal(0)
    taxes = _taxes(case["taxes"])
    return PricedPeriod(
        _JANUARY, case["own"], (), zero, zero, zero, taxes, zero, total=zero, payable=zero
    )


def _contract(case: dict[str, Any]) -> Contract:
    return build.contract(
        invoicing={"tax_currency": case["declared"]}, engagement={"currency": case["own"]}
    )


def _stated(case: dict[str, Any]) -> dict[str, Any] | None:
    table = "\n".join(["on, from, to, rate, source", *case["rates"]])
    with ledger_of({"fx_rates": rows_of(table)}) as ledger:
        priced = with_tax_currency(_priced(case), _contract(case), ledger)
    found: dict[str, Any] | None = priced_period_json(priced).get("tax_currency")
    return found


@pytest.mark.parametrize(
    "case", [one for one in _CASES if "missing" not in one], ids=lambda case: case["name"]
)
def test_taxes_are_stated(case: dict[str, Any]) -> None:
    expected = case.get("says")
    assert _stated(case) == (expected and {"currency": case["declared"], **expected})


@pytest.mark.parametrize(
    "case", [one for one in _CASES if "missing" in one], ids=lambda case: case["name"]
)
def test_a_missing_rate_says_which_row_to_hand_in(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        _stated(case)
    assert case["missing"] in str(error.value.problems[0])


@given(
    st.lists(st.decimals(-10_000, 10_000, places=2), min_size=1, max_size=5),
    st.decimals("0.0001", 1000, places=10),
    st.sampled_from(["JPY", "EUR", "KWD"]),
)
def test_what_is_stated_adds_up_in_every_currency(
    amounts: list[Decimal], rate: Decimal, currency: str
) -> None:
    taxes = _taxes([f"{amount:f}" for amount in amounts])
    stated = in_tax_currency(taxes, ExchangeRate(currency, rate, _JANUARY.end, "ECB"))
    assert stated.total == sum(stated.amounts)
    half = Decimal(1).scaleb(stated.amounts[0].as_tuple().exponent) / 2  # type: ignore[arg-type]  # Finite, so a number.
    for amount, found in zip(amounts, stated.amounts, strict=True):
        assert found == round_money(found, currency)
        assert abs(found - amount * rate) <= half


def test_a_settlement_states_it_with_its_source() -> None:
    case = {
        "period": "2026-01",
        "replace": {
            "service_levels": [],
            "service_credits": "none",
            "charges": [{"id": "CH-1", "title": "Fee", "type": "fixed", "amount": "1000.00"}],
        },
        "change": {
            "invoicing": {"tax": {"category": "standard", "rate": 19}, "tax_currency": "PLN"}
        },
        "evidence": {"fx_rates": "on, from, to, rate, source\n2026-01-31, EUR, PLN, 4.2567, ECB"},
    }
    invoice = invoice_json(settled(case))
    assert invoice["tax_currency"]["tax"] == "808.77"
    assert "fx_rates" in {each["dataset"] for each in invoice["evidence"]}
    read = read_fee_document(invoice).tax_currency
    assert read is not None
    assert (read.currency, read.rate, read.tax) == ("PLN", Decimal("4.2567"), Decimal("808.77"))
