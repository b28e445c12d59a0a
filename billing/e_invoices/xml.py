"""Electronic invoices as XML: a fee document in, CII or UBL out, held against its schema."""

from __future__ import annotations

import re
from copy import deepcopy
from threading import Lock
from typing import Any, Final

from facturx.generate_xml import generate_cii_xml, generate_ubl_xml
from lxml import etree

from billing.e_invoices.requirements import problems_of
from billing.e_invoices.schema import require_schema
from billing.e_invoices.terms import business_terms
from billing.e_invoices.values import Profile, Syntax
from billing.invoices.fee_document import FeeDocument
from governance.errors import BadInput

_GENERATORS: Final = {Syntax.CII: generate_cii_xml, Syntax.UBL: generate_ubl_xml}
_SPECIFICATION: Final = {
    Syntax.CII: "{*}ExchangedDocumentContext/{*}GuidelineSpecifiedDocumentContextParameter/{*}ID",
    Syntax.UBL: "{*}CustomizationID",
}
"""Where a document names the rules that it keeps (BT-24)."""
_WRITING = Lock()
"""The library rewrites lists of its own on first use, so that threads take turns."""
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def e_invoice_xml(document: FeeDocument, syntax: Syntax, profile: Profile | None = None) -> bytes:
    """The document as XML of EN 16931; the profile is the contract's unless another is given.

    The same document gives the same bytes. Raises BadInput that names every key of the contract
    which the profile needs and the document lacks, and where the norm can't state an amount.
    """
    kept = Profile(document.profile) if profile is None else profile
    problems = problems_of(document, kept)
    if problems:
        raise BadInput(problems)
    root = _generated(business_terms(document, kept), syntax)
    _name_specification(root, syntax, kept)
    require_schema(root)
    written: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return written


def _generated(terms: dict[str, Any], syntax: Syntax) -> Any:
    """The library's XML; it gets a copy, for it changes what it is given and lists of its own."""
    with _WRITING:
        written = _GENERATORS[syntax](
            _legible(deepcopy(terms)), level="en16931", check_xsd=False, check_schematron=False
        )
    return etree.fromstring(written, etree.XMLParser(remove_blank_text=True))


def _name_specification(root: Any, syntax: Syntax, profile: Profile) -> None:
    root.find(_SPECIFICATION[syntax]).text = profile.specification
    # The version of UBL is no business term; the norm's profiles leave it out.
    for version in root.findall("{*}UBLVersionID"):
        root.remove(version)


def _legible(found: Any) -> Any:
    """The same without control characters, which XML can't hold."""
    if isinstance(found, str):
        return _NOT_XML.sub(" ", found)
    if isinstance(found, dict):
        return {key: _legible(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_legible(value) for value in found]
    return found
