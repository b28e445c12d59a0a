"""Usage documents are read exactly, and every problem is named at once."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.charges.usage import read_usage
from billing.charges.values import IndexValue, LateQuantity, MeteredAmount
from governance.errors import BadInput
from governance.values import Period


def _problems(content: Any) -> list[str]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(BadInput) as refusal:
        read_usage(data, "usage.json")
    return [str(problem) for problem in refusal.value.problems]


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


def test_reads_a_document_with_a_byte_order_mark() -> None:
    assert read_usage(b'\xef\xbb\xbf{"period": "2026-Q1"}', "usage.json").period.label == "2026-Q1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "usage.json, line 1: not JSON"),
        (b"[1]", "usage.json: not an object; found"),
        (b'{"period": "2026-01",', "usage.json, line 1: not JSON"),
        (b"\xff\xfe", "usage.json: not UTF-8 text"),
        (b"[" * 100_000, "usage.json: nested too deeply"),
        ({}, "usage.json, period: the usage names no period"),
        ({"period": "2026-13"}, 'usage.json, line 1, period: not a period; found "2026-13"'),
        ({"period": 2026.5}, "period: not a period; found 2026.5"),
        (
            {"period": "2026", "meter": {}},
            "meter: unknown key meter; allowed: did you mean meters?",
        ),
        ({"period": "2026", "zzz": 1}, "zzz: unknown key zzz; allowed: keys here: period"),
        ({"period": "2026", "meters": []}, "meters: not an object; found []"),
        ({"period": "2026", "indices": 3}, "indices: not an object; found 3"),
        (
            {"period": "2026", "meters": {"m": "1.234,56"}},
            'meters.m: not a number; found "1.234,56"',
        ),
        ({"period": "2026", "meters": {"m": None}}, "meters.m: not a number; found null"),
        ({"period": "2026", "meters": {"m": True}}, "meters.m: not a number; found true"),
        (b'{"period": "2026", "meters": {"m": NaN}}', 'meters.m: not a number; found "NaN"'),
        (
            b'{"period": "2026", "meters": {"m": 1e999999}}',
            "meters.m: not a number; found 1E+999999",
        ),
        ({"period": "2026", "meters": {"f": {"a": "x"}}}, "meters.f.a: not a number"),
        ({"period": "2026", "meters": {"c": ["1"]}}, "meters.c[0]: not an object"),
        ({"period": "2026", "meters": {"c": [{}]}}, "meters.c[0]: the entry has no amount"),
        (
            {"period": "2026", "meters": {"c": [{"amount": 1, "age": 3}]}},
            "meters.c[0].age: unknown key age; allowed: did you mean age_days?",
        ),
        (
            {"period": "2026", "meters": {"c": [{"amount": 1, "age_days": "1.5"}]}},
            "meters.c[0].age_days: not a whole number",
        ),
        (
            {"period": "2026", "meters": {"c": [{"amount": 1, "count": 0}]}},
            "meters.c[0].count: less than 1; found 0",
        ),
        (
            {"period": "2026", "service_credit": "-0.01"},
            'service_credit: below zero; found "-0.01"; allowed: an amount from 0',
        ),
        ({"period": "2026", "service_credit": "x"}, "service_credit: not a number"),
        ({"period": "2026", "charged_this_year": []}, "charged_this_year: not a number; found []"),
        ({"period": "2026", "indices": {"H": "0"}}, "indices.H: an index must be above zero"),
        (
            {"period": "2026", "indices": {"H": [{"from": "1.1.2026", "value": "1"}]}},
            'indices.H[0].from: not a day; found "1.1.2026"',
        ),
        (
            {
                "period": "2026",
                "indices": {
                    "H": [{"from": "2026-01-01", "value": 1}, {"from": "2026-01-01", "value": 2}]
                },
            },
            "indices.H: two values from one day",
        ),
        (
            {"period": "2026", "indices": {"H": [{"value": "1"}]}},
            "indices.H[0].from: not a day; found null; allowed: a day as 2026-01-31",
        ),
        ({"period": "2026", "charged_before": 5}, "charged_before: not an object; found 5"),
        ({"period": "2026", "charged_before": {"R": "x"}}, "charged_before.R: not a number"),
        ({"period": "2026", "mean_monthly_charges": "x"}, "mean_monthly_charges: not a number"),
        (
            {"period": "2026", "milestones": {"M": "20260131"}},
            'milestones.M: not a day; found "20260131"; allowed: a day as 2026-01-31',
        ),
        ({"period": "2026", "milestones": {"M": "2026-02-30"}}, "milestones.M: not a day"),
        ({"period": "2026", "milestones": ["M"]}, "milestones: not an object"),
        (
            {"period": "2026", "meters": {"c": [{"amount": 1, "recalled": "yes"}]}},
            'meters.c[0].recalled: neither true nor false; found "yes"; allowed: true or false',
        ),
        (
            {"period": "2026", "meters": {"c": [{"amount": 1, "placement_age_days": 0.5}]}},
            "meters.c[0].placement_age_days: not a whole number; found 0.5",
        ),
        ({"period": "2026", "late": []}, "late: not an object; found []"),
        (
            {"period": "2026", "late": {"m": {"period": "2025", "quantity": 1}}},
            "late.m: not a list; found",
        ),
        ({"period": "2026", "late": {"m": [5]}}, "late.m[0]: not an object; found 5"),
        (
            {"period": "2026", "late": {"m": [{"quantity": 1}]}},
            "late.m[0]: the entry has no period; allowed: period and quantity",
        ),
        (
            {"period": "2026", "late": {"m": [{"period": "2025"}]}},
            "late.m[0]: the entry has no quantity; allowed: period and quantity",
        ),
        (
            {"period": "2026", "late": {"m": [{"period": "2025-00", "quantity": 1}]}},
            'late.m[0].period: not a period; found "2025-00"',
        ),
        (
            {"period": "2026-03", "late": {"m": [{"period": "2026-03", "quantity": 1}]}},
            "late.m[0].period: not an earlier period; found 2026-03; allowed: a period before",
        ),
        (
            {"period": "2026-03", "late": {"m": [{"period": "2026-Q1", "quantity": 1}]}},
            "late.m[0].period: not an earlier period; found 2026-Q1",
        ),
        (
            {"period": "2026", "late": {"m": [{"period": "2025", "quantity": "x"}]}},
            'late.m[0].quantity: not a number; found "x"',
        ),
        (
            {
                "period": "2026",
                "late": {
                    "m": [{"period": "2025", "quantity": 1}, {"period": "2025", "quantity": 2}]
                },
            },
            "late.m: two quantities of one period; allowed: each period once",
        ),
        ({"late": {"m": [{"period": "2025", "quantity": 1}]}}, "the usage names no period"),
        (b'{"period": "2026", "period": "2027"}', "period: the key period stands twice"),
    ],
)
def test_names_the_problem(content: Any, expected: str) -> None:
    (problem,) = _problems(content)
    assert expected in problem


def test_names_every_problem_at_once() -> None:
    content = {"period": "x", "meters": {"a": "y", "b": [{"amount": "z"}]}, "foo": 1}
    assert len(_problems(content)) == 4


def test_cuts_what_is_too_long_for_a_message() -> None:
    (problem,) = _problems({"period": "2026", "meters": {"m": "9" * 500}})
    assert len(problem) < 250


def test_problems_name_their_line() -> None:
    content = b"""{
  "period": "2026-01",
  "meters": {
    "letters": "1,5",
    "cash": [
      {"amount": "1.00"},
      {"age_days": 3}
    ]
  }
}"""
    assert [problem.partition(": ")[0] for problem in _problems(content)] == [
        "usage.json, line 4, meters.letters",
        "usage.json, line 7, meters.cash[1]",
    ]
