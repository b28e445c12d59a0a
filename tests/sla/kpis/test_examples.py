"""The worked examples that the pages show are right, and every KPI has one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from governance.values import Period, round_half_up
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import Function, KpiDefinition
from sla.kpis.engine import run_kpi
from sla.kpis.examples import Example, load_examples
from sla.kpis.pages import FUNCTION_TITLES, by_function, index_markdown, page_markdown
from sla.kpis.serialise import kpi_result_json
from tests.paths import ROOT
from tests.sla.kpis.ledgers import ledger_of


def _rows(example: Example) -> dict[str, list[dict[str, object]]]:
    return {
        table.dataset: [
            {name: cell or None for name, cell in zip(table.columns, row, strict=True)}
            for row in table.rows
        ]
        for table in example.evidence
    }


@pytest.mark.parametrize("definition", load_catalogue().values(), ids=lambda each: each.name)
def test_example(definition: KpiDefinition) -> None:
    example = load_examples()[definition.name]
    with ledger_of(_rows(example)) as ledger:
        result = run_kpi(definition, ledger, Period.parse(example.period), example.parameters)
    expected = Decimal(example.value)
    assert result.value is not None
    assert round_half_up(result.value, -int(expected.as_tuple().exponent)) == expected
    assert (kpi_result_json(result).get("values") or {}) == example.values


def test_examples_are_of_kpis() -> None:
    assert set(load_examples()) == set(load_catalogue())


def test_every_function_has_a_title() -> None:
    assert set(FUNCTION_TITLES) == set(Function)
    grouped = [each for group in by_function(load_catalogue().values()).values() for each in group]
    assert {each.name for each in grouped} == set(load_catalogue())


def test_the_pages_are_those_of_the_files() -> None:
    """Run `make kpi-docs` where this fails."""
    definitions, folder = load_catalogue(), ROOT / "docs" / "kpis"
    pages = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert set(pages) == set(definitions)
    for name, definition in definitions.items():
        assert pages[name] == page_markdown(definition, load_examples().get(name)), name
    index = (ROOT / "docs" / "kpis.md").read_text(encoding="utf-8")
    assert index == index_markdown(definitions.values(), "kpis")
