"""PDF/A-3 with an electronic invoice inside (Factur-X, ZUGFeRD), and PDF/UA-1.

The renderer makes PDF/A-3a by itself. What stands here is what it lacks: metadata that say what is
embedded and that the file is accessible, in the one `rdf:RDF` that readers look into, and a list of
associated files that names the XML once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final

from weasyprint import Attachment

XML_NAME: Final = "factur-x.xml"
"""Name that Factur-X and ZUGFeRD give the embedded file."""
_END: Final = b"</rdf:RDF>"
_FACTUR_X: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PDF_UA: Final = "http://www.aiim.org/pdfua/ns/id/"

_ACCESSIBLE: Final = f"""
<rdf:Description rdf:about="" xmlns:pdfuaid="{_PDF_UA}"><pdfuaid:part>1</pdfuaid:part>
</rdf:Description>"""
_EMBEDDED: Final = f"""
<rdf:Description rdf:about="" xmlns:fx="{_FACTUR_X}">
<fx:DocumentType>INVOICE</fx:DocumentType>
<fx:DocumentFileName>{XML_NAME}</fx:DocumentFileName>
<fx:Version>1.0</fx:Version>
<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>
</rdf:Description>"""


def _schema(title: str, namespace: str, prefix: str, properties: str) -> str:
    """PDF/A's description of metadata that it doesn't know by itself."""
    return f"""
<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>{title}</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{namespace}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>{prefix}</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"""


def _property(name: str, kind: str, category: str, description: str) -> str:
    return f"""
<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>
<pdfaProperty:valueType>{kind}</pdfaProperty:valueType>
<pdfaProperty:category>{category}</pdfaProperty:category>
<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"""


_ACCESSIBLE_SCHEMA: Final = _schema(
    "PDF/UA Universal Accessibility Schema",
    _PDF_UA,
    "pdfuaid",
    _property("part", "Integer", "internal", "Part of ISO 14289 that the file keeps"),
)
_EMBEDDED_SCHEMA: Final = _schema(
    "Factur-X PDFA Extension Schema",
    _FACTUR_X,
    "fx",
    _property("DocumentFileName", "Text", "external", "Name of the embedded XML document")
    + _property("DocumentType", "Text", "external", "Type of the document, INVOICE")
    + _property("Version", "Text", "external", "Version of the standard that the XML keeps")
    + _property("ConformanceLevel", "Text", "external", "Profile that the XML keeps"),
)


def describe(metadata: Any, *, embedded: bool) -> None:
    """Let a document's metadata say that it is PDF/UA-1 and, if so, that it embeds an invoice."""
    described = _ACCESSIBLE + (_EMBEDDED if embedded else "")
    schemas = _ACCESSIBLE_SCHEMA + (_EMBEDDED_SCHEMA if embedded else "")
    extension = f"""
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""
    written: Callable[..., bytes] = metadata.generate_rdf_metadata
    added = (described + extension).encode("ascii")

    def with_ours(*given: Any) -> bytes:
        return written(*given).replace(_END, added + _END)

    metadata.generate_rdf_metadata = with_ours


def attached(xml: bytes, dated: date) -> Attachment:
    """The electronic invoice as an attachment that says the same as the page."""
    moment = datetime.combine(dated, time())
    return Attachment(
        string=xml.decode("utf-8"),
        name=XML_NAME,
        description="Factur-X invoice",
        created=moment,
        modified=moment,
        relationship="Alternative",
    )


def name_files_once(document: Any, pdf: Any) -> None:
    """The renderer lists an attached file twice among the associated ones; readers want it once."""
    del document
    files = pdf.catalog.get("AF")
    if files:
        files[:] = dict.fromkeys(files)
