"""Measured values against a contract, and the spans that they are measured over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import Window
from governance.errors import BadInput
from governance.values import Period, round_half_up
from sla.kpis.catalogue import load_catalogue
from sla.measurements.calculation import measure, status_of
from sla.measurements.serialise import measured_period_json
from sla.measurements.values import MeasuredPeriod, Status
from sla.measurements.windows import window_of
from tests.paths import CASES
from tests.sla.kpis.ledgers import ledger_of, rows_of


def _cases(kind: str) -> list[dict[str, Any]]:
    text = (CASES / "kpis_measurements.yaml").read_text(encoding="utf-8")
    cases = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (the base loader builds text only)
    return list(cases[kind])


@pytest.mark.parametrize(
    ("terms", "value", "status"),
    [
        (terms, value, status)
        for terms in _cases("statuses")
        for value, status in terms["values"].items()
    ],
)
def test_status(terms: dict[str, str], value: str, status: str) -> None:
    number = Decimal(value)
    if "round_to" in terms:
        number = round_half_up(number, int(terms["round_to"]))
    minimum = Decimal(terms["minimum"]) if "minimum" in terms else None
    found = status_of(number, Decimal(terms["expected"]), minimum, Direction(terms["direction"]))
    assert found is Status(status)


def test_no_value_is_no_data() -> None:
    assert status_of(None, Decimal(0), None, Direction.LOWER_IS_BETTER) is Status.NO_DATA


@pytest.mark.parametrize(
    "case", _cases("windows"), ids=lambda each: f"{each['window']}-{each['period']}"
)
def test_window(case: dict[str, str]) -> None:
    window = window_of(Window(case["window"]), Period.parse(case["period"]))
    assert window == Period(date.fromisoformat(case["start"]), date.fromisoformat(case["end"]))


def _contract(*levels: Mapping[str, object]) -> Contract:
    party = {"name": "Somebody", "country": "DE"}
    return Contract.model_validate(
        {
            "plumbline": 1,
            "engagement": {
                "reference": "ENG-1",
                "title": "Collections",
                "model": "full",
                "client": party,
                "provider": party,
                "currency": "EUR",
                "starts": date(2026, 1, 1),
            },
            "service_levels": [
                {"id": f"SL-{number}", "title": "A level", **level}
                for number, level in enumerate(levels, 1)
            ],
        }
    )


_INVOICES = """
    invoice_id, issue_date, due_date, amount
    I1, 2026-01-01, 2026-01-31, 100
    I2, 2026-02-01, 2026-03-03, 200
"""


def _measure(contract: Contract, period: str = "2026-02") -> MeasuredPeriod:
    with ledger_of({"invoices": rows_of(_INVOICES), "allocations": []}) as ledger:
        return measure(contract, ledger, Period.parse(period), load_catalogue())


def test_measured_period_as_json() -> None:
    contract = _contract(
        {
            "kpi": "share_past_due",
            "parameters": {"current": {"days": "30"}},
            "expected": "33.3",
            "minimum": "40.0",
            "round_to": 1,
            "starts": date(2026, 3, 1),
        },
        {"kpi": "cash_collected", "window": "quarter", "expected": "1000"},
    )
    measured = measured_period_json(_measure(contract))
    catalogue = load_catalogue()
    invoices = {"dataset": "invoices", "sha256": "sha256 of invoices"}
    allocations = {"dataset": "allocations", "sha256": "sha256 of allocations"}
    assert measured["period"] == {"start": "2026-02-01", "end": "2026-02-28"}
    assert measured["currency"] == "EUR"
    assert measured["warnings"][0] == (
        "no adjustments were handed in, so none are counted in Share of the receivable past due"
    )
    assert measured["results"] == [
        {
            "service_level": "SL-1",
            "kpi": "share_past_due",
            "parameters": {"current": "days:30"},
            "window": {"start": "2026-02-01", "end": "2026-02-28"},
            "unrounded": "33.333333333333",
            "value": "33.3",
            "unit": "%",
            "direction": "lower_is_better",
            "expected": "33.3",
            "minimum": "40.0",
            "status": "met",
            "consequential": False,
            "numerator": "100",
            "denominator": "300",
            "rows": 2,
            "evidence": [invoices, allocations],
            "definition_sha256": catalogue["share_past_due"].sha256,
            "contract_version": None,
            "contract_sha256": "",
            "no_consequence": "no consequence before 2026-03-01 (learning period)",
        },
        {
            "service_level": "SL-2",
            "kpi": "cash_collected",
            "parameters": {},
            "window": {"start": "2026-01-01", "end": "2026-02-28"},
            "unrounded": None,
            "value": None,
            "unit": "EUR",
            "direction": "higher_is_better",
            "expected": "1000",
            "minimum": None,
            "status": "no_data",
            "consequential": True,
            "numerator": None,
            "denominator": None,
            "rows": 0,
            "evidence": [allocations],
            "definition_sha256": catalogue["cash_collected"].sha256,
            "contract_version": None,
            "contract_sha256": "",
        },
    ]


def test_the_value_has_the_decimals_of_the_contract() -> None:
    level = {"kpi": "dso", "expected": "31", "parameters": {"days": "30"}}
    contract = _contract(level | {"round_to": 2}, level, level | {"round_to": 0})
    results = measured_period_json(_measure(contract))["results"]
    assert [result["value"] for result in results] == ["45.00", "45.000000", "45"]


def test_a_window_before_the_data_is_measured_on_what_is_there() -> None:
    contract = _contract({"kpi": "dso", "expected": "31", "window": "rolling_12_months"})
    (result,) = _measure(contract).results
    assert result.window == Period(date(2025, 3, 1), date(2026, 2, 28))
    assert result.value == 365


@pytest.mark.parametrize(
    ("starts", "consequential"),
    [(None, True), ("2026-02-01", True), ("2026-02-02", False), ("2026-01-31", True)],
)
def test_learning_period(starts: str | None, consequential: bool) -> None:
    day = date.fromisoformat(starts) if starts else None
    contract = _contract({"kpi": "dso", "expected": "31", "starts": day})
    assert _measure(contract).results[0].consequential is consequential


def test_an_observed_level_has_the_contracts_direction() -> None:
    parameters = {"measure": "errors", "unit": "errors", "direction": "lower_is_better"}
    contract = _contract({"kpi": "observed", "expected": "2", "parameters": parameters})
    observations = [{"measure": "errors", "period": "2026-02", "value": 1, "document": "log"}]
    with ledger_of({"observations": observations}) as ledger:
        (result,) = measure(contract, ledger, Period.parse("2026-02"), load_catalogue()).results
    assert (result.status, result.unit) == (Status.MET, "errors")
    assert result.direction is Direction.LOWER_IS_BETTER


def test_every_problem_of_every_level_is_named() -> None:
    contract = _contract(
        {"kpi": "dsso", "expected": "1"},
        {"kpi": "dso", "expected": "1", "parameters": {"months": "0", "day": "30"}},
    )
    with pytest.raises(BadInput) as caught:
        _measure(contract)
    first, second, third = (problem.what for problem in caught.value.problems)
    assert first == "service level SL-1: there is no KPI 'dsso', did you mean 'dso'?"
    assert second.startswith("service level SL-2: KPI dso has no parameter 'day'")
    assert third.startswith("service level SL-2: KPI dso can't use this value of 'months'")
