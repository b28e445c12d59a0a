"""`plumbline provider-invoice check`, as typed: the application's figures from files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.factories import contract_bytes, write_evidence_folder

_AGREED = """\
Invoice,Date,Item,Description,Net,VAT rate,VAT
P-1,2026-01-31,CH-01,Service desk,1000.00,19,190.00
P-1,2026-01-31,CH-02,Invoices issued,7.50,19,1.42
P-1,2026-01-31,,Service credit 2026-01,-100.75,19,-19.14
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract, its ledgers and the provider's invoice as agreed."""
    (tmp_path / "contract.yaml").write_bytes(contract_bytes())
    write_evidence_folder(tmp_path / "ledgers")
    (tmp_path / "invoice.csv").write_text(_AGREED, encoding="utf-8")
    return tmp_path


def _check(folder: Path, *more: str) -> Result:
    files = ["--contract", str(folder / "contract.yaml"), "--evidence", str(folder / "ledgers")]
    asked = ["provider-invoice", "check", str(folder / "invoice.csv"), *files]
    return CliRunner().invoke(main, [*asked, "--period", "2026-01", *more])


def test_nothing_differs(folder: Path) -> None:
    answer = _check(folder)
    assert answer.exit_code == 0
    assert "Every line, the tax and the totals are what contract and evidence say." in answer.output
    assert "EUR\N{NO-BREAK SPACE}1,079.03" in answer.output


def test_what_differs_is_listed_and_ends_with_1(folder: Path) -> None:
    invoice = folder / "invoice.csv"
    invoice.write_text(_AGREED.replace("7.50,19,1.42", "17.50,19,3.32"), encoding="utf-8")
    answer = _check(folder)
    assert answer.exit_code == 1
    assert "Amount differs: Invoices issued (P-1, line 2)" in answer.output
    assert "EUR 17.50 are billed; EUR 7.50 are owed. Clause: Schedule 4, 2." in answer.output
    found = json.loads(_check(folder, "--json").output)
    assert (found["billed"], found["expected"], found["difference"]) == (
        "1090.93",
        "1079.03",
        "11.90",
    )
    assert [one["amount"] for one in found["differences"]] == ["10.00", "1.90"]
    assert found["differences"][0]["clause"] == "Schedule 4, 2"


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--column", "sum=Net"], "an invoice's row has no sum"),
        (["--column", "net=Amount"], "there is no column 'Amount'"),
    ],
)
def test_what_cannot_be_read(folder: Path, more: list[str], what: str) -> None:
    answer = _check(folder, *more)
    assert (answer.exit_code, what in answer.output) == (2, True)


def test_a_number_may_come_once(folder: Path) -> None:
    answer = _check(folder, str(folder / "invoice.csv"))
    assert answer.exit_code == 2
    assert "another file states invoice P-1 too" in answer.output
