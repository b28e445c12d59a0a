"""What XRechnung asks for, and Peppol between Germans: the same keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from billing.e_invoices.parties import pays
from billing.e_invoices.requirements_shared import (
    BUYER,
    SELLER,
    missing,
    without_address,
    without_place,
)
from billing.e_invoices.values import Profile
from billing.invoices.fee_document import FeeDocument
from governance.errors import Problem

_DISCOUNT: Final = re.compile(
    r"#SKONTO#TAGE=[0-9]+#PROZENT=[0-9]+\.[0-9]{2}(#BASISBETRAG=-?[0-9]+\.[0-9]{2})?#"
)
_EMAIL: Final = re.compile(r"\A[^@\s]{1,200}@([^@.\s]{1,63}\.){1,9}[^@.\s]{1,63}\Z")


def xrechnung_problems(document: FeeDocument) -> Iterator[Problem]:
    """Keys that XRechnung needs."""
    yield from german_problems(document, "XRechnung")
    yield from without_address(document, Profile.XRECHNUNG, "XRechnung")


def german_problems(document: FeeDocument, name: str) -> Iterator[Problem]:
    """Reference, places, the seller's contact and account (BR-DE-1 to 9, 15, 27 and 28)."""
    seller = document.seller
    if not document.buyer_reference:
        yield missing(name, "invoicing.buyer_reference", "for authorities their Leitweg-ID")
    yield from without_place(seller, SELLER, name)
    yield from without_place(document.buyer, BUYER, name)
    if not seller.contact_name:
        yield missing(name, f"{SELLER}.contact_name", "a person or department to ask")
    if len(re.findall(r"\d", seller.phone or "")) < 3:
        yield missing(name, f"{SELLER}.phone", "a telephone number")
    if not _EMAIL.fullmatch(seller.email or ""):
        yield missing(name, f"{SELLER}.email", "an e-mail address")
    if pays(document) and not seller.iban:
        yield missing(name, f"{SELLER}.iban", "the account that is paid to")
    yield from _discounts(document, name)


def _discounts(document: FeeDocument, name: str) -> Iterator[Problem]:
    """Lines of the terms of payment that begin like a structured discount but are none."""
    for line in (document.payment_terms or "").splitlines():
        if line.lstrip().startswith("#") and not _DISCOUNT.fullmatch(line.strip()):
            yield Problem(
                f"in {name} a line that begins with # is a discount",
                column="invoicing.payment_terms",
                found=line,
                allowed="such as #SKONTO#TAGE=14#PROZENT=2.00#",
            )
