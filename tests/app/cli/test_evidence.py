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
    assert {"highradius_closed", "ibm_late_payments", "sap_open_items"} <= set(names)
    source = SHARED_DATA / "ibm_late_payments.csv"
    assert run("check", source, "--profile", "ibm_late_payments").exit_code == 0
    assert run("check", source, "--profile", "unknown").exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_proposal_asks_and_then_writes_the_profile(tmp_path: Path) -> None:
    content = "No,Customer,Date,Due,Amount\n1,A,03/04/2020,04/05/2020,1.50\n"
    source = write_files(tmp_path / "in", {"list.csv": content}) / "list.csv"
    asked = run("propose", source)
    assert asked.exit_code == 2
    assert "--answer 'date_format.Date=%d/%m/%Y'  day/month/year: 03/04/2020 is 3" in asked.output
    given = ["currency=EUR", "date_format.Date=%d/%m/%Y", "date_format.Due=%d/%m/%Y"]
    answers = [each for answer in given for each in ("--answer", answer)]
    target = tmp_path / "profile.yaml"
    done = run("propose", source, *answers, "--out", target)
    assert (done.exit_code, f"written to {target}" in done.output) == (0, True)
    assert run("check", source, "--profile", target).exit_code == 0
    answer = json.loads(run("propose", source, *answers, "--json").output)
    assert answer["profile"] == target.read_text()
    assert not any(choice["open"] for choice in answer["choices"])


def test_answers_nobody_asked_for_are_refused(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", {"list.csv": "No,Amount\n1,2.50\n"}) / "list.csv"
    wrong = run("propose", source, "--answer", "curency=EUR")
    assert wrong.exit_code == 2
    assert "doesn't pose the question 'curency', did you mean 'currency'?" in wrong.output
    assert "'EUR' is no answer" in run("propose", source, "--answer", "EUR").output


def test_several_currencies_still_leave_questions_about_dates() -> None:
    found = run("check", SHARED_DATA / "highradius_open_items.csv.gz", "--json")
    findings = {each["code"]: each for each in json.loads(found.output)["findings"]}
    assert {"not_comparable", "due_before_issue", "one_customer_many_names"} <= set(findings)
    assert len(findings["due_before_issue"]["examples"]) == 5
    shown = run("check", SHARED_DATA / "highradius_open_items.csv.gz").output
    assert "customers with such invoices: 9 of 526; issued between: 2020-03-09" in shown
