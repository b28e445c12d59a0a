"""`plumbline contract` answers in text and JSON, with exit status 2 for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.governance.contract.documents import FULL, edited
from tests.paths import CASES

GOOD = str(CASES / "contracts" / "full.yaml")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["contract", *arguments])


@pytest.fixture
def bad(tmp_path: Path) -> str:
    file = tmp_path / "bad.yaml"
    file.write_text(edited({"kpi: dso": "kpi: dsso", "due_days": "due"}), encoding="utf-8")
    return str(file)


def test_a_good_contract_is_summed_up() -> None:
    result = run("check", GOOD)
    assert result.exit_code == 0
    assert "is a good contract: ENG-2026-014 Collections and cash application" in result.stdout
    assert "Clearwater Receivables Ltd" in result.stdout


def test_a_good_contract_as_json() -> None:
    answer = json.loads(run("check", GOOD, "--json").stdout)
    assert (answer["valid"], answer["problems"], answer["charges"]) == (True, [], 3)


def test_warnings_leave_the_exit_status_alone_unless_strict() -> None:
    relaxed, strict = run("check", GOOD), run("check", GOOD, "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, 2)
    assert relaxed.stdout == strict.stdout
    text = " ".join(relaxed.stdout.split())
    assert "1 warning: line 27, service_levels[0].allocation (Schedule 2, 3.1)" in text
    assert "The allocations of the category collections add up to 40 %, so 60 % of its part" in text
    assert "What to do: let the allocations" in text


def test_notes_never_fail(tmp_path: Path) -> None:
    file = tmp_path / "noted.yaml"
    whole = {"allocation: 40": "allocation: 100", "cash: 50": "cash: 60"}
    file.write_text(edited(whole), encoding="utf-8")
    result = run("check", str(file), "--strict")
    assert (result.exit_code, "1 note:" in result.stdout) == (0, True)


def test_warnings_as_json_on_a_day() -> None:
    answer = json.loads(run("check", GOOD, "--json", "--on", "2028-10-01").stdout)
    rules = {each["rule"]: each["weight"] for each in answer["warnings"]}
    assert rules == {"notice_is_past": "warning", "allocations_do_not_add_up": "warning"}
    before = json.loads(run("check", GOOD, "--json", "--on", "2028-09-30").stdout)
    assert [each["rule"] for each in before["warnings"]] == ["allocations_do_not_add_up"]


def test_every_problem_is_printed(bad: str) -> None:
    result = run("check", bad)
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"plumbline: {bad}, line 31, service_levels[1].kpi: unknown KPI")
    assert lines[1].startswith(f"plumbline: {bad}, line 80, invoicing.due: unknown key")


def test_problems_as_json(bad: str) -> None:
    result = run("check", bad, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["valid"]) == (2, False)
    assert [(each["line"], each["column"]) for each in answer["problems"]] == [
        (31, "service_levels[1].kpi"),
        (80, "invoicing.due"),
    ]


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["diff", GOOD]])
def test_files_that_cannot_be_read(command: list[str], tmp_path: Path) -> None:
    missing = run(*command, str(tmp_path / "none.yaml"))
    folder = run(*command, str(tmp_path))
    assert (missing.exit_code, folder.exit_code) == (2, 2)
    assert "there is no such file" in missing.output
    assert "this is a folder, not a file" in folder.output


def test_schema_is_json() -> None:
    assert json.loads(run("schema").stdout)["$id"] == "urn:plumbline:contract:1"


def test_diff_in_words_and_as_json(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(edited({'"85.0"': '"87.5"'}), encoding="utf-8")
    words = run("diff", GOOD, str(new))
    sentence = "Service level SL-01 'Collection effectiveness': expected goes from 85.0 to 87.5"
    assert (words.exit_code, words.stdout) == (0, sentence + "\n")
    answer = json.loads(run("diff", GOOD, str(new), "--json").stdout)
    assert [change["sentence"] for change in answer["changes"]] == [sentence]


def test_no_difference_is_said() -> None:
    assert run("diff", GOOD, GOOD).stdout == "The two documents agree in every term.\n"


def test_diff_reports_the_problems_of_both(bad: str, tmp_path: Path) -> None:
    worse = tmp_path / "worse.yaml"
    worse.write_text(FULL.replace("plumbline: 1", "plumbline: 3"), encoding="utf-8")
    result = run("diff", bad, str(worse))
    assert result.exit_code == 2
    assert f"{bad}, line 80" in result.stderr
    assert f"{worse}, line 1, plumbline" in result.stderr
