"""Peppol BIS Billing's own rules on top of EN 16931, for documents in UBL.

They come in no package, so they stand here once more, under their names, as far as a fee invoice
can break them: direct debits, price discounts and objects on lines it never has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from billing.e_invoices.values import BILLING, Profile

_NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_ONE_CATEGORY = {
    "VATEX-EU-G": "G",
    "VATEX-EU-O": "O",
    "VATEX-EU-IC": "K",
    "VATEX-EU-AE": "AE",
    "VATEX-EU-D": "E",
    "VATEX-EU-F": "E",
    "VATEX-EU-I": "E",
    "VATEX-EU-J": "E",
}
_INVOICES = {"326", "380", "384"}
_CREDIT_NOTES = {"381"}
_SLACK = Decimal("0.02")


def broken_rules(document: bytes) -> tuple[str, ...]:
    """The rules that a document in UBL breaks, each once."""
    root = etree.fromstring(document)
    found = (*_document(root), *_taxes(root), *_lines(root), *_codes(root), *_german(root))
    return tuple(dict.fromkeys(found))


def _all(node: Any, path: str) -> list[Any]:
    found: list[Any] = node.xpath(path, namespaces=_NAMES)
    return found


def _texts(node: Any, path: str) -> list[str]:
    return [(each.text or "").strip() for each in _all(node, path)]


def _country(root: Any, party: str) -> str:
    path = f"cac:Accounting{party}Party//cac:PostalAddress/cac:Country/cbc:IdentificationCode"
    return "".join(_texts(root, path))


def _is_german(root: Any) -> bool:
    return _country(root, "Supplier") == _country(root, "Customer") == "DE"


def _document(root: Any) -> Iterator[str]:
    if any(not len(each) and not (each.text or "").strip() for each in root.iter()):
        yield "R008 no empty elements"
    if _texts(root, "cbc:ProfileID") != [BILLING]:
        yield "R001 and R007 business process"
    if len(_all(root, "cbc:Note")) > 1 and not _is_german(root):
        yield "R002 one note"
    if not _all(root, "cbc:BuyerReference | cac:OrderReference/cbc:ID"):
        yield "R003 buyer reference or purchase order"
    if _texts(root, "cbc:CustomizationID") != [Profile.PEPPOL.specification]:
        yield "R004 specification"
    for rule, party in (("R010", "Customer"), ("R020", "Supplier")):
        if not _all(root, f"cac:Accounting{party}Party/cac:Party/cbc:EndpointID[@schemeID]"):
            yield f"{rule} electronic address"


def _taxes(root: Any) -> Iterator[str]:
    currency = _texts(root, "cbc:DocumentCurrencyCode")
    declared = _texts(root, "cbc:TaxCurrencyCode")
    if declared == currency:
        yield "R005 tax currency is another"
    amounts = _all(root, "//*[@currencyID][not(parent::cac:TaxTotal[not(cac:TaxSubtotal)])]")
    if {each.get("currencyID") for each in amounts} != set(currency):
        yield "R051 one currency"
    if len(_all(root, "cac:TaxTotal[cac:TaxSubtotal]")) != 1:
        yield "R053 one total with subtotals"
    if len(_all(root, "cac:TaxTotal[not(cac:TaxSubtotal)]")) != len(declared):
        yield "R054 a total in the tax currency"
    totals = [Decimal(text) for text in _texts(root, "cac:TaxTotal/cbc:TaxAmount")]
    if min(totals) < 0 < max(totals):
        yield "R055 the same sign in both currencies"


def _lines(root: Any) -> Iterator[str]:
    for line in _all(root, "cac:InvoiceLine | cac:CreditNoteLine"):
        quantity, price, amount = (
            Decimal("".join(_texts(line, path)))
            for path in (
                "cbc:InvoicedQuantity | cbc:CreditedQuantity",
                "cac:Price/cbc:PriceAmount",
                "cbc:LineExtensionAmount",
            )
        )
        if abs(quantity * price - amount) > _SLACK:
            yield "R120 quantity × price = amount"
        if len(_all(line, "cac:Item/cac:ClassifiedTaxCategory")) != 1:
            yield "one tax category a line"


def _codes(root: Any) -> Iterator[str]:
    kinds = _texts(root, "cbc:InvoiceTypeCode | cbc:CreditNoteTypeCode")
    if not set(kinds) <= (_CREDIT_NOTES if root.tag.endswith("CreditNote") else _INVOICES):
        yield "P0100 and P0101 type"
    if set(kinds) & {"326", "384"} and not _is_german(root):
        yield "P0112 corrected invoices between Germans only"
    for category in _all(root, "//cac:TaxCategory[cbc:TaxExemptionReasonCode]"):
        code = "".join(_texts(category, "cbc:TaxExemptionReasonCode"))
        own = "".join(_texts(category, "cbc:ID"))
        if _ONE_CATEGORY.get(code, own) != own:
            yield "P0104 to P0111 reason code and category"
    if not all(scheme.isdigit() for scheme in _all(root, "//cbc:EndpointID/@schemeID")):
        yield "CL008 scheme of an electronic address"
    dates = "//cbc:IssueDate | //cbc:DueDate | //cbc:StartDate | //cbc:EndDate"
    texts = _texts(root, f"{dates} | //cbc:ActualDeliveryDate")
    if any(date.fromisoformat(text).isoformat() != text for text in texts):
        yield "F001 dates"


def _german(root: Any) -> Iterator[str]:
    """DE-R-001 to 015, where both sides are German."""
    if not _is_german(root):
        return
    needed = {
        "DE-R-001 means of payment": "cac:PaymentMeans",
        "DE-R-002 contact": "cac:AccountingSupplierParty/cac:Party/cac:Contact",
        "DE-R-003 city": "cac:AccountingSupplierParty//cac:PostalAddress/cbc:CityName",
        "DE-R-004 postcode": "cac:AccountingSupplierParty//cac:PostalAddress/cbc:PostalZone",
        "DE-R-005 contact's name": "cac:AccountingSupplierParty//cac:Contact/cbc:Name",
        "DE-R-006 telephone": "cac:AccountingSupplierParty//cac:Contact/cbc:Telephone",
        "DE-R-007 e-mail": "cac:AccountingSupplierParty//cac:Contact/cbc:ElectronicMail",
        "DE-R-008 buyer's city": "cac:AccountingCustomerParty//cac:PostalAddress/cbc:CityName",
        "DE-R-009 postcode": "cac:AccountingCustomerParty//cac:PostalAddress/cbc:PostalZone",
        "DE-R-015 buyer reference": "cbc:BuyerReference",
    }
    yield from (rule for rule, path in needed.items() if not _all(root, path))
    if _all(root, "//cac:TaxSubtotal/cac:TaxCategory[not(cbc:Percent)]"):
        yield "DE-R-014 a rate in every breakdown"
