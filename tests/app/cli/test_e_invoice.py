"""`plumbline e-invoice check` on files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from billing.e_invoices.rules import Broken
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from tests.billing.e_invoices.cases import named
from tests.billing.e_invoices.official import PLAIN

_WARNING = Broken("BR-DE-27", "warning", "The telephone number should have digits", "/Invoice")
_ERROR = Broken("BR-CO-15", "fatal", "[BR-CO-15]-The total is wrong", "/Invoice")


class _Rules:
    """Stands in for the rules, which a process of its own runs in other tests."""

    answer: tuple[Broken, ...] = ()
    folder: Path | None = None

    def __init__(self, folder: Path | None = None) -> None:
        type(self).folder = folder

    def broken_by(self, document: bytes) -> tuple[Broken, ...]:
        assert document.startswith(b"<?xml")
        return self.answer


@pytest.fixture(name="rules")
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("app.cli.e_invoice.Rules", _Rules)
    yield _Rules
    _Rules.answer = ()


@pytest.fixture(name="file")
def xml_file(tmp_path: Path) -> Path:
    file = tmp_path / "invoice.xml"
    file.write_bytes(e_invoice_xml(named(PLAIN), Syntax.UBL, Profile.XRECHNUNG))
    return file


def _check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["e-invoice", "check", *arguments])


def test_a_valid_invoice(rules: Any, file: Path, tmp_path: Path) -> None:
    answer = _check(str(file), "--rules", str(tmp_path))
    assert (answer.exit_code, answer.stdout) == (0, f"{file}: valid\n")
    assert rules.folder == tmp_path


def test_a_warning_is_told_and_an_error_fails(rules: Any, file: Path) -> None:
    rules.answer = (_WARNING, _ERROR)
    answer = _check(str(file))
    assert answer.exit_code == 2
    assert "warning: BR-DE-27: The telephone number should have digits" in answer.stdout
    assert answer.stderr == f"plumbline: {file}: [BR-CO-15]-The total is wrong\n"


def test_findings_as_json(rules: Any, file: Path) -> None:
    rules.answer = (_WARNING,)
    answer = _check(str(file), "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["findings"] == [
        {
            "rule": "BR-DE-27",
            "flag": "warning",
            "text": "The telephone number should have digits",
            "where": "/Invoice",
        }
    ]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "the file can't be read"), (b"%PDF-1.7 broken", "this PDF can't be read")],
)
def test_what_is_no_invoice(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_bytes(content)
    answer = _check(str(file))
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_without_a_processor_the_extra_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("billing.e_invoices.rules.import_module", absent)
    answer = _check(str(file))
    assert answer.exit_code == 2
    assert "plumbline-governance[rules]" in answer.stderr
