"""What stands in the XML: the document's own figures, in the places of the European norm."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from facturx.parse_xml import parse_ubl_cii_xml
from lxml import etree

from billing.e_invoices.made import e_invoices_of
from billing.e_invoices.terms import business_terms
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from billing.invoices.fee_document import FeeDocument
from governance.errors import BadInput
from governance.values import money_text
from tests.billing.e_invoices.cases import Case, cases, named, written

_PLAIN = "one line at the standard rate"
NORM = Profile.EN16931


def _terms(name: str, profile: Profile = NORM) -> dict[str, Any]:
    return business_terms(named(name), profile)


def _parsed(document: bytes) -> dict[str, Any]:
    found: dict[str, Any] = parse_ubl_cii_xml(document, level="en16931", check_xsd=False)
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_amounts_are_those_of_the_table(case: Case) -> None:
    document, table = case.document, case.written
    assert money_text(document.net, document.currency) == table["net"]
    assert money_text(document.tax, document.currency) == table["tax"]
    terms = business_terms(document, NORM)
    assert Decimal(terms["BT-112"]) == Decimal(terms["BT-115"]) == Decimal(table["total"])
    assert Decimal(terms["BT-109"]) + Decimal(terms["BT-110"]) == Decimal(table["total"])
    lines = [Decimal(line["BT-131"]) for line in terms["BG-25"]]
    assert sum(lines) == Decimal(terms["BT-106"]) == document.subtotal
    allowances = Decimal(terms.get("BT-107", 0)) - Decimal(terms.get("BT-108", 0))
    assert sum(lines) - allowances == Decimal(terms["BT-109"])


@pytest.mark.parametrize(("name", "profile", "syntax"), list(written())[::7])
def test_a_reader_gets_the_same_terms_back(name: str, profile: Profile, syntax: Syntax) -> None:
    given = business_terms(named(name), profile)
    read = _parsed(e_invoice_xml(named(name), syntax, profile))
    assert read["BT-24"] == profile.specification
    for term in ("BT-1", "BT-2", "BT-3", "BT-5", "BT-10", "BT-72", "BT-106", "BT-112", "BT-115"):
        assert _text(read[term]) == _text(given[term]), term
    assert len(read["BG-25"]) == len(given["BG-25"])
    for back, line in zip(read["BG-25"], given["BG-25"], strict=True):
        for term in ("BT-126", "BT-129", "BT-130", "BT-131", "BT-146", "BT-151", "BT-155"):
            assert _text(back.get(term)) == _text(line.get(term)), term


def _text(value: Any) -> str:
    try:
        return str(Decimal(str(value)).normalize())
    except ArithmeticError:
        return str(value)


def test_the_same_document_gives_the_same_bytes() -> None:
    document = named("service credit shared over two rates")
    for syntax in Syntax:
        assert e_invoice_xml(document, syntax) == e_invoice_xml(replace(document), syntax)


def test_a_document_in_one_profile_leaves_the_next_alone() -> None:
    """The library changes what it is given."""
    document = named("outside the scope with a service credit")
    first = e_invoice_xml(document, Syntax.UBL, NORM)
    e_invoice_xml(document, Syntax.CII, Profile.XRECHNUNG)
    assert e_invoice_xml(document, Syntax.UBL, NORM) == first


@pytest.mark.parametrize(
    ("name", "quantity", "unit", "price"),
    [
        (_PLAIN, "1200", "C62", "0.85"),
        ("price of a fraction of a cent", "1333", "C62", "0.0375"),
        ("hours", "12.25", "HUR", "95"),
        ("days", "3", "DAY", "760"),
        ("yearly fee", "1", "ANN", "12000"),
        ("nothing but a line taken back", "-4", "C62", "12.5"),
        ("graduated price in three tiers", "1", "C62", "2208.85"),
        ("quantity that never ends", "1", "C62", "1333.33"),
        ("yen with prices of sen and a service credit", "1", "C62", "4163"),
        ("a free line", "1", "MON", "0"),
    ],
)
def test_quantity_and_price(name: str, quantity: str, unit: str, price: str) -> None:
    line = _terms(name)["BG-25"][0]
    assert (line["BT-129"], line["BT-130"], line["BT-146"]) == (quantity, unit, price)


def test_a_line_of_several_steps_says_how_it_was_computed() -> None:
    line = _terms("graduated price in three tiers")["BG-25"][0]
    assert line["BT-154"] == (
        "Quantity: 1000 receipts posted; 1000 × 0.5 = 500 EUR; 4000 × 0.4 = 1600 EUR;"
        " 311 × 0.35 = 108.85 EUR"
    )


def test_what_else_a_line_says() -> None:
    assert _terms("a clause")["BG-25"][0]["BG-32"] == [
        {"BT-160": "Clause", "BT-161": "Schedule 3, 1.2"}
    ]
    restated, late, credited = (
        _terms(name)["BG-25"][-1]["BT-154"]
        for name in (
            "a negative line makes good a restatement",
            "late rows of an earlier month",
            "credit note of a part of one line",
        )
    )
    assert "Makes good restatement 2026-02/1" in restated
    assert "Rows of 2026-02 that came after its figures were sealed" in late
    assert "Takes back line 1 of LW-2026-00003" in credited


def test_a_service_credit_is_an_allowance_and_a_bonus_a_charge() -> None:
    terms = _terms("credit in one rate and bonus in another")
    assert terms["BG-20"] == [
        {
            "amount": "80.00",
            "reason": "Service credit 2026-03 (Clause Schedule 2, 3.1)",
            "reason_code": "64",
            "vat_category_code": "S",
            "vat_rate": "19",
        }
    ]
    (bonus,) = terms["BG-21"]
    assert (bonus["amount"], bonus["reason_code"], bonus["vat_rate"]) == ("5.00", "ADR", "7")
    assert (terms["BT-107"], terms["BT-108"]) == ("80.00", "5.00")


def test_nothing_charged_still_has_a_line() -> None:
    (line,) = _terms("nothing charged and a credit")["BG-25"]
    assert (line["BT-131"], line["BT-153"]) == ("0.00", "No charges in this period")


def test_two_reasons_stand_in_one_breakdown() -> None:
    exempt, standard = _terms("two reasons for exemption stand in one breakdown")["BG-23"]
    assert exempt["BT-118"] == "E"
    assert exempt["BT-116"] == "140.00"
    assert exempt["BT-120"] == (
        "Exempt: section 4 no. 8 of the value added tax act; Exempt credit brokerage"
    )
    assert "BT-120" not in standard


def test_outside_of_vat_nobody_states_a_vat_number() -> None:
    terms = _terms("outside the scope")
    assert "vat_identifier" not in terms["BG-4"]
    assert terms["BG-4"]["legal_identifier"] == "HRB 41207"
    (one,) = terms["BG-23"]
    assert (one["BT-118"], one["BT-121"], one.get("BT-119")) == ("O", "VATEX-EU-O", None)


def test_a_sales_tax_is_a_charge() -> None:
    terms = _terms("sales tax, an exempt line and a service credit")
    (tax,) = terms["BG-21"]
    assert (tax["amount"], tax["reason"], tax["reason_code"]) == (
        "346.13",
        "Sales tax 8.875 %",
        "ZZZ",
    )
    assert (terms["BT-110"], terms["BT-109"], terms["BT-115"]) == ("0.00", "4733.63", "4733.63")
    assert terms["BG-1"] == [{"BT-22": "Resale certificate on file"}]


def test_without_any_other_number_a_seller_is_told_by_its_e_mail_address() -> None:
    terms = _terms("a standard rate in a country without VAT")
    assert terms["BG-4"]["identifiers"] == {None: "079961958"}
    document = named("a standard rate in a country without VAT")
    bare = document.seller.model_copy(
        update={"electronic_address": None, "electronic_scheme": None}
    )
    terms = business_terms(replace(document, seller=bare), NORM)
    assert terms["BG-4"]["identifiers"] == {None: "billing@clearwater.example"}


def test_tax_withheld_is_no_part_of_the_amount_due() -> None:
    terms = _terms("tax withheld by the client")
    said = (
        "The client withholds EUR 600.00 in tax; the seller is paid EUR 4160.00 of the amount due."
    )
    assert terms["BT-115"] == terms["BT-112"] == "4760.00"
    assert terms["BT-20"] == said
    assert terms["BG-1"] == [{"BT-22": said}]
    assert "BT-113" not in terms


def test_tax_in_the_tax_currency() -> None:
    terms = _terms("tax declared in another currency")
    assert (terms["BT-6"], terms["BT-110"], terms["BT-111"]) == ("EUR", "920.00", "846.40")
    assert "EUR 846.40 at 0.92 EUR for 1 USD on 2026-03-31 (ECB)" in terms["BG-1"][0]["BT-22"]


@pytest.mark.parametrize(
    ("name", "profile", "code", "account"),
    [
        (_PLAIN, NORM, "58", "DE89370400440532013000"),
        ("Swedish kronor", NORM, "30", "SE4550000000058398257466"),
        ("account that is no IBAN", NORM, "30", "000123456789"),
        ("between Danes in kroner, with a bonus", Profile.PEPPOL, "31", "DK5000400440116243"),
        ("no account at all", NORM, None, None),
        ("credit note of the whole invoice", NORM, None, None),
        ("credit note of the whole invoice", Profile.XRECHNUNG, "97", None),
        ("service credit that takes all", Profile.PEPPOL, "97", None),
    ],
)
def test_means_of_payment(
    name: str, profile: Profile, code: str | None, account: str | None
) -> None:
    terms = _terms(name, profile)
    assert (terms.get("BT-81"), terms.get("BT-84")) == (code, account)


@pytest.mark.parametrize(
    ("name", "profile", "code"),
    [
        (_PLAIN, NORM, "380"),
        ("credit note of the whole invoice", NORM, "381"),
        ("corrected invoice", Profile.PEPPOL, "384"),
        ("corrected invoice to Austria", NORM, "384"),
        ("corrected invoice to Austria", Profile.PEPPOL, "380"),
    ],
)
def test_types(name: str, profile: Profile, code: str) -> None:
    terms = _terms(name, profile)
    assert terms["BT-3"] == code
    preceding = [each["BT-25"] for each in terms.get("BG-3", ())]
    assert preceding == ([] if name == _PLAIN else ["LW-2026-00003"])


def test_each_profile_names_itself_and_the_norm_alone_no_process() -> None:
    for profile in Profile:
        read = _parsed(e_invoice_xml(named(_PLAIN), Syntax.UBL, profile))
        assert read["BT-24"] == profile.specification
        assert ("BT-23" in read) is (profile is not NORM)


def test_an_e_mail_address_serves_where_no_other_is_agreed() -> None:
    document = named(_PLAIN)
    seller = document.seller.model_copy(
        update={"electronic_address": None, "electronic_scheme": None}
    )
    terms = business_terms(replace(document, seller=seller), Profile.XRECHNUNG)
    assert terms["BG-4"]["einvoicing_addr"] == "abrechnung@lotwerk.example"
    assert terms["BG-4"]["einvoicing_addr_schemeid"] == "EM"


def test_control_characters_are_left_out() -> None:
    document = e_invoice_xml(named("signs that XML escapes"), Syntax.CII)
    (line,) = _parsed(document)["BG-25"]
    assert line["BT-153"] == "Größe <XL> & \"Co\" 'ﬁ' €"


@pytest.mark.parametrize("case", cases("refused"), ids=lambda case: case.name)
def test_what_is_lacking_is_named_by_its_key(case: Case) -> None:
    profile = case.profiles[0]
    with pytest.raises(BadInput) as refused:
        e_invoice_xml(case.document, Syntax.UBL, profile)
    assert {problem.column for problem in refused.value.problems} == set(case.written["keys"])


def _made(document: FeeDocument, profile: Profile) -> tuple[bool, bool, bool]:
    made = e_invoices_of(replace(document, profile=profile.value))
    assert bool(made.problems) is (made.cii is None)
    return made.cii is not None, made.ubl is not None, made.embedded is not None


def test_all_forms_of_a_document() -> None:
    document = named(_PLAIN)
    for profile in Profile:
        assert _made(document, profile) == (True, True, True)
    bare = replace(document, buyer_reference=None)
    assert _made(bare, Profile.XRECHNUNG) == (False, False, True)
    assert _made(bare, NORM) == (True, True, True)
    assert _made(replace(document, number=None), NORM) == (False, False, False)


def test_the_pdf_takes_the_norm_whatever_the_profile() -> None:
    made = e_invoices_of(replace(named(_PLAIN), profile="xrechnung"))
    assert made.cii is not None
    assert made.embedded is not None
    specifications = [
        etree.fromstring(each).findtext(".//{*}GuidelineSpecifiedDocumentContextParameter/{*}ID")
        for each in (made.cii, made.embedded)
    ]
    assert specifications == [Profile.XRECHNUNG.specification, NORM.specification]


def test_a_german_document_speaks_german() -> None:
    terms = _terms("tax withheld, in German")
    assert terms["BT-20"].startswith("Der Auftraggeber behält 600,00 EUR Steuer ein")
    assert _terms("credit note of which tax was withheld")["BT-20"].splitlines() == [
        "Wird mit offenen Rechnungen verrechnet oder erstattet",
        (
            "Davon hatte der Auftraggeber 60,00 EUR Steuer einbehalten;"
            " 416,00 EUR werden gutgeschrieben."
        ),
    ]
    (note,) = _terms("authority with its Leitweg-ID")["BG-25"]
    assert note["BT-153"] == "Forderungsservice"
    (credit,) = _terms("authority with a service credit")["BG-20"]
    assert credit["reason"] == "Servicegutschrift 2026-03 (Ziffer Schedule 2, 3.1)"
    (breakdown,) = _terms("outside the scope in German")["BG-23"]
    assert breakdown["BT-120"] == "Nicht steuerbar"
