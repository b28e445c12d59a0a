"""Service credits by the table of cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from governance.contract.kpi_signature import Direction, KpiSignature
from governance.contract.service_levels import ServiceLevel
from governance.errors import BadInput
from governance.values import Period
from sla.service_credits.assessment import Case, assess
from sla.service_credits.calculation import compute_credits, directions_of
from sla.service_credits.values import (
    BalanceMovement,
    Claims,
    LevelCredit,
    LevelResult,
    PeriodResults,
    ServiceCredits,
)
from tests.paths import CASES
from tests.sla.service_credits.contracts import contract_with

# The base loader reads every scalar as text, so that no number passes through a float.
_CASES = yaml.load((CASES / "service_credits.yaml").read_bytes(), yaml.BaseLoader)  # noqa: S506 (makes texts only)
_LEVEL_COLUMNS: dict[str, Callable[[LevelCredit], Any]] = {
    "credits": lambda level: level.credit,
    "points": lambda level: level.points,
    "multiplier": lambda level: level.multiplier,
    "status": lambda level: level.status.value,
    "bonus": lambda level: level.bonus,
    "expected": lambda level: level.expected,
}
_TOTALS: dict[str, Callable[[ServiceCredits], Any]] = {
    "before_cap": lambda month: month.before_cap,
    "cap": lambda month: month.cap,
    "credit": lambda month: month.credit,
    "earned_back": lambda month: month.earned_back,
    "total_bonus": lambda month: month.bonus,
    "net": lambda month: month.net,
    "failures": lambda month: sum(one.credit for one in month.persistent_failures),
    "lateness": lambda month: sum(one.credit for one in month.milestones),
    "claim": lambda month: None if month.claim is None else month.claim.state.value,
}
_MOVEMENTS = ("opening", "added", "used", "lapsed", "closing")


def _result(cell: Any) -> LevelResult:
    if isinstance(cell, dict):
        return LevelResult(Decimal(cell["value"]), incident=cell["incident"])
    if cell == "no data":
        return LevelResult(None)
    return LevelResult(None, excused=True) if cell == "excused" else LevelResult(Decimal(cell))


def _periods(case: dict[str, Any]) -> list[PeriodResults]:
    months = max(len(cells) for cells in case["results"].values())
    labels = case.get("periods", [_month(index) for index in range(months)])
    return [
        PeriodResults(
            period=Period.parse(label),
            charges=Decimal(_base(case["base"], index)),
            results={
                level: _result(cells[index])
                for level, cells in case["results"].items()
                if cells[index] != "absent"
            },
            milestones=_days(_at(case, "milestones", index)),
            chosen=_at(case, "chosen", index) or {},
            claims=_claims(case, index),
        )
        for index, label in enumerate(labels)
    ]


def _month(index: int) -> str:
    """Months from January 2026 on."""
    return f"{2026 + index // 12}-{index % 12 + 1:02}"


def _base(base: Any, index: int) -> str:
    return str(base[index] if isinstance(base, list) else base)


def _at(case: dict[str, Any], column: str, index: int) -> Any:
    cell = case[column][index] if column in case else None
    return None if cell == "none" else cell


def _days(cell: dict[str, str] | None) -> dict[str, date]:
    return {milestone: date.fromisoformat(day) for milestone, day in (cell or {}).items()}


def _claims(case: dict[str, Any], index: int) -> Claims | None:
    if "as_of" not in case:
        return None
    claimed = _at(case, "claimed_on", index)
    as_of = date.fromisoformat(case["as_of"])
    return Claims(as_of, None if claimed is None else date.fromisoformat(claimed))


def _computed(case: dict[str, Any]) -> tuple[ServiceCredits, ...]:
    levels = [dict(level) for level in case["levels"]]
    directions = {
        level["id"]: Direction(level.pop("direction", "higher_is_better")) for level in levels
    }
    contract = contract_with(
        case.get("terms"),
        levels,
        case.get("currency", "EUR"),
        case.get("ends"),
        case.get("starts", "2026-01-01"),
    )
    return compute_credits(contract, directions, _periods(case))


def _cell(text: str) -> Any:
    if text == "none":
        return None
    return Decimal(text) if text.lstrip("-")[0].isdigit() else text


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["case"])
def test_cases(case: dict[str, Any]) -> None:
    computed = _computed(case)
    for column, read in _LEVEL_COLUMNS.items():
        for level_id, cells in case.get(column, {}).items():
            levels = [_level(month, level_id) for month in computed]
            found = [None if level is None else read(level) for level in levels]
            assert found == [_cell(cell) for cell in cells], (column, level_id)
    for total, of_month in _TOTALS.items():
        if total in case:
            found = [of_month(month) for month in computed]
            assert found == [_cell(cell) for cell in case[total]], total
    for level_id, columns in case.get("balance", {}).items():
        for column, cells in columns.items():
            found = [getattr(_balance(month, level_id), column, None) for month in computed]
            assert found == [_cell(cell) for cell in cells], (level_id, column)
    for level_id, sentence in case.get("why", {}).items():
        assert sentence in _sentences(computed[-1], level_id)


def _level(month: ServiceCredits, level_id: str) -> LevelCredit | None:
    return next((level for level in month.service_levels if level.id == level_id), None)


def _balance(month: ServiceCredits, level_id: str) -> BalanceMovement | None:
    return next((moved for moved in month.balance if moved.service_level == level_id), None)


def _sentences(month: ServiceCredits, named: str) -> list[str]:
    """Every sentence on a service level or milestone."""
    sentences = [
        *(one.why for one in month.service_levels if one.id == named),
        *(one.why for one in month.persistent_failures if one.service_level == named),
        *(one.why for one in month.milestones if one.id == named),
        *(one.why for one in month.balance if one.service_level == named),
        *(one.why for one in month.earn_backs if one.service_level == named),
    ]
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences]


def test_every_case_checks_something() -> None:
    checks = {*_LEVEL_COLUMNS, *_TOTALS, "balance", "why"}
    inputs = {"case", "terms", "levels", "base", "results", "currency", "periods", "ends"}
    inputs |= {"starts", "milestones", "chosen", "claimed_on", "as_of"}
    for case in _CASES:
        assert set(case) & checks
        assert set(case) <= checks | inputs
        assert set().union(*case.get("balance", {}).values()) <= set(_MOVEMENTS)


def test_earned_back_says_where_it_comes_from() -> None:
    case = next(each for each in _CASES if each["case"].startswith("half a credit comes back"))
    earned = _computed(case)[3].earn_backs
    assert [(each.service_level, each.period.label, each.amount) for each in earned] == [
        ("SL-01", "2026-01", Decimal("1000.00"))
    ]
    assert earned[0].why.replace("\N{NO-BREAK SPACE}", " ") == (
        "SL-01: met in the 3 periods since, so 50% of the credit of 2026-01 comes back, 1,000.00"
    )


def test_results_of_unknown_service_levels_name_the_nearest() -> None:
    contract = contract_with(None, [{"id": "SL-01", "expected": "1"}])
    results = {"SL-1": LevelResult(None), "XX": LevelResult(None)}
    periods = [PeriodResults(Period.month(2026, 1), Decimal(0), results)]
    with pytest.raises(BadInput) as error:
        compute_credits(contract, {"SL-01": Direction.HIGHER_IS_BETTER}, periods)
    nearest = "the nearest known one is 'SL-01'"
    assert [str(problem) for problem in error.value.problems] == [
        f"results of 2026-01: unknown service level '{found}'; found {found}; allowed: {nearest}"
        for found in ("SL-1", "XX")
    ]
    with pytest.raises(BadInput, match=r"found SL-1; allowed: there are none$"):
        compute_credits(contract_with(None, []), {}, [replace(periods[0], results=_ONE)])


_ONE = {"SL-1": LevelResult(None)}


def test_the_distance_from_what_was_expected_counts_for_misses_only() -> None:
    level = contract_with(None, [{"id": "SL-01", "expected": "90"}]).service_levels[0]
    for value, missed in {"88.5": "1.5", "90": "0", "95": "0"}.items():
        results = PeriodResults(_JANUARY, Decimal(1), {"SL-01": LevelResult(Decimal(value))})
        assert _case(level, results).points_missed() == Decimal(missed)
    assert _case(level, PeriodResults(_JANUARY, Decimal(1), _ONE)).points_missed() == 0


_JANUARY = Period.month(2026, 1)


def _case(level: ServiceLevel, results: PeriodResults) -> Case:
    now = assess(level, Direction.HIGHER_IS_BETTER, results, None, "")
    return Case(level, Direction.HIGHER_IS_BETTER, Decimal(1), "EUR", (now,))


def test_direction_comes_from_the_parameter_or_the_kpi() -> None:
    levels: list[dict[str, Any]] = [
        {"id": "SL-01", "expected": "1", "kpi": "dso"},
        {"id": "SL-02", "expected": "1", "kpi": "observed"},
        {
            "id": "SL-03",
            "expected": "1",
            "kpi": "observed",
            "parameters": {"direction": "lower_is_better"},
        },
    ]
    signatures = {
        "dso": KpiSignature("dso", "DSO", "days", Direction.LOWER_IS_BETTER),
        "observed": KpiSignature("observed", "Observed", "", Direction.HIGHER_IS_BETTER),
    }
    assert directions_of(contract_with(None, levels), signatures) == {
        "SL-01": Direction.LOWER_IS_BETTER,
        "SL-02": Direction.HIGHER_IS_BETTER,
        "SL-03": Direction.LOWER_IS_BETTER,
    }
    with pytest.raises(BadInput) as error:
        directions_of(contract_with(None, levels), {"observed": signatures["observed"]})
    assert str(error.value) == (
        "service level SL-01: unknown KPI 'dso'; found dso; allowed: the nearest known one is"
        " 'observed'"
    )
