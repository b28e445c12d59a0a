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
from tests.paths import SHARED_DATA

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
    assert "below_expected (learning period)" in text
    assert "warning: no allocations were handed in" in text


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
