"""What Peppol asks for: references and addresses of everybody, and what some countries add.

Rules of countries are those that the data of a contract can keep: numbers of registers, addresses
and means of payment of suppliers in Denmark, Iceland, Italy, the Netherlands, Norway and Sweden.
Germans keep those of XRechnung.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from governance.contract.engagement import Party
from governance.errors import Problem

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


@dataclass(frozen=True, slots=True)
class _Country:
    """What a country asks of its suppliers, and of their clients there."""

    schemes: frozenset[str] = frozenset()
    """Of the legal identifier; empty where any will do."""
    needed: bool = False
    """Whether there has to be a legal identifier."""
    address: tuple[str, ...] = ()
    """Keys of the address that have to be there."""
    of_buyers: bool = False


_COUNTRIES: Final = {
    "DK": _Country(frozenset({"0184"}), needed=True),
    "IS": _Country(frozenset({"0196"}), True, ("street", "postcode"), of_buyers=True),
    "IT": _Country(address=("street", "city", "postcode")),
    "NL": _Country(
        frozenset({"0106", "0190"}), address=("street", "city", "postcode"), of_buyers=True
    ),
}


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
    country = _COUNTRIES.get(seller.country)
    if country:
        yield from _party(seller, SELLER, country)
        if country.of_buyers and buyer.country == seller.country:
            yield from _party(buyer, BUYER, country)
    if seller.country == "NL" and pays(document) and not seller.iban:
        yield missing("Peppol, for Dutch suppliers,", f"{SELLER}.iban", "the account to pay to")
    if seller.country == buyer.country == "DK" and pays(document) and not seller.bic:
        yield missing("Peppol, for Danish suppliers,", f"{SELLER}.bic", "the bank of the account")
    legal = compact(seller.legal_id or seller.registration or "")
    if seller.country == "SE" and legal and not swedish.is_valid(legal):
        what = "Swedish suppliers state their organisation number"
        yield Problem(what, column=f"{SELLER}.legal_id", found=legal, allowed="ten digits")
    number = compact(seller.vat_id or "")
    if number.startswith("NO") and not re.fullmatch(r"NO\d{9}MVA", number):
        what = "Norwegian VAT numbers are nine digits between NO and MVA"
        yield Problem(what, column=f"{SELLER}.vat_id", found=number)


def _party(party: Party, key: str, country: _Country) -> Iterator[Problem]:
    name = f"Peppol, for parties in {party.country},"
    stated = party.legal_id or party.registration
    if country.needed and not party.legal_id:
        yield missing(name, f"{key}.legal_id", "the number in the register of companies")
    elif country.schemes and stated and party.legal_scheme not in country.schemes:
        yield missing(name, f"{key}.legal_scheme", " or ".join(sorted(country.schemes)))
    for part in country.address:
        if not getattr(party, part):
            yield missing(name, f"{key}.{part}", "the address of its seat")
