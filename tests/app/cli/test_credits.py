"""`plumbline credits` on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main

_CONTRACT = """\
plumbline: 1
engagement:
  reference: ENG-1
  title: Collections
  model: managed
  client: {name: Nordlicht, country: DE}
  provider: {name: Clearwater, country: IE}
  currency: EUR
  starts: 2026-01-01
service_levels:
  - id: SL-01
    title: Collection effectiveness
    clause: Schedule 2, 3.1
    kpi: collection_effectiveness_index
    expected: "85.0"
    minimum: "75.0"
    round_to: 1
    category: collections
    allocation: 40
  - id: SL-02
    title: Days sales outstanding
    kpi: dso
    expected: "45.0"
    round_to: 1
    category: collections
    allocation: 20
service_credits:
  method: at_risk_pool
  at_risk_percent: 10
  categories: {collections: 50}
  repeat: {consecutive: 2, multiplier: "1.5"}
"""
_RESULTS = {
    "periods": [
        {"period": "2026-01", "charges": "90000.00", "results": {"SL-01": "74", "SL-02": "44"}},
        {"period": "2026-02", "charges": "100000.00", "results": {"SL-01": 74.2, "SL-02": "45.1"}},
    ]
}


def _run(folder: Path, results: Any, *options: str, contract: str = _CONTRACT) -> Result:
    contract_file, results_file = folder / "contract.yaml", folder / "results.json"
    contract_file.write_text(contract, encoding="utf-8")
    results_file.write_text(json.dumps(results), encoding="utf-8")
    files = ["--contract", str(contract_file), "--results", str(results_file)]
    return CliRunner().invoke(main, ["credits", *files, *options])


def test_json_has_the_keys_of_the_contract_language(tmp_path: Path) -> None:
    result = _run(tmp_path, _RESULTS, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    whys = [
        level.pop("why").replace("\N{NO-BREAK SPACE}", " ") for level in answer["service_levels"]
    ]
    assert answer == {
        "period": "2026-02",
        "currency": "EUR",
        "base": "100000.00",
        "cap": "10000.00",
        "service_levels": [
            {
                "id": "SL-01",
                "value": "74.2",
                "status": "below_minimum",
                "multiplier": "1.5",
                "credit": "3000.00",
            },
            {
                "id": "SL-02",
                "value": "45.1",
                "status": "below_minimum",
                "multiplier": "1",
                "credit": "1000.00",
            },
        ],
        "before_cap": "4000.00",
        "credit": "4000.00",
        "earned_back": "0.00",
        "net": "4000.00",
    }
    base = "100,000.00 × 10% at risk × 50% pool"
    repeat = " × 1.5 for the 2nd miss in a row = 3,000.00"
    assert whys == [
        f"Schedule 2, 3.1: 74.2 is below the minimum 75.0; {base} × 40% allocation{repeat}",
        f"SL-02: 45.1 is above the expected 45.0; {base} × 20% allocation = 1,000.00",
    ]


def test_values_keep_the_decimals_they_were_rounded_to(tmp_path: Path) -> None:
    results = {"SL-01": "85", "SL-02": "44.96"}
    document = {"periods": [{"period": "2026-01", "charges": "1.00", "results": results}]}
    levels = json.loads(_run(tmp_path, document, "--json").stdout)["service_levels"]
    assert [level["value"] for level in levels] == ["85.0", "45.0"]
    assert "85.0  met" in _run(tmp_path, document).stdout


def test_text_shows_levels_reasons_and_totals(tmp_path: Path) -> None:
    result = _run(tmp_path, _RESULTS)
    assert result.exit_code == 0
    text = " ".join(result.stdout.replace("\N{NO-BREAK SPACE}", " ").split())
    assert text.startswith("Service credit of 2026-02, EUR")
    for shown in ("SL-01 74.2 below minimum 3,000.00", "net 4,000.00", "cap 10,000.00"):
        assert shown in text


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"periods": []}, "periods: has no period"),
        (
            {"periods": [{"period": "2026-01", "charges": "1", "results": {"SL-O1": "1"}}]},
            "unknown service level 'SL-O1'",
        ),
    ],
)
def test_bad_results_leave_with_status_2(tmp_path: Path, results: Any, message: str) -> None:
    result = _run(tmp_path, results)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "results.json" in result.stderr


_RICH = (
    _CONTRACT.split("service_credits:", maxsplit=1)[0].replace(
        "    allocation: 40\n",
        "    bonus_malus: {percent_per_point: 1, max_bonus_percent: 5, max_malus_percent: 5}\n"
        "    ratchet: {form: gap_to_100}\n",
    )
    + """\
service_credits:
  method: bonus_malus
  claim_within_days: 30
  earn_back: {form: balance, percent: 50}
  persistent_failure: [{count: 2, within_months: 2, percent: 1, clause: "8.1"}]
  milestones: [{id: M-1, title: Migration, clause: "9.1", due: 2026-02-20, amount: 500}]
"""
)
_RICH_RESULTS = {
    "as_of": "2026-03-30",
    "periods": [
        {"period": "2026-01", "charges": 1000, "results": {"SL-01": 84, "SL-02": 40}},
        {
            "period": "2026-02",
            "charges": 1000,
            "results": {"SL-01": 84, "SL-02": 40},
            "milestones": {"M-1": "2026-02-22"},
            "claimed_on": "2026-03-30",
        },
    ],
}


def test_each_mechanism_adds_its_keys(tmp_path: Path) -> None:
    result = _run(tmp_path, _RICH_RESULTS, "--json", contract=_RICH)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout.replace("\N{NO-BREAK SPACE}", " "))
    assert answer["service_levels"][0] == {
        "id": "SL-01",
        "value": "84.0",
        "status": "below_expected",
        "expected": "85.0",
        "credit": "10.00",
        "bonus": "0.00",
        "why": (
            "Schedule 2, 3.1: 84.0 is below the expected 85.0 and within the minimum 75.0;"
            " 1 point × 1%; malus 1,000.00 × 1% = 10.00"
        ),
    }
    assert answer["persistent_failures"] == [
        {
            "service_level": "SL-01",
            "misses": ["2026-01", "2026-02"],
            "before_cap": "20.00",
            "credit": "20.00",
            "why": (
                "8.1: SL-01 was missed for the 2nd time within 2 months (2026-01, 2026-02);"
                " 2,000.00, the fee of the last 12 months, × 1% = 20.00"
            ),
        }
    ]
    assert answer["milestones"] == [
        {
            "id": "M-1",
            "title": "Migration",
            "days_late": 2,
            "before_cap": "500.00",
            "credit": "500.00",
            "why": (
                "9.1: Migration, due on 2026-02-20, was reached on 2026-02-22, 2 days late; 500.00"
            ),
        }
    ]
    assert answer["claim"] == {
        "status": "claimed",
        "until": "2026-03-30",
        "claimed_on": "2026-03-30",
    }
    assert (answer["balance"], answer["bonus"]) == ([], "0.00")
    assert (answer["before_cap"], answer["credit"], answer["net"]) == ("530.00",) * 3


def test_a_balance_is_shown_with_all_its_movements(tmp_path: Path) -> None:
    months = [
        {"period": f"2026-{month:02}", "charges": 1000, "results": {"SL-01": value}}
        for month, value in ((3, 84), (4, 90))
    ]
    result = _run(tmp_path, {"periods": months}, "--json", contract=_RICH)
    answer = json.loads(result.stdout)
    why = answer["balance"][0].pop("why")
    assert answer["balance"] == [
        {
            "service_level": "SL-01",
            "opening": "0.00",
            "added": "5.00",
            "used": "0.00",
            "lapsed": "0.00",
            "closing": "5.00",
        }
    ]
    assert why.endswith("adds 5.00; the balance is 5.00")
    assert (answer["bonus"], answer["net"]) == ("50.00", "-50.00")
    assert "claim" not in answer


def test_text_shows_what_each_mechanism_did(tmp_path: Path) -> None:
    result = _run(tmp_path, _RICH_RESULTS, contract=_RICH)
    text = " ".join(result.stdout.replace("\N{NO-BREAK SPACE}", " ").split())
    for shown in (
        "bonus 0.00 net 530.00",
        "claim claimed to be claimed by 2026-03-30",
        "8.1: SL-01 was missed for the 2nd time",
        "9.1: Migration, due on 2026-02-20",
    ):
        assert shown in text
