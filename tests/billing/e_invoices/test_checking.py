"""Reading and checking files that somebody hands in, without the processor of the rules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from billing.e_invoices.reading import xml_of
from billing.e_invoices.rules import Broken, Rules
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from governance.errors import BadInput
from tests.billing.e_invoices.cases import named
from tests.billing.e_invoices.official import PLAIN

_REPORT = """<svrl:schematron-output xmlns:svrl="http://purl.oclc.org/dsdl/svrl">
<svrl:failed-assert id="BR-1" flag="fatal" location="/x"><svrl:text>Not
 so</svrl:text></svrl:failed-assert>
<svrl:successful-report id="BR-2" flag="warning"><svrl:text>Hm</svrl:text></svrl:successful-report>
</svrl:schematron-output>"""


class _Processor:
    """Answers the same report whatever the stylesheet."""

    def __init__(self, *, license: bool) -> None:  # noqa: A002 (the library calls it so)
        assert not license
        self.compiled: list[str] = []

    def new_xslt30_processor(self) -> _Processor:
        return self

    def parse_xml(self, xml_text: str) -> str:
        return xml_text

    def compile_stylesheet(self, stylesheet_file: str) -> _Processor:
        self.compiled.append(stylesheet_file)
        return self

    def transform_to_string(self, xdm_node: str) -> str:
        assert xdm_node.startswith("<?xml")
        return _REPORT


@pytest.fixture(autouse=True)
def _processor(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(PySaxonProcessor=_Processor)
    monkeypatch.setattr("billing.e_invoices.rules.import_module", lambda _: library)


def test_a_report_becomes_findings_and_a_stylesheet_is_compiled_once(tmp_path: Path) -> None:
    (tmp_path / "EN16931-UBL-validation.xsl").touch()
    rules = Rules(tmp_path)
    document = e_invoice_xml(named(PLAIN), Syntax.UBL, Profile.EN16931)
    for _ in range(2):
        assert rules.broken_by(document) == (
            Broken("BR-1", "fatal", "Not so", "/x"),
            Broken("BR-2", "warning", "Hm"),
        )
    assert rules._processor.compiled == [str(tmp_path / "EN16931-UBL-validation.xsl")]


def test_rules_of_the_norm_are_at_hand_and_others_come_from_the_folder(tmp_path: Path) -> None:
    rules = Rules(tmp_path)
    for syntax in Syntax:
        assert rules.broken_by(e_invoice_xml(named(PLAIN), syntax, Profile.EN16931))
        with pytest.raises(BadInput, match="the rules of this profile are not here"):
            rules.broken_by(e_invoice_xml(named(PLAIN), syntax, Profile.XRECHNUNG))


def test_the_schema_comes_first() -> None:
    document = e_invoice_xml(named(PLAIN), Syntax.UBL, Profile.EN16931)
    (broken,) = Rules().broken_by(document.replace(b"IssueDate>", b"IssueDay>"))
    assert broken.is_error
    assert "IssueDay" in broken.text
    (other,) = Rules().broken_by(b"<Order/>")
    assert other.text == "line 1: Order is no invoice in CII or UBL"


def test_what_is_no_xml_is_told_with_its_line() -> None:
    with pytest.raises(BadInput, match="line 2: this is no XML"):
        Rules().broken_by(b"<Invoice>\n</Order>")


def test_xml_is_taken_as_it_is_and_a_broken_pdf_refused() -> None:
    assert xml_of(b"<Invoice/>") == b"<Invoice/>"
    with pytest.raises(BadInput, match=r"bill\.pdf: this PDF can't be read"):
        xml_of(b"%PDF-1.7 nothing", "bill.pdf")
