"""Every document of the table passes the official rules, and the rules do find what is wrong."""

from __future__ import annotations

import pytest
from lxml import etree

from billing.e_invoices.rules import Broken, stylesheets_of
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from tests.billing.e_invoices.cases import cases, named, written
from tests.billing.e_invoices.official import PLAIN, Written, broken_by_syntax
from tests.billing.e_invoices.peppol import broken_rules


def test_every_document_passes_and_what_is_wrong_is_found() -> None:
    """No error and no warning, in one go: compiling the rules costs more than running them."""
    assert len(cases()) >= 60
    spoilt = [Written(PLAIN, Profile.XRECHNUNG, syntax, spoilt=True) for syntax in Syntax]
    found = broken_by_syntax([*(Written(*each) for each in written()), *spoilt])
    assert [one for one in found if not one[0].spoilt] == []
    for each in spoilt:
        errors = {broken.rule for one, broken in found if one == each and broken.is_error}
        assert {"BR-CO-15", "BR-DE-15"} <= errors


@pytest.mark.parametrize("name", [case.name for case in cases() if Profile.PEPPOL in case.profiles])
def test_peppol_takes_them_too(name: str) -> None:
    assert broken_rules(e_invoice_xml(named(name), Syntax.UBL, Profile.PEPPOL)) == ()


def test_peppols_rules_find_what_is_wrong() -> None:
    document = Written(PLAIN, Profile.PEPPOL, Syntax.UBL, spoilt=True).document()
    found = broken_rules(
        document.replace(b">0.85<", b">0.87<").replace(b'"EUR">1020', b'"USD">1020')
    )
    assert {each.partition(" ")[0] for each in found} == {"R008", "R051", "R120"}


def test_stylesheets_follow_the_syntax_and_the_rules_that_are_named() -> None:
    def names(syntax: Syntax, profile: Profile) -> tuple[str, ...]:
        return stylesheets_of(etree.fromstring(e_invoice_xml(named(PLAIN), syntax, profile)))

    assert names(Syntax.CII, Profile.EN16931) == ("EN16931-CII-validation.xsl",)
    assert names(Syntax.UBL, Profile.PEPPOL) == ("EN16931-UBL-validation.xsl",)
    assert names(Syntax.UBL, Profile.XRECHNUNG) == (
        "EN16931-UBL-validation.xsl",
        "XRechnung-UBL-validation.xsl",
    )


@pytest.mark.parametrize(
    ("flag", "error"),
    [("fatal", True), ("error", True), ("warning", False), ("information", False)],
)
def test_warnings_are_no_errors(flag: str, error: bool) -> None:
    assert Broken("BR-1", flag, "text").is_error is error
