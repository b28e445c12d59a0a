"""How lacking keys are named, and what several profiles ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from billing.e_invoices.parties import electronic_address
from billing.e_invoices.values import Profile
from billing.invoices.fee_document import FeeDocument
from governance.contract.engagement import Party
from governance.errors import Problem

SELLER: Final = "engagement.provider"
BUYER: Final = "engagement.client"


def missing(name: str, column: str, allowed: str) -> Problem:
    """That the rules called `name` need a key of the contract."""
    return Problem(f"{name} needs this key", column=column, allowed=allowed)


def without_address(document: FeeDocument, profile: Profile, name: str) -> Iterator[Problem]:
    """Parties that electronic invoices can't reach."""
    for party, key in ((document.seller, SELLER), (document.buyer, BUYER)):
        if electronic_address(party, profile) is None:
            allowed = "and electronic_scheme, what kind it is"
            yield missing(name, f"{key}.electronic_address", allowed)


def without_place(party: Party, key: str, name: str) -> Iterator[Problem]:
    """City and postcode that a party lacks."""
    if not party.city:
        yield missing(name, f"{key}.city", "the place of its seat")
    if not party.postcode:
        yield missing(name, f"{key}.postcode", "the postcode of its seat")
