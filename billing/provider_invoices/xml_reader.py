"""Read an electronic invoice (EN 16931 as CII or UBL) that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from facturx.parse_xml import parse_ubl_cii_xml
from lxml import etree

from billing.e_invoices.schema import schema_errors
from billing.e_invoices.taxes import Category
from billing.invoices.fee_document import DocumentType
from billing.provider_invoices.values import BilledDocument, BilledItem, BilledTax, Source
from governance.errors import BadInput, Problem
from governance.values import Period, known_currency

MOST_LINES: Final = 5000
_FLAVOURS: Final = {
    "CrossIndustryInvoice": ("factur-x", Source.CII),
    "Invoice": ("ubl-2.1-invoice", Source.UBL),
    "CreditNote": ("ubl-2.1-creditnote", Source.UBL),
}
_CREDIT_NOTES: Final = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458"}
)
"""Codes of UNTDID 1001 whose positive amounts give back."""
_CORRECTED: Final = "384"
_LINES: Final = (
    "{*}IncludedSupplyChainTradeLineItem",
    "{*}InvoiceLine",
    "{*}CreditNoteLine",
)
_GUIDELINES: Final = (
    "{*}ExchangedDocumentContext/{*}GuidelineSpecifiedDocumentContextParameter/{*}ID",
    "{*}CustomizationID",
)
"""Where the two syntaxes say which guideline a document keeps (BT-24)."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,13}(\.\d{1,12})?", re.ASCII)
_LINE: Final = re.compile(r"line (\d+): (.*)", re.DOTALL)


def read_xml(name: str, data: bytes) -> BilledDocument:
    """The document that the XML states; nothing is computed anew.

    Raises BadInput where it is no XML, has a document type or entities, breaks its schema (with
    the line of each error) or leaves out what a check can't do without.
    """
    root = _root(name, data)
    flavour, source = _FLAVOURS[etree.QName(root).localname]
    try:
        # The library asks for a level to know which terms to look for: all of the norm.
        found = parse_ubl_cii_xml(root, flavor=flavour, level="en16931", check_xsd=False)
        return _Reader(name, found).document(source)
    except (ValueError, KeyError, TypeError, AttributeError, etree.LxmlError) as error:
        raise _bad(name, f"the invoice can't be read: {error}") from error


def _root(name: str, data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        what = "the file is no sound XML"
        raise BadInput.one(Problem(what, name, line, found=str(error)[:200])) from None
    if root.getroottree().docinfo.doctype:
        raise _bad(name, "an electronic invoice has no document type or entities")
    if etree.QName(root).localname not in _FLAVOURS:
        what = "this is no electronic invoice"
        allowed = "EN 16931 as CII or UBL"
        raise BadInput.one(Problem(what, name, 1, found=root.tag[:200], allowed=allowed))
    if sum(1 for _ in root.iter(*_LINES)) > MOST_LINES:
        raise _bad(name, f"the invoice has more than {MOST_LINES:,} lines")
    problems = [_schema_problem(name, text) for text in schema_errors(root)]
    if problems and not _is_extension(root):
        raise BadInput(problems)
    return root


def _is_extension(root: Any) -> bool:
    """Whether it keeps an extension of the norm, with elements that the schema doesn't know."""
    return any("extended" in (root.findtext(path) or "") for path in _GUIDELINES)


def _schema_problem(name: str, text: str) -> Problem:
    found = _LINE.fullmatch(text)
    line, said = (int(found[1]), found[2]) if found else (None, text)
    return Problem("the electronic invoice breaks its schema", name, line, found=said[:500])


def _bad(name: str, what: str) -> BadInput:
    return BadInput.one(Problem(what, name, allowed="an invoice that keeps EN 16931"))


class _Reader:
    """Business terms of one document, by their numbers in the norm."""

    def __init__(self, name: str, terms: Mapping[str, Any]) -> None:
        self._name, self._terms = name, terms
        self._sign = -1 if str(terms.get("BT-3")) in _CREDIT_NOTES else 1

    def document(self, source: Source) -> BilledDocument:
        """Raises BadInput for every term that is missing or malformed."""
        terms = self._terms
        missing = [term for term in _NEEDED if not terms.get(term)]
        if missing:
            raise BadInput(
                Problem(f"the invoice has no {_NEEDED[term]}", self._name, column=term)
                for term in missing
            )
        # Where the schema isn't kept, a term may stand there more than once.
        for term, kind in (("BT-1", str), ("BT-2", date), ("BT-5", str)):
            if not isinstance(terms[term], kind):
                what = f"the invoice must have one {_NEEDED[term]}"
                found = str(terms[term])[:100]
                raise BadInput.one(Problem(what, self._name, column=term, found=found))
        if not known_currency(terms["BT-5"]):
            problem = Problem("this is no currency", self._name, column="BT-5", found=terms["BT-5"])
            raise BadInput.one(problem)
        return BilledDocument(
            source=source,
            type=self._type(),
            number=_text(terms, "BT-1"),
            issued_on=terms["BT-2"],
            currency=_text(terms, "BT-5"),
            items=(*self._lines(), *self._adjustments()),
            taxes=tuple(self._tax(one) for one in terms.get("BG-23") or ()),
            total=self._signed(terms, "BT-112"),
            period=_period(terms.get("BT-73"), terms.get("BT-74")) or self._period_of_lines(),
            purchase_order=_text(terms, "BT-13"),
            corrects=", ".join(_text(one, "BT-25") for one in terms.get("BG-3") or ()),
            subtotal=self._signed(terms, "BT-106"),
            net=self._signed(terms, "BT-109"),
            tax_total=self._signed(terms, "BT-110") if terms.get("BT-110") else None,
        )

    def _type(self) -> DocumentType:
        if self._sign < 0:
            return DocumentType.CREDIT_NOTE
        corrected = str(self._terms.get("BT-3")) == _CORRECTED
        return DocumentType.CORRECTED_INVOICE if corrected else DocumentType.INVOICE

    def _lines(self) -> Iterator[BilledItem]:
        for number, line in enumerate(self._terms["BG-25"], start=1):
            place = f"line {number}"
            quantity = self._signed(line, "BT-129", place)
            per = self._number(line, "BT-149", place) if line.get("BT-149") else Decimal(1)
            price = self._number(line, "BT-146", place) / per if per else None
            yield BilledItem(
                key=place,
                title=_text(line, "BT-153"),
                amount=self._signed(line, "BT-131", place),
                charge=_text(line, "BT-155"),
                text=" ".join(_texts(line)),
                quantity=quantity,
                price=price,
                tax=self._category(line, "BT-151", "BT-152", place),
                period=_period(line.get("BT-134"), line.get("BT-135")),
            )

    def _adjustments(self) -> Iterator[BilledItem]:
        for group, kind, sign in (("BG-20", "allowance", -1), ("BG-21", "charge", 1)):
            for number, one in enumerate(self._terms.get(group) or (), start=1):
                place = f"{kind} {number}"
                yield BilledItem(
                    key=place,
                    title=_text(one, "reason") or kind.capitalize(),
                    amount=sign * self._signed(one, "amount", place),
                    tax=self._category(one, "vat_category_code", "vat_rate", place),
                )

    def _tax(self, found: Mapping[str, Any]) -> BilledTax:
        category = self._category(found, "BT-118", "BT-119", "tax")
        return BilledTax(category, self._signed(found, "BT-117", "tax"))

    def _category(self, found: Mapping[str, Any], code: str, rate: str, place: str) -> Category:
        per_cent = self._number(found, rate, place) if found.get(rate) else Decimal(0)
        return Category(_text(found, code), per_cent)

    def _period_of_lines(self) -> Period | None:
        found = [
            period
            for line in self._terms["BG-25"]
            if (period := _period(line.get("BT-134"), line.get("BT-135")))
        ]
        if not found:
            return None
        return Period(min(one.start for one in found), max(one.end for one in found))

    def _signed(self, found: Mapping[str, Any], term: str, place: str = "") -> Decimal:
        return self._sign * self._number(found, term, place)

    def _number(self, found: Mapping[str, Any], term: str, place: str) -> Decimal:
        text = _text(found, term)
        if not _NUMBER.fullmatch(text):
            column = f"{place}, {term}" if place else term
            problem = Problem("this is no number", self._name, column=column, found=text[:100])
            raise BadInput.one(problem)
        return Decimal(text)


_NEEDED: Final = {
    "BT-1": "number",
    "BT-2": "day of issue",
    "BT-5": "currency",
    "BT-106": "sum of its lines",
    "BT-109": "total without tax",
    "BT-112": "total with tax",
    "BG-25": "lines",
}
_TEXTS: Final = ("BT-126", "BT-127", "BT-128", "BT-132", "BT-133", "BT-154", "BT-156")


def _text(found: Mapping[str, Any], term: str) -> str:
    value = found.get(term)
    return "" if value is None else " ".join(str(value).split())


def _texts(line: Mapping[str, Any]) -> Iterator[str]:
    """Description, notes, references and attributes of a line."""
    yield from (_text(line, term) for term in _TEXTS if line.get(term))
    for note in line.get("BT-127-00") or ():
        yield _text(note, "BT-127")
    for one in line.get("BG-32") or ():
        yield f"{_text(one, 'BT-160')} {_text(one, 'BT-161')}"


def _period(start: object, end: object) -> Period | None:
    """None too where a day isn't one, or stands there more than once."""
    first, last = start or end, end or start
    if not isinstance(first, date) or not isinstance(last, date) or last < first:
        return None
    return Period(first, last)
