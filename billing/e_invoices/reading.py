"""The XML of an electronic invoice that somebody hands in: as it is, or inside a PDF."""

from __future__ import annotations

import logging
from io import BytesIO

from facturx import get_facturx_xml_from_pdf

from governance.errors import BadInput, Problem

_PDF = b"%PDF-"


def xml_of(data: bytes, file: str = "") -> bytes:
    """The XML itself, or what a Factur-X or ZUGFeRD PDF embeds.

    Raises BadInput where a PDF is broken or has none inside.
    """
    if not data.startswith(_PDF):
        return data
    try:
        logging.getLogger("factur-x").setLevel(logging.CRITICAL)
        name, xml = get_facturx_xml_from_pdf(BytesIO(data), check_xsd=False)
    except Exception as error:
        what = f"this PDF can't be read: {error}"
        raise BadInput.one(Problem(what, file)) from error
    if not name or not isinstance(xml, bytes):
        what = "this PDF has no electronic invoice inside"
        raise BadInput.one(Problem(what, file, allowed="a Factur-X or ZUGFeRD PDF, or the XML"))
    return xml
