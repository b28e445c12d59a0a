"""What Peppol asks for: references and addresses of everybody, and what some countries add.

Rules of countries are those that the data of a contract can keep: numbers of registers, addresses
and means of payment of suppliers in Denmark, Iceland, Italy, the Netherlands, Norway and Sweden.
Germans keep those of XRechnung.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from stdnum import ean
from stdnum.au import abn
from stdnum.be import vat
from stdnum.dk import cvr
from stdnum.no import orgnr as norwegian
from stdnum.se import orgnr as swedish

from billing.e_invoices.parties import both_german, compact, pays
from billing.e_invoices.requirements_german import german_problems
from billing.e_invoices.requirements_shared import BUYER, SELLER, missing, without_address
from billing.e_invoices.values import Profile
from billing.invoices.fee_document import FeeDocument
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.contract.peppol_countries import (
    PEPPOL_COUNTRIES,
    CountryRules,
    account_needed,
    lacking_in,
)
from governance.errors import Problem
from governance.values import plain

_NAME: Final = "Peppol"
_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "0007": swedish.is_valid,
    "0088": ean.is_valid,
    "0151": abn.is_valid,
    "0184": cvr.is_valid,
    "0192": norwegian.is_valid,
    "0208": vat.is_valid,
}
"""Identifiers whose digits are checked, by their scheme (rules COMMON-R040 to R050)."""


_ALLOWED: Final = {
    "legal_id": "the number in the register of companies",
    "iban": "the account to pay to",
    "bic": "the bank of the account",
}
_SWEDISH_RATES: Final = frozenset({Decimal(6), Decimal(12), Decimal(25)})


def peppol_problems(document: FeeDocument) -> Iterator[Problem]:
    """Keys that Peppol needs, or needs to be another."""
    if not (document.buyer_reference or document.purchase_order):
        yield missing(_NAME, "invoicing.buyer_reference", "or invoicing.purchase_order")
    yield from without_address(document, Profile.PEPPOL, _NAME)
    for party, key in ((document.seller, SELLER), (document.buyer, BUYER)):
        yield from _numbers(party, key)
    if both_german(document):
        yield from german_problems(document, _NAME)
    yield from _national(document)


def _numbers(party: Party, key: str) -> Iterator[Problem]:
    if party.electronic_scheme and not party.electronic_scheme.isdigit():
        what = "the Peppol network reaches nobody at an address of this kind"
        allowed = "a scheme of four digits, such as 9930 for a German VAT number"
        yield Problem(what, column=f"{key}.electronic_scheme", allowed=allowed)
    stated = (
        ("electronic_address", party.electronic_address, party.electronic_scheme),
        ("legal_id", party.legal_id, party.legal_scheme),
    )
    for name, number, scheme in stated:
        check = _CHECKS.get(scheme or "")
        if number and check and not check(number):
            what = f"this is no valid number of the scheme {scheme}"
            yield Problem(what, column=f"{key}.{name}", found=number)


def _national(document: FeeDocument) -> Iterator[Problem]:
    seller, buyer = document.seller, document.buyer
    rules = PEPPOL_COUNTRIES.get(seller.country)
    if rules:
        yield from _party(seller, SELLER, rules)
        if rules.of_buyers and buyer.country == seller.country:
            yield from _party(buyer, BUYER, rules)
    for key in account_needed(seller, buyer) if pays(document) else ():
        if not getattr(seller, key):
            name = f"Peppol, for suppliers in {seller.country},"
            yield missing(name, f"{SELLER}.{key}", _ALLOWED[key])
    if seller.country == "SE":
        yield from _swedish(document)
    yield from _form_of_numbers(seller)


def _form_of_numbers(seller: Party) -> Iterator[Problem]:
    """Numbers of Greek, Italian and Norwegian suppliers (GR-R-001, IT-R-001, NO-R-001)."""
    if seller.country == "GR":
        what = "Peppol asks Greek suppliers for numbers of six parts that this program doesn't make"
        yield Problem(what, column="invoicing.profile", allowed="en16931")
    number = compact(seller.vat_id or "")
    if number.startswith("NO") and not re.fullmatch(r"NO\d{9}MVA", number):
        what = "Norwegian VAT numbers are nine digits between NO and MVA"
        yield Problem(what, column=f"{SELLER}.vat_id", found=number)
    tax_number = compact(seller.tax_number or "")
    if seller.country == "IT" and tax_number and not 11 <= len(tax_number) <= 16:
        what = "Italian tax numbers have 11 to 16 characters"
        yield Problem(what, column=f"{SELLER}.tax_number", found=tax_number)


def _swedish(document: FeeDocument) -> Iterator[Problem]:
    """Numbers and rates of Swedish suppliers (SE-R-001, 002, 003, 004, 006 and 013)."""
    seller = document.seller
    legal = compact(seller.legal_id or seller.registration or "")
    if legal and not swedish.is_valid(legal):
        what = "Swedish suppliers state their organisation number"
        yield Problem(what, column=f"{SELLER}.legal_id", found=legal, allowed="ten digits")
    number = compact(seller.vat_id or "")
    if number.startswith("SE") and not re.fullmatch(r"SE\d{12}", number):
        what = "Swedish VAT numbers are twelve digits after SE"
        yield Problem(what, column=f"{SELLER}.vat_id", found=number)
    for tax in document.taxes:
        rate = tax.tax.rate
        if tax.tax.category is TaxCategory.STANDARD and rate not in _SWEDISH_RATES:
            what = "Swedish suppliers charge VAT at one of three rates"
            yield Problem(what, column="invoicing.tax.rate", found=plain(rate), allowed="6, 12, 25")


def _party(party: Party, key: str, rules: CountryRules) -> Iterator[Problem]:
    name = f"Peppol, for parties in {party.country},"
    for lacks in lacking_in(party, rules):
        allowed = _ALLOWED.get(lacks, "the address of its seat")
        if lacks == "legal_scheme":
            allowed = " or ".join(sorted(rules.schemes))
        yield missing(name, f"{key}.{lacks}", allowed)
