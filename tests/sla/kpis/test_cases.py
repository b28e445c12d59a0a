"""The catalogue on small ledgers, from tests/cases/kpis.yaml and the files in tests/cases/kpis."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import yaml

from governance.values import Period, round_half_up
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import drill_down, run_kpi
from sla.kpis.serialise import kpi_result_json
from tests.paths import CASES
from tests.sla.kpis.ledgers import calendars_in, ledger_of, rows_of


@cache
def read_cases() -> list[dict[str, Any]]:
    """Every small ledger, with the figures that it must give."""
    # The base loader leaves all scalars text, so that no figure passes through a float.
    files = [CASES / "kpis.yaml", *sorted((CASES / "kpis").glob("*.yaml"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [
        case
        for text in texts
        for case in yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (it builds text only)
    ]


def read_figures() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every figure, after the ledger that it is of."""
    return [(case, figure) for case in read_cases() for figure in case["figures"]]


def _title(figure: object) -> str | None:
    if not isinstance(figure, dict) or "kpi" not in figure:
        return ""
    chosen = "-".join(f"{name}={value}" for name, value in figure.get("set", {}).items())
    return f"{figure['kpi']}-{figure['period']}-{chosen}"


def _null(text: str | None) -> str | None:
    return None if text in {"null", None} else text


@pytest.mark.parametrize(("case", "figure"), read_figures(), ids=_title)
def test_figure(case: dict[str, Any], figure: dict[str, Any]) -> None:
    definition = load_catalogue()[figure["kpi"]]
    tables = {name: rows_of(table) for name, table in case["evidence"].items()}
    period, parameters = Period.parse(figure["period"]), figure.get("set", {})
    with ledger_of(tables, calendars=calendars_in(case.get("calendars", {}))) as ledger:
        result = run_kpi(definition, ledger, period, parameters)
        page = drill_down(definition, ledger, period, parameters, limit=1)
    answer = kpi_result_json(result)

    assert answer["status"] == figure.get("status", "measured")
    if "value" in figure and _null(figure["value"]) is not None:
        expected = Decimal(figure["value"])
        places = -int(expected.as_tuple().exponent)
        assert result.value is not None
        assert round_half_up(result.value, places) == expected
    else:
        assert (answer["value"] is None) == (answer["status"] == "no_data")
    for key in ("numerator", "denominator", "unit", "direction"):
        if key in figure:
            answer["direction"] = result.direction.value
            assert answer[key] == _null(figure[key]), key
    if "rows" in figure:
        assert result.rows == int(figure["rows"])
    if "values" in figure:
        values = figure["values"]
        assert answer.get("values") == (values if isinstance(values, dict) else None)
    if ledger.handed_in.issuperset(definition.required):
        assert page.total == result.rows
