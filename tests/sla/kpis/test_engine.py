"""The engine's arithmetic, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from governance.errors import BadInput
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import Figure, drill_down, run_kpi, value_of
from sla.kpis.serialise import drill_down_json, kpi_result_json, term_text, unrounded_text
from tests.sla.kpis.ledgers import ledger_of, rows_of

D = Decimal


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (Figure(), None),
        (Figure(D(1), D(0)), None),
        (Figure(D(1), None), None),
        (Figure(D(7)), D(7)),
        (Figure(D(0), D(4)), D(0)),
        (Figure(D(1), D(4), factor=D(100)), D(25)),
        (Figure(D(9), D(6), numerator_divisor=D(3), denominator_divisor=D(2)), D(1)),
        (Figure(D(5), D(9), factor=D(30), whole=D(60), part=D(1), part_of=D(2)), D(75)),
        (
            Figure(D(5), D(9), whole=D(30), part=D(1), part_of=D(2), factor=D(30),
                   less_part=D(3), less_part_of=D(4), less_factor=D(28)),
            D(24),
        ),
    ],
)  # fmt: skip
def test_value_of(figure: Figure, value: Decimal | None) -> None:
    assert value_of(figure) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("34.5", "34.500000"),
        ("0", "0.000000"),
        ("1200", "1200.000000"),
        ("-0.1234567", "-0.1234567"),
        ("2.0000000000005", "2.000000000001"),
        ("66.666666666666666666", "66.666666666667"),
    ],
)
def test_unrounded_text(value: str, text: str) -> None:
    assert unrounded_text(Decimal(value)) == text


def test_term_text() -> None:
    assert term_text(None) is None
    assert term_text(Decimal("6128.1000")) == "6128.1"
    assert term_text(Decimal(10).scaleb(3)) == "10000"
    assert term_text(Decimal("3.33333333333333")) == "3.3333333333"


_INVOICES = """
    invoice_id, issue_date, due_date, amount
    I1, 2026-01-01, 2026-01-31, 70.10
    I2, 2026-01-01, 2026-01-31, 30
"""


def test_result_as_json() -> None:
    with ledger_of({"invoices": rows_of(_INVOICES), "fx_rates": []}) as ledger:
        definition = load_catalogue()["dso"]
        result = run_kpi(definition, ledger, Period.parse("2026-01"), {})
    assert kpi_result_json(result) == {
        "kpi": "dso",
        "parameters": {"variant": "period_end", "months": "3", "days": "actual"},
        "period": {"start": "2026-01-01", "end": "2026-01-31"},
        "value": "31.000000",
        "unit": "days",
        "numerator": "100.1",
        "denominator": "100.1",
        "rows": 2,
        "status": "measured",
        "evidence": [
            {"dataset": "invoices", "sha256": "sha256 of invoices"},
            {"dataset": "fx_rates", "sha256": "sha256 of fx_rates"},
        ],
        "definition_sha256": definition.sha256,
    }


def test_drill_down_as_json() -> None:
    with ledger_of({"invoices": rows_of(_INVOICES)}) as ledger:
        page = drill_down(
            load_catalogue()["share_past_due"], ledger, Period.parse("2026-02"), {}, 1, 1
        )
    assert drill_down_json(page) == {
        "total": 2,
        "sums": {"numerator": "100.1", "denominator": "100.1"},
        "rows": [
            {
                "invoice_id": "I2",
                "customer_id": "C1",
                "issue_date": "2026-01-01",
                "due_date": "2026-01-31",
                "amount": "30",
                "numerator": "30",
                "denominator": "30",
            }
        ],
    }


def test_a_float_never_becomes_a_figure() -> None:
    definition = replace(load_catalogue()["dso"], sql="SELECT CAST(1 AS DOUBLE) AS numerator")
    with (
        ledger_of({"invoices": rows_of(_INVOICES)}) as ledger,
        pytest.raises(BadInput, match=r"dso.sql: .*numerator.* not an exact number; found float"),
    ):
        run_kpi(definition, ledger, Period.parse("2026-01"), {})


def test_a_figure_is_one_row() -> None:
    definition = replace(load_catalogue()["dso"], sql="SELECT amount AS numerator FROM invoices")
    with (
        ledger_of({"invoices": rows_of(_INVOICES)}) as ledger,
        pytest.raises(BadInput, match=r"dso.sql: the figure must be one row; found 2 rows"),
    ):
        run_kpi(definition, ledger, Period.parse("2026-01"), {})
