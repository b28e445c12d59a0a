"""Service credits worked out by hand: contract and results in, the answer of `credits` out."""

from __future__ import annotations

from typing import Any

import pytest

from governance.values import Period
from sla.kpis.catalogue import signatures
from sla.service_credits.calculation import compute_credits, directions_of
from sla.service_credits.results import read_results
from sla.service_credits.serialise import service_credits_json
from sla.service_credits.values import ServiceCredits
from tests.worked import as_json, case_name, contract_of, worked_cases

_LEVEL_COLUMNS = {"credits": "credit", "points": "points", "multiplier": "multiplier"}
WORKED = worked_cases("credits")


def _results(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The periods of the case as the results document holds them."""
    columns = case["results"]
    count = max(len(cells) for cells in columns.values())
    period = Period.parse(case.get("first", "2026-01"))
    periods = []
    for at in range(count):
        given = {level: _result(cells[at]) for level, cells in columns.items()}
        document = {"period": period.label, "charges": _at(case["base"], at)}
        document["results"] = {level: one for level, one in given.items() if one != "absent"}
        further = {key: _at(column, at) for key, column in case.get("further", {}).items()}
        periods.append(document | {key: one for key, one in further.items() if one is not None})
        period = period.following()
    return periods


def _result(cell: Any) -> Any:
    return {"no data": None, "excused": {"value": None, "excused": True}}.get(str(cell), cell)


def _at(column: Any, index: int) -> Any:
    """One entry of a column; a single text holds for every period."""
    return column[index] if isinstance(column, list) else column


def _answers(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What each period answers, when it is the last one in the document."""
    return [service_credits_json(one) for one in credits_of(case)]


def credits_of(case: dict[str, Any]) -> list[ServiceCredits]:
    """The credit of each period, when it is the last one in the document."""
    levels = [dict(level) for level in case["levels"]]
    for level in levels:
        if level.pop("lower_is_better", False):
            level["kpi"] = "share_past_due"
    frame = {"currency": case.get("currency", "EUR"), **case.get("engagement", {})}
    contract = contract_of(engagement=frame, levels=levels, service_credits=case["terms"])
    directions = directions_of(contract, signatures())
    periods = _results(case)
    found = []
    for count in range(1, len(periods) + 1):
        document = as_json({"periods": periods[:count], **case.get("document", {})})
        read = read_results(document, "results.json", contract)
        found.append(compute_credits(contract, directions, read)[-1])
    return found


def _found(answer: dict[str, Any], key: str) -> str:
    """What stands under a key such as credit or claim.status; "absent" where nothing does."""
    found: Any = answer
    for part in key.split("."):
        found = found.get(part, "absent")
    return str(found)


def _column(answers: list[dict[str, Any]], level_id: str, key: str) -> list[str]:
    """One key of one service level, period by period; "absent" where it isn't stated."""
    levels = [{level["id"]: level for level in answer["service_levels"]} for answer in answers]
    return [str(level.get(level_id, {}).get(key, "absent")) for level in levels]


@pytest.mark.parametrize("case", WORKED, ids=case_name)
def test_service_credit(case: dict[str, Any]) -> None:
    answers = _answers(case)
    for column, key in {**_LEVEL_COLUMNS, "status": "status"}.items():
        for level_id, expected in case.get(column, {}).items():
            assert _column(answers, level_id, key) == expected, (column, level_id)
    for key, expected in case.get("totals", {}).items():
        assert [_found(answer, key) for answer in answers] == expected, key
    assert any(column in case for column in (*_LEVEL_COLUMNS, "status", "totals"))


@pytest.mark.parametrize("case", WORKED, ids=case_name)
def test_every_consequence_says_why(case: dict[str, Any]) -> None:
    for answer in _answers(case):
        for level in answer["service_levels"]:
            assert level["why"].strip()
            assert "\n" not in level["why"]


def test_every_case_says_its_arithmetic() -> None:
    assert [case_name(case) for case in WORKED if not case.get("arithmetic")] == []
