"""Reading results: exact numbers, every problem at once."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from governance.contract.document import Contract
from governance.errors import BadInput
from governance.values import Period
from sla.service_credits.results import read_results
from sla.service_credits.values import Claims, LevelResult, PeriodResults
from tests.paths import CASES
from tests.sla.service_credits.contracts import contract_with

_PROBLEMS = yaml.safe_load((CASES / "results_problems.yaml").read_text(encoding="utf-8"))
_CONTRACT = contract_with(
    None, [{"id": "SL-01", "expected": "99"}, {"id": "SL-02", "expected": "99"}]
)


def _read(document: Any) -> tuple[PeriodResults, ...]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_results(data, "results.json", _CONTRACT)


def _problems(data: bytes, contract: Contract) -> list[str]:
    with pytest.raises(BadInput) as error:
        read_results(data, "results.json", contract)
    problems = error.value.problems
    assert all(None not in (one.column, one.found, one.allowed) for one in problems)
    assert {one.file for one in problems} == {"results.json"}
    found = [str(problem).removeprefix("results.json") for problem in problems]
    return [problem.removeprefix(", ") for problem in found]


def test_every_way_to_write_a_result() -> None:
    text = b"""{"periods": [{"period": "2026-01", "charges": 100000.10, "results": {
        "SL-01": 98.10000000000000000001, "SL-02": null}},
        {"period": "2026-02", "charges": "100000.00", "results": {
        "SL-01": {"value": "96.5", "incident": "INC-7", "excused": true}, "SL-02": {"value": null}}}
    ]}"""
    assert _read(text) == (
        PeriodResults(
            Period.month(2026, 1),
            Decimal("100000.10"),
            {
                "SL-01": LevelResult(Decimal("98.10000000000000000001")),
                "SL-02": LevelResult(None),
            },
        ),
        PeriodResults(
            Period.month(2026, 2),
            Decimal("100000.00"),
            {"SL-01": LevelResult(Decimal("96.5"), "INC-7", True), "SL-02": LevelResult(None)},
        ),
    )


_RICH = contract_with(
    {
        "method": "per_event",
        "amount": 100,
        "incidents": "chosen",
        "claim_within_days": 30,
        "milestones": [{"id": "M-1", "due": "2026-01-10", "amount": 100}],
    },
    [{"id": "SL-01", "expected": "99"}, {"id": "SL-02", "expected": "99"}],
)


def _read_rich(period: dict[str, Any], **keys: Any) -> PeriodResults:
    usual = {"period": "2026-01", "charges": "1", "results": {}}
    data = json.dumps({"periods": [usual | period], **keys}).encode()
    return read_results(data, "results.json", _RICH)[0]


def test_milestones_choices_and_claims_are_read() -> None:
    of_incident = {"value": "98", "incident": "INC-1"}
    found = _read_rich(
        {
            "results": {"SL-01": of_incident, "SL-02": of_incident},
            "milestones": {"M-1": "2026-01-12"},
            "chosen": {"INC-1": "SL-02"},
            "claimed_on": "2026-02-10",
        },
        as_of="2026-03-01",
    )
    assert found.milestones == {"M-1": date(2026, 1, 12)}
    assert found.chosen == {"INC-1": "SL-02"}
    assert found.claims == Claims(date(2026, 3, 1), date(2026, 2, 10))


def test_nothing_is_known_of_claims_without_a_day() -> None:
    nothing = {"milestones": None, "chosen": None, "claimed_on": None}
    assert _read_rich(nothing) == PeriodResults(Period.month(2026, 1), Decimal(1), {})
    assert _read_rich({}, as_of="2026-02-01").claims == Claims(date(2026, 2, 1))
    claimed = _read_rich({"claimed_on": "2026-02-03"})
    assert claimed.claims == Claims(date(2026, 2, 3), date(2026, 2, 3))
    first_day = date(2026, 1, 1)
    assert _read_rich({"claimed_on": "2026-01-01"}).claims == Claims(first_day, first_day)
    assert _read_rich({"milestones": {"M-1": None}}).milestones == {}


@pytest.mark.parametrize(
    ("contract", "case"),
    [
        *((_CONTRACT, case) for case in _PROBLEMS["levels_only"]),
        *((_RICH, case) for case in _PROBLEMS["everything"]),
    ],
    ids=lambda one: one["problems"][0] if isinstance(one, dict) else "",
)
def test_names_every_problem_where_it_stands(contract: Contract, case: dict[str, Any]) -> None:
    assert _problems(case["document"].encode(), contract) == case["problems"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff\xfe", ": is not JSON: the text is not UTF-8"),
        (b"[" * 200_000, ": is not JSON of results: nested too deeply"),
    ],
)
def test_files_that_are_no_results(data: bytes, problem: str) -> None:
    assert _problems(data, _CONTRACT) == [problem]
