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


def _run(folder: Path, results: Any, *options: str) -> Result:
    contract_file, results_file = folder / "contract.yaml", folder / "results.json"
    contract_file.write_text(_CONTRACT, encoding="utf-8")
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
