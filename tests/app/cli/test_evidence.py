"""`plumbline evidence` from the outside: messages, JSON, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from app.cli.evidence import evidence
from tests.paths import SHARED_DATA
from tests.sla.evidence.handing_in import INVOICE, INVOICES_HEADING, write_files

GOOD = {"invoices.csv": INVOICES_HEADING + INVOICE}
BAD = {"invoices.csv": INVOICES_HEADING + INVOICE + "I2,C1,31/02/2013,2013-02-01,EUR,1\n"}


def run(*arguments: str | Path) -> Result:
    """Run the command as a user would."""
    return CliRunner().invoke(evidence, [str(argument) for argument in arguments])


def test_check_lists_tables_and_findings(tmp_path: Path) -> None:
    result = run("check", write_files(tmp_path / "in", GOOD))
    assert result.exit_code == 0
    assert "invoices" in result.output
    assert "note: no allocations were handed in" in result.output


def test_check_reports_rejected_rows(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", BAD)
    result = run("check", source)
    assert result.exit_code == 2
    assert (
        "invoices.csv, line 3, row 2, issue_date: not a date; dates are written 2013-02-28; "
        "found '31/02/2013'" in result.output
    )
    answer = json.loads(run("check", source, "--json").output)
    assert (answer["clean"], answer["tables"]) == (False, [])
    assert answer["rejections"][0]["row"] == 2


def test_import_stores_all_or_nothing(tmp_path: Path) -> None:
    source, store = write_files(tmp_path / "in", BAD), tmp_path / "store"
    assert run("import", source, "--store", store).exit_code == 2
    assert not store.exists()
    result = run("import", source, "--store", store, "--accept-rejected", "--json")
    assert result.exit_code == 0
    (table,) = json.loads(result.output)["tables"]
    assert [path.stem for path in store.iterdir()] == [table["sha256"]]


def test_problems_of_a_file_go_to_standard_error(tmp_path: Path) -> None:
    result = run("check", write_files(tmp_path / "in", {"invoices.parquet": b""}))
    assert (result.exit_code, result.stderr) == (
        2,
        "plumbline: invoices.parquet: is empty; allowed: a heading and rows\n",
    )


def test_profiles(tmp_path: Path) -> None:
    assert "ibm_late_payments" in run("profiles").output
    names = [profile["name"] for profile in json.loads(run("profiles", "--json").output)]
    assert names == ["highradius_closed", "ibm_late_payments"]
    source = SHARED_DATA / "ibm_late_payments.csv"
    assert run("check", source, "--profile", "ibm_late_payments").exit_code == 0
    assert run("check", source, "--profile", "unknown").exit_code == 2
    assert not list(tmp_path.iterdir())
