"""`plumbline payments`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "bank.csv"
    path.write_text("When,Amount\n03/01/2026,7.50\n2026-03-09,x\n", encoding="utf-8")
    return str(path)


def test_a_statement_is_read_as_json(file: str) -> None:
    options = ["--column", "booked=When", "--month-first", "--mark", "point", "--currency", "USD"]
    answer = CliRunner().invoke(main, ["payments", "read", file, *options])
    found = json.loads(answer.output)
    (entry,) = found["entries"]
    assert (entry["booked_on"], entry["amount"], entry["currency"]) == ("2026-03-01", "7.50", "USD")
    assert found["skipped"][0]["place"] == "line 3"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--column", "sum=Amount"], "a payment has no sum"),
        (["--currency", "XXZ"], "this is no currency"),
        ([], "line 1, booked: no column is headed"),
    ],
)
def test_what_cannot_be_read(file: str, options: list[str], what: str) -> None:
    answer = CliRunner().invoke(main, ["payments", "read", file, *options])
    assert what in answer.output
    assert answer.exit_code != 0
