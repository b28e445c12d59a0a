"""The worked examples that the pages show are right, every meter has one, and the pages are new."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.charges.values import Meter
from billing.metering.catalogue import load_meters
from billing.metering.engine import read_meter
from billing.metering.pages import by_group, index_markdown, load_meter_examples, page_markdown
from governance.values import Period
from sla.kpis.examples import Example
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


def _values(meter: Meter) -> dict[str, Decimal]:
    if isinstance(meter, Decimal):
        return {}
    if isinstance(meter, Mapping):
        return dict(meter)
    found: dict[str, Decimal] = {}
    for one in meter:
        age = f"{one.age_days} days"
        found[age] = found.get(age, Decimal(0)) + one.amount * one.count
    return found


@pytest.mark.parametrize("name", load_meters())
def test_example(name: str) -> None:
    example = load_meter_examples()[name]
    with ledger_of(_rows(example)) as ledger:
        meter, reading = read_meter(name, ledger, Period.parse(example.period))
    values = _values(meter)
    whole = meter if isinstance(meter, Decimal) else sum(values.values(), Decimal(0))
    assert whole == Decimal(example.value)
    assert values == {label: Decimal(value) for label, value in example.values.items()}
    assert reading.rows, "an example of nothing explains nothing"


def test_every_meter_has_an_example_and_a_group() -> None:
    assert set(load_meter_examples()) == set(load_meters())
    grouped = [one.name for group in by_group(load_meters().values()).values() for one in group]
    assert sorted(grouped) == sorted(load_meters())


def test_the_pages_are_those_of_the_files() -> None:
    """Run `make kpi-docs` where this fails."""
    meters, folder = load_meters(), ROOT / "docs" / "meters"
    pages = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert set(pages) == set(meters)
    for name, definition in meters.items():
        assert pages[name] == page_markdown(definition, load_meter_examples().get(name)), name
    index = (ROOT / "docs" / "meters.md").read_text(encoding="utf-8")
    assert index == index_markdown(meters.values(), "meters")
