"""`plumbline price` from files, as text, as JSON and with bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from app.cli import main
from tests.billing.charges import build

_TIERS = [
    {"up_to": 100, "price": "0.10"},
    {"up_to": 1000, "price": "0.08"},
    {"up_to": None, "price": "0.05"},
]
_INVOICES = {
    "title": "Invoices issued",
    "clause": "Schedule 3, 1.2",
    "type": "per_unit",
    "meter": "invoices_issued",
    "pricing": {"scheme": "volume", "tiers": _TIERS},
}
_USAGE = {"period": "2026-01", "meters": {"invoices_issued": "500"}, "service_credit": "0.00"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Contract and usage of the contract language's own example."""
    document = build.document(_INVOICES, invoicing={"tax": {"category": "standard", "rate": "19"}})
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (tmp_path / "usage.json").write_text(json.dumps(_USAGE), encoding="utf-8")
    return tmp_path


def _price(folder: Path, *options: str) -> Result:
    files = ["--contract", str(folder / "contract.yaml"), "--usage", str(folder / "usage.json")]
    return CliRunner().invoke(main, ["price", *files, *options])


def _usage(folder: Path, **changes: Any) -> None:
    (folder / "usage.json").write_text(json.dumps(_USAGE | changes), encoding="utf-8")


def test_answers_the_documented_object(folder: Path) -> None:
    result = _price(folder, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    (line,) = answer.pop("lines")
    assert answer == {
        "period": "2026-01",
        "currency": "EUR",
        "subtotal": "40.00",
        "credit_base": "40.00",
        "service_credit": "0.00",
        "taxes": [{"category": "standard", "rate": "19", "base": "40.00", "amount": "7.60"}],
        "withholding": "0.00",
        "total": "47.60",
        "payable": "47.60",
    }
    assert line == {
        "charge": "CH-01",
        "title": "Invoices issued",
        "clause": "Schedule 3, 1.2",
        "quantity": "500",
        "unit": "invoices_issued",
        "amount": "40.00",
        "steps": [
            {
                "quantity": "500",
                "price": "0.08",
                "amount": "40.00",
                "text": "all units, as the total is over 100 up to 1000",
            }
        ],
        "tax": {"category": "standard", "rate": "19"},
        "pass_through": False,
        "meter": "invoices_issued",
    }


def test_prints_an_invoice(folder: Path) -> None:
    _usage(folder, service_credit="10.00")
    result = _price(folder)
    assert result.exit_code == 0
    rows = [" ".join(row.split()) for row in result.stdout.splitlines()]
    assert rows[0] == "ENG-1 Collections"
    assert rows[2] == "Period 2026-01 (2026-01-01 to 2026-01-31)"
    assert rows[6:9] == [
        "CH-01 Invoices issued 40.00",
        "Schedule 3, 1.2",
        "500 × 0.08 = 40.00 (all units, as the total is over 100 up to 1000)",
    ]
    assert rows[10:] == [
        "Subtotal 40.00",
        "Service credit -10.00",
        "Tax, standard 19 % on 30.00 5.70",
        "Total 35.70",
        "Payable 35.70",
    ]


def test_nothing_is_stated_without_a_sign(folder: Path) -> None:
    document = build.document(_INVOICES, invoicing={"withholding": {"rate": "0"}})
    (folder / "contract.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    _usage(folder, service_credit="150.00")
    answer = json.loads(_price(folder, "--json").stdout)
    assert (answer["total"], answer["withholding"]) == ("-110.00", "0.00")
    assert [tax["amount"] for tax in answer["taxes"]] == ["0.00"]
    assert "-0.00" not in _price(folder).stdout


def test_a_negative_credit_is_bad_input(folder: Path) -> None:
    _usage(folder, service_credit="-1.00")
    result = _price(folder)
    assert result.exit_code == 2
    assert "line 1, service_credit: below zero" in result.stderr


def test_says_when_nothing_runs(folder: Path) -> None:
    _usage(folder, period="2025-12")
    assert "No charge runs in this period." in _price(folder).stdout


def test_a_problem_in_the_usage_names_its_file_and_path(folder: Path) -> None:
    _usage(folder, meters={"invoices_isued": "500"})
    result = _price(folder)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "usage.json, meters.invoices_issued: charge CH-01 needs the meter" in result.stderr
    assert "nearest is invoices_isued" in result.stderr


def test_a_term_that_cannot_be_priced_names_the_contract(folder: Path) -> None:
    document = build.document({**_INVOICES, "ramp": {"2026-01": "1.00"}})
    (folder / "contract.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    result = _price(folder)
    assert result.exit_code == 2
    assert "contract.yaml" in result.stderr


def test_a_missing_file_is_bad_input(folder: Path) -> None:
    (folder / "usage.json").unlink()
    assert _price(folder).exit_code == 2
