"""Charges worked out by hand: contract and usage documents in, the answer of `price` out."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest

from billing.charges.calculation import price
from billing.charges.serialise import priced_period_json
from billing.charges.usage import read_usage
from governance.errors import BadInput
from governance.values import EXACT
from tests.worked import as_json, case_name, contract_of, worked_cases

_CONTRACT = ("engagement", "minimum_commitment", "service_credits", "invoicing")
_USAGE = (
    "meters",
    "indices",
    "service_credit",
    "charged_this_year",
    "charged_before",
    "milestones",
    "mean_monthly_charges",
    "late",
)
_TOTALS = ("subtotal", "credit_base", "service_credit", "withholding", "total", "payable")
WORKED = worked_cases("charges")


def answer_of(case: dict[str, Any]) -> dict[str, Any]:
    """What `plumbline price --json` answers for a case."""
    terms = {key: case[key] for key in _CONTRACT if key in case}
    charges = case["charges"] if "charges" in case else [case["charge"]]
    usage = {key: case[key] for key in _USAGE if key in case}
    document = {"period": case.get("period", "2026-01"), **usage}
    contract = contract_of(charges=charges, **terms)
    return priced_period_json(price(contract, read_usage(as_json(document), "usage.json")))


@pytest.mark.parametrize("case", [each for each in WORKED if "refused" not in each], ids=case_name)
def test_charge(case: dict[str, Any]) -> None:
    answer = answer_of(case)
    found = {
        "lines": [line["amount"] for line in answer["lines"]],
        "ids": [line["charge"] for line in answer["lines"]],
        "taxes": [
            [tax["category"], tax["rate"], tax["base"], tax["amount"]] for tax in answer["taxes"]
        ],
        **{key: answer[key] for key in _TOTALS},
    }
    expected = {key: case[key] for key in found if key in case and key != "service_credit"}
    assert expected, "the case expects nothing"
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("case", [each for each in WORKED if "refused" in each], ids=case_name)
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        answer_of(case)
    assert any(case["refused"] in str(problem) for problem in error.value.problems)


@pytest.mark.parametrize("case", WORKED, ids=case_name)
def test_steps_add_up_to_their_line(case: dict[str, Any]) -> None:
    if "refused" in case:
        return
    for line in answer_of(case)["lines"]:
        amounts = [Decimal(step["amount"]) for step in line["steps"]]
        smallest = Decimal(1).scaleb(Decimal(line["amount"]).as_tuple().exponent)  # type: ignore[arg-type]  # Finite, so a number.
        with localcontext(EXACT):
            assert abs(sum(amounts, Decimal(0)) - Decimal(line["amount"])) <= smallest


def test_every_case_says_its_arithmetic() -> None:
    assert [case_name(case) for case in WORKED if not case.get("arithmetic")] == []
