"""`plumbline trends` on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main

_INVOICES = """\
invoice_id,customer_id,issue_date,due_date,currency,amount
I1,C1,2026-01-01,2026-01-31,EUR,100.00
I2,C1,2026-02-01,2026-03-03,EUR,200.00
I3,C1,2026-03-10,2026-04-09,EUR,50.00
"""
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
  - {id: SL-01, title: Sales outstanding, kpi: dso, parameters: {days: 30}, expected: "40",
     round_to: 1}
"""
_UNSETTLED = "no allocations were handed in, so every invoice counts as unpaid"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "invoices.csv").write_text(_INVOICES)
    (tmp_path / "contract.yaml").write_text(_CONTRACT)
    contract, evidence = tmp_path / "contract.yaml", tmp_path / "evidence"
    return ("trends", "--contract", str(contract), "--evidence", str(evidence))


def _plumbline(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _words(result: Result) -> str:
    """What was printed, with one blank for those that align and those that don't break."""
    return " ".join(result.stdout.split())


def test_months_the_running_one_and_what_to_know_of_the_evidence(files: tuple[str, ...]) -> None:
    text = _words(_plumbline(*files))
    assert "SL-01 Sales outstanding" in text
    assert "2026-02 45.0 days 40.0 days below_minimum" in text
    assert "After the days up to 10 Mar 2026" in text
    assert f"warning: {_UNSETTLED}" in text
    found = json.loads(_plumbline(*files, "--json").stdout)
    assert _UNSETTLED in found["warnings"]
    assert found["as_of"] == "2026-03-10"


def test_own_kpis_have_trends(tmp_path: Path, files: tuple[str, ...]) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shown = _plumbline("kpi", "show", "dso", "--sql").stdout
    (own / "own_dso.sql").write_text(shown)
    (tmp_path / "contract.yaml").write_text(_CONTRACT.replace("kpi: dso", "kpi: own_dso"))
    refused = _plumbline(*files)
    assert refused.exit_code == 2
    assert "own_dso" in refused.stderr
    assert "2026-02 45.0 days" in _words(_plumbline(*files, "--kpi-dir", str(own)))
