"""The cases that a finance person can read: terms and usage in, lines out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billing.charges.calculation import price
from billing.charges.values import ChargeLine, PricedPeriod
from governance.values import money_text, plain
from tests.billing.charges import build

_CONTRACT_KEYS = ("engagement", "minimum_commitment", "service_credits", "invoicing")
_USAGE_KEYS = (
    "period",
    "indices",
    "charged_this_year",
    "charged_before",
    "milestones",
    "mean_monthly_charges",
    "late",
)


def priced_case(case: dict[str, Any]) -> PricedPeriod:
    """The invoice that a case is about."""
    charges = case["charges"] if "charges" in case else [case["charge"]]
    contract = build.contract(*charges, **{key: case[key] for key in _CONTRACT_KEYS if key in case})
    usage = build.usage(case.get("usage"), **{key: case[key] for key in _USAGE_KEYS if key in case})
    return price(contract, usage)


@pytest.mark.parametrize("case", build.cases("charges"), ids=lambda case: case["name"])
def test_charge(case: dict[str, Any]) -> None:
    priced = priced_case(case)
    found = [f"{line.amount:f}" for line in priced.lines]
    assert found == case["lines"]
    if "titles" in case:
        assert [line.title for line in priced.lines] == case["titles"]
    if "ids" in case:
        assert [line.charge for line in priced.lines] == case["ids"]
    if "credit_base" in case:
        assert money_text(priced.credit_base, priced.currency) == case["credit_base"]
    if "effective_minimum" in case:
        assert [_floor(line) for line in priced.lines] == case["effective_minimum"]
    if "quantities" in case:
        assert [f"{plain(one.quantity)} {one.unit}" for one in priced.lines] == case["quantities"]
    if "rates" in case:
        assert [plain(line.tax.rate) for line in priced.lines] == case["rates"]


def _floor(line: ChargeLine) -> str | None:
    return None if line.effective_minimum is None else f"{line.effective_minimum:f}"


@pytest.mark.parametrize(
    "case",
    [case for case in build.cases("charges") if "steps" in case],
    ids=lambda case: case["name"],
)
def test_steps(case: dict[str, Any]) -> None:
    steps = [step for line in priced_case(case).lines for step in line.steps]
    assert len(steps) == len(case["steps"])
    for step, expected in zip(steps, case["steps"], strict=True):
        text = build.step_text(step)
        assert text == expected or text.startswith(f"{expected} (")


@pytest.mark.parametrize("case", build.cases("tax"), ids=lambda case: case["name"])
def test_tax(case: dict[str, Any]) -> None:
    priced = _taxed(case)
    currency = priced.currency
    found = [
        [
            tax.category.value,
            plain(tax.rate),
            money_text(tax.base, currency),
            money_text(tax.amount, currency),
            *([tax.reason] if tax.reason else []),
        ]
        for tax in priced.taxes
    ]
    assert found == case["taxes"]
    assert money_text(priced.total, currency) == case["total"]
    assert money_text(priced.withholding, currency) == case.get(
        "withheld", money_text(priced.total * 0, currency)
    )
    assert money_text(priced.payable, currency) == case.get("payable", case["total"])
    assert money_text(priced.subtotal, currency) == case.get(
        "subtotal", money_text(priced.subtotal, currency)
    )


def _taxed(case: dict[str, Any]) -> PricedPeriod:
    """Each line stands as cost passed on, the one charge that may be negative."""
    charges = []
    for position, (_, *tax) in enumerate(case["lines"]):
        charge: dict[str, Any] = {"type": "pass_through", "meter": f"cost{position}"}
        if tax:
            category, rate = (*tax, 0)[:2]
            charge["tax"] = {"category": category, "rate": rate}
        charges.append(charge)
    invoicing = {"tax": case["usual"]}
    if "withholding" in case:
        invoicing["withholding"] = {"rate": case["withholding"]}
    engagement = {"currency": case["currency"]} if "currency" in case else {}
    contract = build.contract(*charges, invoicing=invoicing, engagement=engagement)
    meters = {f"cost{position}": line[0] for position, line in enumerate(case["lines"])}
    # Set beside the document, which has no credit below zero: only a settlement earns one back.
    credit = Decimal(case.get("service_credit", "0"))
    return price(contract, replace(build.usage(meters), service_credit=credit))
