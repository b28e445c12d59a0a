"""Parameters of KPIs: as written, as printed, as bound in SQL."""

from __future__ import annotations

from datetime import date

import pytest

from governance.contract.kpi_signature import (
    ParameterSignature,
    ParameterValue,
    normal_parameter,
)
from governance.errors import BadInput
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.kpis.parameters import bind_parameters, resolve_parameters


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        ("integer", "3", "3"),
        ("integer", " 03 ", "3"),
        ("integer", "0", None),
        ("integer", "13", None),
        ("integer", "3.5", None),
        ("integer", "-3", None),
        ("integer", "1e1", None),
        ("integer", "", None),
        ("integer", True, None),
        ("decimal", "3.50", "3.5"),
        ("decimal", "0.99", None),
        ("decimal", "NaN", None),
        ("decimal", "1,5", None),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("boolean", "True", None),
        ("boolean", "true", "true"),
        ("boolean", "yes", None),
        ("text", " uptime ", "uptime"),
        ("text", "", None),
        ("choice", "a", "a"),
        ("choice", "c", None),
        ("choice", {"days": "30"}, None),
        ("choice_or_days", "a", "a"),
        ("choice_or_days", {"days": "30"}, "days:30"),
        ("choice_or_days", "days:30", "days:30"),
        ("choice_or_days", {"days": "-1"}, None),
        ("choice_or_days", {"days": "30", "weeks": "1"}, None),
        ("choice_or_days", {"weeks": "3"}, None),
        ("choice_or_days", "days:", None),
    ],
)
def test_normal_form(kind: str, value: ParameterValue, normal: str | None) -> None:
    choices = ("a", "b") if kind.startswith("choice") else ()
    signature = ParameterSignature("p", kind, None, choices, minimum=1, maximum=12)
    if normal is None:
        with pytest.raises(ValueError, match=r"."):
            normal_parameter(signature, value)
    else:
        assert normal_parameter(signature, value) == normal


def test_defaults_are_filled_in() -> None:
    definition = load_catalogue()["collection_effectiveness_index"]
    assert resolve_parameters(definition, {"current": {"days": "30"}}) == {
        "months": "1",
        "divide_sales": "false",
        "current": "days:30",
    }


def test_every_problem_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        resolve_parameters(
            load_catalogue()["dso"],
            {"varient": "rolling", "days": "31", "months": "0", "variant": {"days": "3"}},
        )
    assert [str(problem) for problem in caught.value.problems] == [
        (
            "parameters.varient: KPI dso has no parameter 'varient', did you mean 'variant'?; "
            "allowed: variant, months, days"
        ),
        (
            "parameters.variant: KPI dso can't use this value of 'variant'; found {days: 3}; "
            "allowed: period_end, rolling, countback"
        ),
        (
            "parameters.months: KPI dso can't use this value of 'months'; found 0; "
            "allowed: a whole number of at least 1, at most 120"
        ),
        "parameters.days: KPI dso can't use this value of 'days'; found 31; allowed: actual, 30",
    ]


def test_a_missing_value_is_a_problem() -> None:
    with pytest.raises(BadInput, match="KPI observed needs a value for 'measure'"):
        resolve_parameters(load_catalogue()["observed"], {})


@pytest.mark.parametrize(
    ("period", "months", "expected"),
    [
        ("2026-03", "3", (date(2026, 1, 1), 90, date(2026, 1, 1), 3)),
        ("2026-03", "1", (date(2026, 3, 1), 31, date(2026, 3, 1), 1)),
        ("2026", "3", (date(2026, 10, 1), 92, date(2026, 1, 1), 12)),
    ],
)
def test_spans(period: str, months: str, expected: tuple[date, int, date, int]) -> None:
    definition = load_catalogue()["collection_effectiveness_index"]
    resolved = resolve_parameters(definition, {"months": months})
    bound = bind_parameters(definition, resolved, Period.parse(period))
    names = ("months_start", "months_days", "window_start", "window_months")
    assert tuple(bound[name] for name in names) == expected


def test_the_window_is_the_period_where_a_kpi_does_not_look_back() -> None:
    definition = load_catalogue()["dso"]
    bound = bind_parameters(definition, resolve_parameters(definition, {}), Period.parse("2026-03"))
    assert bound["window_start"] == date(2026, 3, 1)
    assert bound["months_start"] == date(2026, 1, 1)
