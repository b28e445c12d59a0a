"""The whole main job on small evidence folders, with what contracts of long running have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main

_CONTRACT = """
plumbline: 1
engagement:
  reference: ENG-7
  title: Collections
  model: managed
  client: {name: Nordlicht Handel GmbH, country: DE}
  provider: {name: Clearwater Receivables Ltd, country: IE, iban: IE29AIBK93115212345678}
  currency: EUR
  starts: 2026-01-01
charges:
  - id: CH-1
    title: Base fee
    type: fixed
    amount: 1000.00
    indexation: {series: HICP-EU, base: 110.0, lag_months: 2}
  - id: CH-2
    title: Transition
    type: milestones
    milestones: [{id: M-1, title: Go-live, due: 2026-01-31, amount: 5000.00}]
  - id: CH-3
    title: Success fee
    type: contingency
    meter: cash_collected
    age_at: placement
    age_bands: [{over_days: 0, rate: 20}, {over_days: 30, rate: 35}]
    recall_rate: 5
  - id: CH-4
    title: Loyalty
    type: volume_rebate
    of: [CH-1]
    tiers: [{over: 1500, percent: 10}]
invoicing: {every: %s}
"""
_EVIDENCE: Mapping[str, str] = {
    "customers": "customer_id\nC1\n",
    "invoices": """\
invoice_id,customer_id,issue_date,due_date,currency,amount
I1,C1,2025-11-01,2025-12-01,EUR,1000.00
I2,C1,2025-12-01,2025-12-31,EUR,500.00
I3,C1,2025-12-01,2025-12-31,EUR,700.00
""",
    "receipts": """\
receipt_id,customer_id,received_at,currency,amount
R1,C1,2026-01-20,EUR,1000.00
R2,C1,2026-01-21,EUR,500.00
""",
    "allocations": """\
receipt_id,invoice_id,amount,applied_on
R1,I1,1000.00,2026-01-20
R2,I2,500.00,2026-01-21
""",
    "placements": """\
invoice_id,placed_on,amount,recalled_on
I1,2026-01-05,1000.00,
I2,2026-01-10,500.00,
I3,2026-01-10,700.00,2026-02-10
""",
    "indices": """\
series,from,value,published_on
HICP-EU,2025-11-01,112.2,2025-12-18
HICP-EU,2025-12-01,113.3,2026-01-19
HICP-EU,2026-01-01,110,
""",
    "milestones": "milestone,reached_on,document\nM-1,2026-01-28,protocol\n",
}


def _run(tmp_path: Path, month: str, every: str = "month", **changed: str) -> tuple[int, str]:
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name, table in {**_EVIDENCE, **changed}.items():
        (folder / f"{name}.csv").write_text(table, encoding="utf-8")
    contract = tmp_path / "contract.yaml"
    contract.write_text(_CONTRACT % every, encoding="utf-8")
    given = ["--contract", contract, "--evidence", folder, "--period", month]
    answer = CliRunner().invoke(main, ["run", *map(str, given), "--out", str(tmp_path / "out")])
    return answer.exit_code, answer.stdout + answer.stderr


def _invoice(tmp_path: Path) -> dict[str, Any]:
    return dict(json.loads((tmp_path / "out" / "invoice.json").read_text(encoding="utf-8")))


def _lines(tmp_path: Path) -> dict[str, str]:
    return {line["charge"]: line["amount"] for line in _invoice(tmp_path)["lines"]}


@pytest.fixture(autouse=True)
def _without_pdfs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.main_job.render_pack", lambda *_: b"pack")


@pytest.mark.parametrize(
    ("month", "every", "lines"),
    [
        # 1000 × 112.2 / 110; M-1; I1 at 35 days 35 % of 1000, I2 at 10 days 20 % of 500.
        (
            "2026-01",
            "month",
            {"CH-1": "1020.00", "CH-2": "5000.00", "CH-3": "450.00", "CH-4": "0.00"},
        ),
        # 1000 × 113.3 / 110; I3 recalled: 5 % of 700; 10 % of what is over 1500.
        ("2026-02", "month", {"CH-1": "1030.00", "CH-3": "35.00", "CH-4": "-55.00"}),
        # 1020 + 1030 + 1000; all of the above; 10 % of 3050 − 1500.
        (
            "2026-03",
            "quarter",
            {"CH-1": "3050.00", "CH-2": "5000.00", "CH-3": "485.00", "CH-4": "-155.00"},
        ),
    ],
)
def test_the_invoice_of_a_month_or_a_quarter(
    tmp_path: Path, month: str, every: str, lines: dict[str, str]
) -> None:
    status, output = _run(tmp_path, month, every)
    assert status == 0, output
    assert _lines(tmp_path) == lines
    evidence = {one["dataset"] for one in _invoice(tmp_path)["evidence"]}
    assert {"indices", "milestones", "placements"} <= evidence


def test_a_month_that_a_later_one_invoices_says_so(tmp_path: Path) -> None:
    status, output = _run(tmp_path, "2026-02", "quarter")
    assert status == 0, output
    assert "2026-02 is charged on the invoice of 2026-Q1, made with 2026-03." in output
    assert _lines(tmp_path) == {}
    assert _invoice(tmp_path)["total"] == "0.00"


def test_what_is_missing_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    indices = "series,from,value\nHICP-EU,2025-10-01,111\nHICP-EU,2025-11-01,112.2\n"
    status, output = _run(tmp_path, "2026-02", indices=indices)
    assert status == 2
    assert "charge CH-1 follows the index HICP-EU" in output
    assert "no value of it for 2025-12" in output
    assert not (tmp_path / "out").exists()


def test_a_file_without_rows_says_that_no_milestone_was_reached(tmp_path: Path) -> None:
    status, output = _run(tmp_path, "2026-01", milestones="milestone,reached_on\n")
    assert status == 0, output
    assert "CH-2" not in _lines(tmp_path)
