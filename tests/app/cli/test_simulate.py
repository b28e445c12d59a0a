"""`plumbline simulate` on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.cli.simulate import _left, _Progress
from app.simulation_files import FILES
from tests.factories import contract_bytes, write_evidence_folder

_MONTHS = ("--periods", "2026-01..2026-02")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """The usual contract as the old one, one with a lower fee as the new, and evidence."""
    (tmp_path / "old.yaml").write_bytes(contract_bytes())
    (tmp_path / "new.yaml").write_bytes(contract_bytes().replace(b"1000.00", b"900.00"))
    evidence = write_evidence_folder(tmp_path / "evidence")
    return ("--contract", str(tmp_path / "new.yaml"), "--evidence", str(evidence))


def _simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def _words(text: str) -> str:
    return " ".join(text.split())


def test_a_table_on_the_terminal(files: tuple[str, ...], tmp_path: Path) -> None:
    result = _simulate(*files, *_MONTHS, "--against", str(tmp_path / "old.yaml"))
    assert result.exit_code == 0, result.output
    text = _words(result.stdout)
    assert "CH-01 Service desk 2,000.00 1,800.00 −200.00" in text
    assert "CH-02 Invoices issued 10.00 10.00 0.00" in text
    assert "warning: " in text
    assert "Simulated 4 of 4 months" in result.stderr
    assert "Simulated" not in result.stdout


def test_json_is_all_that_is_on_standard_output(files: tuple[str, ...]) -> None:
    found = json.loads(_simulate(*files, *_MONTHS, "--json").stdout)
    assert found["months"] == ["2026-01", "2026-02"]
    assert found["old"] is None
    amounts = {row["id"]: row["amounts"] for row in found["new"]["charges"]}
    assert amounts["CH-02"] == {"2026-01": "7.50", "2026-02": "2.50"}


def test_all_files_or_none(files: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _simulate(*files, *_MONTHS, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == set(FILES)
    assert json.loads((out / "simulation.json").read_bytes())["currency"] == "EUR"
    again = {path.name: path.read_bytes() for path in out.iterdir()}
    _simulate(*files, *_MONTHS, "--out", str(out))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == again
    refused = _simulate(*files, *_MONTHS, "--out", str(tmp_path / "new.yaml"))
    assert refused.exit_code == 2
    assert "it is a file, not a folder" in refused.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--periods", "2026-02..2026-01"), "the span ends before it starts"),
        (("--periods", "2025-12..2026-01"), "1 month lies outside the engagement ENG-1"),
        (("--periods", "soon"), "'soon' is no span of months"),
        ((*_MONTHS, "--month", "2026-03"), "none of the simulated ones"),
        ((*_MONTHS, "--against", "nowhere.yaml"), "nowhere.yaml: there is no such file"),
        ((*_MONTHS, "--profile", "nothing"), "nothing"),
    ],
)
def test_what_cannot_be_used(files: tuple[str, ...], more: tuple[str, ...], message: str) -> None:
    result = _simulate(*files, *more)
    assert result.exit_code == 2
    assert message in result.stderr


def test_both_contracts_problems_are_named(files: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.yaml").write_text("plumbline: 1\n")
    result = _simulate(*files, *_MONTHS, "--against", str(tmp_path / "old.yaml"))
    assert result.exit_code == 2
    assert "new.yaml" in result.stderr
    assert "old.yaml" in result.stderr


def test_two_files_of_one_name_are_told_apart(files: tuple[str, ...], tmp_path: Path) -> None:
    other = tmp_path / "signed" / "new.yaml"
    other.parent.mkdir()
    other.write_bytes(contract_bytes())
    result = _simulate(*files, *_MONTHS, "--against", str(other))
    assert f"less than {other}" in _words(result.stdout)


def test_the_time_left_follows_from_the_months_done(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([100.0, 110.0, 112.0, 130.0, 140.0])
    say = _Progress(now=lambda: next(moments), terminal=False)
    for done in range(1, 6):
        say(done, 5)
    assert capsys.readouterr().err.splitlines() == [
        "Simulated 1 of 5 months",
        "Simulated 2 of 5 months, about 30 s left",
        "Simulated 4 of 5 months, about 10 s left",
        "Simulated 5 of 5 months",
    ]
    assert _left(60, 1, 4) == ", about 3 min 0 s left"


def test_a_terminal_has_one_line_that_changes(capsys: pytest.CaptureFixture[str]) -> None:
    say = _Progress(now=lambda: 0.0, terminal=True)
    say(1, 2)
    say(2, 2)
    assert capsys.readouterr().err.count("\n") == 1
