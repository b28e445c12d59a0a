"""`plumbline kpi` and `plumbline measure` on files."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.kpi import parse_settings
from tests.paths import CASES, SHARED_DATA

_IBM = SHARED_DATA / "ibm_late_payments.csv"

_INVOICES = """\
invoice_id,customer_id,issue_date,due_date,currency,amount
I1,C1,2026-01-01,2026-01-31,EUR,100.00
I2,C1,2026-02-01,2026-03-03,EUR,200.00
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
  - id: SL-01
    title: Days sales outstanding
    kpi: dso
    parameters: {days: 30}
    expected: "40"
    minimum: "50"
    round_to: 1
    starts: 2026-03-01
  - id: SL-02
    title: Cash
    kpi: cash_collected
    expected: "1000"
"""


def _plumbline(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _json(*arguments: str | Path) -> Any:
    result = _plumbline(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "invoices.csv").write_text(_INVOICES, encoding="utf-8")
    return folder


def test_list() -> None:
    names = [each["name"] for each in _json("kpi", "list")]
    assert {"dso", "ageing", "observed", "write_off_rate"} <= set(names)
    text = _plumbline("kpi", "list")
    assert text.exit_code == 0
    assert [line.split()[0] for line in text.stdout.splitlines()[1:]] == names


def test_show() -> None:
    shown = _json("kpi", "show", "dso")
    assert shown["datasets"] == {
        "required": ["invoices"],
        "optional": ["allocations", "adjustments"],
    }
    assert [each["name"] for each in shown["parameters"]] == ["variant", "months", "days"]
    text = _plumbline("kpi", "show", "dso").stdout
    assert "Days sales outstanding (dso)" in text
    assert "open_items AS (" in text
    assert "-- drill-down" in text


def test_the_file_shown_has_the_digest_that_results_name(evidence: Path) -> None:
    result = _json("kpi", "run", "dso", "--evidence", evidence, "--period", "2026-02")
    file = _plumbline("kpi", "show", "dso", "--sql").stdout
    assert hashlib.sha256(file.encode()).hexdigest() == result["definition_sha256"]


def test_run_on_a_foreign_file() -> None:
    result = _json(
        "kpi", "run", "dso", "--evidence", _IBM, "--period", "2013-02", "--set", "variant=rolling"
    )
    assert result["parameters"] == {"variant": "rolling", "months": "3", "days": "actual"}
    assert abs(Decimal(result["value"]) - Decimal("25.437128")) < Decimal("0.00001")
    assert result["status"] == "measured"
    assert [each["dataset"] for each in result["evidence"]] == ["invoices", "allocations"]


def test_run_as_text_with_rows(evidence: Path) -> None:
    arguments = ("--period", "2026-02", "--set", "current.days=30", "--rows", "1")
    result = _plumbline("kpi", "run", "ageing", "--evidence", evidence, *arguments)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "Ageing of the receivable, 2026-02"
    assert "value 300.000000 EUR" in lines
    assert "1-30 100" in lines
    assert "current days:30" in lines
    assert "I1 C1 2026-01-01 2026-01-31 100 28 1-30 100" in lines
    assert lines[-1] == "1 of 2 rows"


def test_run_with_the_calendars_of_a_contract(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "disputes.csv").write_text(
        "dispute_id,invoice_id,opened_at,resolved_at\nD1,I1,2026-01-02 10:00,2026-01-07 10:00\n"
    )
    evidence = tmp_path / "evidence"
    asked = ("--evidence", evidence, "--period", "2026-01", "--set", "clock=business_days")
    command = ("kpi", "run", "dispute_resolution_time", *asked)
    result = _json(*command, "--contract", CASES / "contracts" / "full.yaml")
    assert (Decimal(result["value"]), result["unit"]) == (Decimal(3), "days")
    refused = _plumbline(*command)
    assert refused.exit_code == 2
    assert "there is no calendar to count business_days by" in refused.stderr
    assert "allowed: a contract with business hours, by --contract; or calendar_days" in (
        refused.stderr
    )


def test_no_data_is_said(evidence: Path) -> None:
    result = _plumbline("kpi", "run", "cash_collected", "--evidence", evidence, "--period", "2026")
    assert result.exit_code == 0
    assert "no data" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("dsso", "--period", "2026-01"), ["there is no KPI 'dsso', did you mean 'dso'?"]),
        (("dso", "--period", "2026-13"), ["'2026-13' is not a period"]),
        (
            ("dso", "--period", "2026-01", "--set", "varient=x", "--set", "days=31"),
            ["no parameter 'varient', did you mean 'variant'?", "allowed: actual, 30"],
        ),
        (
            ("dso", "--period", "2026-01", "--set", "days", "--set", "=3"),
            ["--set: not a parameter; found days", "--set: not a parameter; found =3"],
        ),
        (("dso", "--period", "2026-01", "--profile", "ibm"), ["no import profile 'ibm'"]),
        (("dso", "--period", "2026-01", "--currency", "EURO"), ["EURO"]),
    ],
)
def test_bad_input(evidence: Path, arguments: tuple[str, ...], messages: list[str]) -> None:
    result = _plumbline("kpi", "run", *arguments, "--evidence", evidence)
    assert result.exit_code == 2
    assert result.stdout == ""
    for message in messages:
        assert message in result.stderr


def test_rejected_rows_are_listed(evidence: Path) -> None:
    file = evidence / "invoices.csv"
    file.write_text(_INVOICES.replace("200.00", "1.234,56").replace("2026-01-31", "31/02/2026"))
    result = _plumbline("kpi", "run", "dso", "--evidence", evidence, "--period", "2026-02")
    assert result.exit_code == 2
    assert "31/02/2026" in result.stderr


def test_measure(tmp_path: Path, evidence: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(_CONTRACT, encoding="utf-8")
    arguments = ("--contract", contract, "--evidence", evidence, "--period", "2026-02")
    measured = _json("measure", *arguments)
    first, second = measured["results"]
    assert (first["value"], first["status"], first["consequential"]) == (
        "45.0",
        "below_expected",
        False,
    )
    assert (second["value"], second["status"]) == (None, "no_data")
    text = _plumbline("measure", *arguments).stdout
    assert "45.0 days" in text
    assert "below_expected (no consequence)" in text
    assert "SL-01: no consequence before 2026-03-01 (learning period)" in text
    assert "warning: no allocations were handed in" in text


_RELIEF = """\
plumbline_relief: 1
events:
  - id: RE-1
    kind: client_caused
    reason: The portal was closed
    period: 2026-02
    rows: {invoices: [I1]}
"""


def test_measure_with_relief(tmp_path: Path, evidence: Path) -> None:
    contract, relief = tmp_path / "contract.yaml", tmp_path / "relief.yaml"
    contract.write_text(_CONTRACT, encoding="utf-8")
    relief.write_text(_RELIEF, encoding="utf-8")
    arguments = ("--contract", contract, "--evidence", evidence, "--period", "2026-02")
    text = _plumbline("measure", *arguments, "--relief", relief).stdout
    assert "30.0 days" in text
    assert "SL-01: 45.0 days, below_expected without the relief of RE-1" in text
    assert "without the relief" not in text.partition("SL-01: 45.0 days")[2].partition("\n")[2]
    relief.write_text(_RELIEF.replace("[I1]", "[I1, I9]"), encoding="utf-8")
    for command in (("measure",), ("run", "--out", tmp_path / "out")):
        refused = _plumbline(*command, *arguments, "--relief", relief)
        assert refused.exit_code == 2
        assert "the evidence has no invoices with 1 of the keys; found I9" in refused.stderr


def test_findings_on_the_files_are_shown(tmp_path: Path, evidence: Path) -> None:
    (evidence / "alocations.csv").write_text("receipt_id\n1\n", encoding="utf-8")
    contract = tmp_path / "contract.yaml"
    contract.write_text(_CONTRACT, encoding="utf-8")
    hint = "alocations.csv: is named after no dataset, did you mean 'allocations'?"
    arguments = ("--evidence", evidence, "--period", "2026-02")
    for command in (("kpi", "run", "dso"), ("measure", "--contract", contract)):
        assert f"warning: {hint}" in _plumbline(*command, *arguments).stdout
        warnings = _json(*command, *arguments)["warnings"]
        assert any(each.startswith(hint) for each in warnings)
        assert any("every invoice counts as unpaid" in each for each in warnings)


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        (["current={days: 30}"], {"current": {"days": "30"}}),
        (['current={"days":30}', "a = b"], {"current": {"days": "30"}, "a": "b"}),
        (["current.days=30"], {"current": {"days": "30"}}),
        (
            ["divide_sales=True", "early_counts=FALSE"],
            {"divide_sales": "true", "early_counts": "false"},
        ),
        (["current={days}"], {"current": "{days}"}),
    ],
)
def test_settings(settings: list[str], parameters: dict[str, object]) -> None:
    assert parse_settings(settings) == parameters


_OWN = """\
/* ---
title: Large invoices
unit: invoices
direction: higher_is_better
datasets:
  required: [invoices]
definition: Invoices of 150 and more.
source: Our own policy
drill_down: The invoices.
--- */
WITH
large AS (SELECT invoice_id, 1 AS numerator FROM invoices WHERE amount >= 150)
-- figure
SELECT sum(numerator) AS numerator, count(*) AS ledger_rows FROM large
-- drill-down
SELECT * FROM large ORDER BY invoice_id
"""


def _own(folder: Path, text: str = _OWN) -> Path:
    own = folder / "own"
    own.mkdir(exist_ok=True)
    (own / "large_invoices.sql").write_text(text, encoding="utf-8")
    return own


def test_own_kpis_are_listed_shown_run_and_measured(tmp_path: Path) -> None:
    own = _own(tmp_path)
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "invoices.csv").write_text(_INVOICES, encoding="utf-8")
    contract = tmp_path / "contract.yaml"
    contract.write_text(_CONTRACT.replace("kpi: cash_collected", "kpi: large_invoices"))
    listed = {one["name"]: one["own"] for one in _json("kpi", "list", "--kpi-dir", own)}
    assert listed["large_invoices"] is True
    assert listed["dso"] is False
    assert "Large invoices (own)" in _plumbline("kpi", "list", "--kpi-dir", own).stdout
    assert _json("kpi", "show", "large_invoices", "--kpi-dir", own)["title"] == "Large invoices"
    files = ("--evidence", evidence, "--period", "2026-02", "--kpi-dir", own)
    assert _json("kpi", "run", "large_invoices", *files)["value"] == "1.000000"
    measured = _json("measure", "--contract", contract, *files)
    assert measured["results"][1]["value"] == "1.000000"
    refused = _plumbline("measure", "--contract", contract, *files[:-2])
    assert refused.exit_code == 2
    assert "large_invoices" in refused.stderr


def test_an_own_kpi_is_checked(tmp_path: Path) -> None:
    own = _own(tmp_path)
    file = own / "large_invoices.sql"
    assert "large_invoices may be used" in _plumbline("kpi", "check", file).stdout
    assert _json("kpi", "check", file)["own"] is True
    _own(tmp_path, _OWN.replace("FROM invoices", "FROM read_csv('a.csv')"))
    for arguments in (("check", file), ("list", "--kpi-dir", own)):
        refused = _plumbline("kpi", *arguments)
        assert refused.exit_code == 2
        assert "line 12: the table function is not allowed in a KPI" in refused.stderr


def test_the_folder_of_own_kpis_may_stand_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_KPI_DIR", str(_own(tmp_path)))
    assert "large_invoices" in _plumbline("kpi", "list").stdout


def test_pages_are_written(tmp_path: Path) -> None:
    own = _own(tmp_path)
    result = _plumbline("kpi", "docs", "--out", tmp_path / "kpis", "--kpi-dir", own)
    assert result.exit_code == 0, result.stderr
    assert "# Large invoices" in (tmp_path / "kpis" / "large_invoices.md").read_text()
    assert "(kpis/large_invoices.md)" in (tmp_path / "kpis.md").read_text()
