"""Usage documents are read exactly, and every problem is named at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from billing.charges.usage import read_usage
from billing.charges.values import IndexValue, LateQuantity, MeteredAmount
from governance.errors import BadInput
from governance.values import Period
from tests.paths import CASES

_PROBLEMS = yaml.safe_load((CASES / "usage_problems.yaml").read_text(encoding="utf-8"))


def _problems(data: bytes) -> list[str]:
    with pytest.raises(BadInput) as refusal:
        read_usage(data, "usage.json")
    problems = refusal.value.problems
    assert all(None not in (one.column, one.found, one.allowed) for one in problems)
    assert {one.file for one in problems} == {"usage.json"}
    return [str(problem) for problem in problems]


def test_reads_every_kind_of_meter() -> None:
    data = b"""{"period": "2026-01",
      "meters": {"invoices_issued": "500", "calls_made": 12.30, "fte": {"collector": "3.5"},
                 "cash_collected": [{"amount": "10000.00", "age_days": 45},
                                    {"amount": -5, "count": 2}]},
      "service_credit": "120.50", "charged_this_year": "99000",
      "indices": {"HICP-EU": "112.2",
                  "CPI": [{"from": "2026-01-16", "value": "3"},
                          {"from": "2025-01-01", "value": 2}]}}"""
    usage = read_usage(data, "usage.json")
    assert usage.period == Period.month(2026, 1)
    assert usage.meters == {
        "invoices_issued": Decimal(500),
        "calls_made": Decimal("12.30"),
        "fte": {"collector": Decimal("3.5")},
        "cash_collected": (
            MeteredAmount(Decimal("10000.00"), 45),
            MeteredAmount(Decimal(-5), None, 2),
        ),
    }
    assert usage.service_credit == Decimal("120.50")
    assert usage.charged_this_year == 99000
    assert usage.indices == {"HICP-EU": Decimal("112.2")}
    assert usage.index_changes == {
        "CPI": (IndexValue(date(2025, 1, 1), Decimal(2)), IndexValue(date(2026, 1, 16), Decimal(3)))
    }


def test_reads_what_earlier_periods_left() -> None:
    data = b"""{"period": "2026-04",
      "charged_before": {"CH-04": "95000.10"}, "mean_monthly_charges": 12000.5,
      "milestones": {"M-1": "2026-04-30"},
      "meters": {"cash_collected": [{"amount": "5", "recalled": true, "age_days": -3},
                                    {"amount": "6", "placement_age_days": 400}]},
      "late": {"invoices_issued": [{"period": "2026-02", "quantity": "12"}],
               "fte": [{"period": "2026-Q1", "quantity": {"collector": 0.5}}],
               "cash_collected": [{"period": "2026-03", "quantity": [{"amount": "7"}]}]}}"""
    usage = read_usage(data, "usage.json")
    assert usage.charged_before == {"CH-04": Decimal("95000.10")}
    assert usage.mean_monthly_charges == Decimal("12000.5")
    assert usage.milestones == {"M-1": date(2026, 4, 30)}
    assert usage.meters["cash_collected"] == (
        MeteredAmount(Decimal(5), -3, recalled=True),
        MeteredAmount(Decimal(6), placement_age_days=400),
    )
    assert usage.late == {
        "invoices_issued": (LateQuantity("2026-02", Decimal(12)),),
        "fte": (LateQuantity("2026-Q1", {"collector": Decimal("0.5")}),),
        "cash_collected": (LateQuantity("2026-03", (MeteredAmount(Decimal(7)),)),),
    }


def test_what_earlier_periods_left_may_be_absent() -> None:
    usage = read_usage(b'{"period": "2026-04"}', "usage.json")
    assert (usage.charged_before, usage.milestones, usage.late) == ({}, {}, {})
    assert usage.mean_monthly_charges is None


def test_a_number_is_never_read_through_a_float() -> None:
    usage = read_usage(b'{"period": "2026", "meters": {"m": 0.10}}', "usage.json")
    assert str(usage.meters["m"]) == "0.10"


def test_a_year_may_be_written_as_a_number() -> None:
    assert read_usage(b'{"period": 2026}', "usage.json").period.label == "2026"


def test_a_group_of_one_is_a_group() -> None:
    usage = read_usage(b'{"period": 2026, "meters": {"m": [{"amount": 5, "count": 1}]}}', "u.json")
    assert usage.meters["m"] == (MeteredAmount(Decimal(5)),)


def test_reads_a_document_with_a_byte_order_mark() -> None:
    assert read_usage(b'\xef\xbb\xbf{"period": "2026-Q1"}', "usage.json").period.label == "2026-Q1"


@pytest.mark.parametrize("case", _PROBLEMS, ids=lambda case: case["problems"][0])
def test_names_every_problem_where_it_stands(case: dict[str, Any]) -> None:
    found = [problem.removeprefix("usage.json") for problem in _problems(case["document"].encode())]
    assert [problem.removeprefix(", ") for problem in found] == case["problems"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "usage.json, line 1: not JSON: Expecting value; allowed: a JSON object"),
        (b"\xff\xfe", "usage.json: not UTF-8 text; found byte 0; allowed: a JSON object"),
        (b"[" * 100_000, "usage.json: nested too deeply; allowed: a JSON object"),
    ],
)
def test_files_that_are_no_usage(content: bytes, expected: str) -> None:
    assert _problems(content) == [expected]
