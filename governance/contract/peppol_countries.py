"""What Peppol asks of suppliers in some countries, and of their clients there.

Source: Peppol BIS Billing 3.0, the rules DK-R, IS-R, IT-R, NL-R and SE-R that parties of a contract
decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from governance.contract.engagement import Party


@dataclass(frozen=True, slots=True)
class CountryRules:
    """What a country asks of a party that is seated there."""

    schemes: frozenset[str] = frozenset()
    """Of the legal identifier, by ISO 6523; empty where any will do."""
    needed: bool = False
    """Whether there has to be a legal identifier."""
    address: tuple[str, ...] = ()
    """Keys of the address that have to be there."""
    of_buyers: bool = False
    """Whether clients in the same country keep them, too."""
    account: tuple[str, ...] = ()
    """Keys of the supplier's account that have to be there, of some only for clients there."""
    account_abroad: bool = False
    """Whether the account is asked for whatever country the client is in."""


PEPPOL_COUNTRIES: Final[Mapping[str, CountryRules]] = {
    "DK": CountryRules(frozenset({"0184"}), needed=True, account=("bic",)),
    "IS": CountryRules(frozenset({"0196"}), True, ("street", "postcode"), of_buyers=True),
    "IT": CountryRules(address=("street", "city", "postcode")),
    "NL": CountryRules(
        frozenset({"0106", "0190"}),
        address=("street", "city", "postcode"),
        of_buyers=True,
        account=("iban",),
        account_abroad=True,
    ),
}


def account_needed(seller: Party, buyer: Party) -> tuple[str, ...]:
    """Keys of the supplier's account that its country asks for, where something is to be paid."""
    rules = PEPPOL_COUNTRIES.get(seller.country)
    if rules is None or not (rules.account_abroad or buyer.country == seller.country):
        return ()
    return rules.account


def lacking_in(party: Party, rules: CountryRules) -> Iterator[str]:
    """Keys that a party lacks for the rules of its country, or needs to have another value."""
    stated = party.legal_id or party.registration
    if rules.needed and not party.legal_id:
        yield "legal_id"
    elif rules.schemes and stated and party.legal_scheme not in rules.schemes:
        yield "legal_scheme"
    yield from (key for key in rules.address if not getattr(party, key))


def national_keys(seller: Party, buyer: Party) -> Iterator[tuple[str, str]]:
    """What an agreed contract lacks for its supplier's country: whose key, and which."""
    rules = PEPPOL_COUNTRIES.get(seller.country)
    if rules is None:
        return
    yield from (("provider", key) for key in lacking_in(seller, rules))
    if rules.of_buyers and buyer.country == seller.country:
        yield from (("client", key) for key in lacking_in(buyer, rules))
    for key in account_needed(seller, buyer):
        if not getattr(seller, key):
            yield "provider", key
