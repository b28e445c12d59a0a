"""`plumbline meter`: the meters, one of them, and the pages about them."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from app.cli import main
from billing.metering.catalogue import load_meters


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["meter", *arguments])


def test_all_meters_are_listed() -> None:
    lines = _run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == list(load_meters())
    listed = json.loads(_run("list", "--json").output)
    assert {one["name"]: one["by"] for one in listed}["reminders_sent"] == "channel"


def test_one_meter_shows_its_file() -> None:
    sql = _run("show", "fte", "--sql").output
    assert sql == load_meters()["fte"].text
    shown = json.loads(_run("show", "invoices_issued/email", "--json").output)
    assert (shown["name"], shown["text"]) == (
        "invoices_issued",
        load_meters()["invoices_issued"].text,
    )
    assert _run("show", "fte").output.startswith("# Full-time equivalents\n")
    wrong = _run("show", "invoice_issued")
    assert wrong.exit_code == 2
    assert "did you mean 'invoices_issued'?" in wrong.stderr


def test_the_pages_are_written(tmp_path: Path) -> None:
    assert _run("docs", "--out", str(tmp_path / "meters")).exit_code == 0
    assert {path.stem for path in (tmp_path / "meters").iterdir()} == set(load_meters())
    assert "Every row is billed once" in (tmp_path / "meters.md").read_text(encoding="utf-8")
