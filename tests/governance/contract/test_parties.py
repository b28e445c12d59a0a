"""Numbers of parties, and what electronic invoices demand of them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.contract.document import Contract
from governance.contract.parties import (
    Doubt,
    doubt_of_vat_number,
    identifier_fits,
    leitweg_id_fits,
    missing_for_profile,
    tax_number_fits,
)


@pytest.mark.parametrize(
    ("number", "country", "doubt"),
    [
        ("DE136695976", "DE", None),
        ("DE136695977", "DE", Doubt.CHECK_DIGITS),
        ("DE13669597", "DE", Doubt.FORM),
        ("136695976", "DE", Doubt.FORM),
        ("IE1234567FA", "IE", None),
        ("EL094259216", "GR", None),
        ("GB980780684", "GB", None),
        ("GB802311781", "GB", Doubt.CHECK_DIGITS),
        ("anything", "US", None),
        ("anything", "AQ", None),
    ],
)
def test_vat_numbers(number: str, country: str, doubt: Doubt | None) -> None:
    assert doubt_of_vat_number(number, country) is doubt


@pytest.mark.parametrize(
    ("number", "country", "fits"),
    [
        ("181/815/08155", "DE", True),
        ("181/815", "DE", False),
        ("91-1144442", "US", True),
        ("07-1144442", "US", False),
        ("anything", "AQ", True),
    ],
)
def test_tax_numbers(number: str, country: str, *, fits: bool) -> None:
    assert tax_number_fits(number, country) is fits


@pytest.mark.parametrize(
    ("number", "scheme", "fits"),
    [
        ("213800KUD8LAJWSQ9D15", "0199", True),
        ("213800KUD8LXJWSQ9D15", "0199", False),
        ("4000001000005", "0088", True),
        ("4000001000006", "0088", False),
        ("991-03730-19", "0204", True),
        ("DE136695976", "9930", True),
        ("552008443", "0002", True),
        ("no mail", "EM", False),
        ("anything", "0060", True),
        ("anything", None, True),
    ],
)
def test_identifiers_of_schemes(number: str, scheme: str | None, *, fits: bool) -> None:
    assert identifier_fits(number, scheme) is fits


@pytest.mark.parametrize(
    ("reference", "fits"),
    [("991-03730-19", True), ("991-03730-91", False), ("PO 4711", True), ("Dept. 12-77", True)],
)
def test_leitweg_ids(reference: str, *, fits: bool) -> None:
    assert leitweg_id_fits(reference) is fits


def _missing(invoicing: dict[str, Any], **provider: str) -> list[str]:
    party = {"name": "A", "country": "DE"}
    contract = Contract.model_validate(
        {
            "plumbline": 1,
            "engagement": {
                "reference": "E",
                "title": "T",
                "model": "managed",
                "client": party,
                "provider": party | provider,
                "currency": "EUR",
                "starts": "2026-01-01",
            },
            "invoicing": invoicing,
        }
    )
    return [".".join(map(str, (*path, key))) for path, key in missing_for_profile(contract)]


_SELLER = {
    "electronic_address": "a@b.example",
    "electronic_scheme": "EM",
    "postcode": "1",
    "city": "B",
    "contact_name": "C",
    "phone": "1",
    "email": "a@b.example",
    "iban": "DE89370400440532013000",
}


def test_the_norm_alone_demands_nothing() -> None:
    assert _missing({}) == []


def test_what_german_authorities_demand() -> None:
    missing = _missing({"profile": "xrechnung", "purchase_order": "PO"}, **_SELLER)
    assert missing == [
        "invoicing.buyer_reference",
        "engagement.provider.vat_id",
        "engagement.client.electronic_address",
        "engagement.client.electronic_scheme",
        "engagement.client.postcode",
        "engagement.client.city",
    ]
    taxed = _missing({"profile": "xrechnung", "buyer_reference": "1"}, **_SELLER, tax_number="1")
    assert {each.split(".")[1] for each in taxed} == {"client"}
    assert "engagement.provider.iban" in _missing({"profile": "xrechnung"})


_NETWORK = {"profile": "peppol", "purchase_order": "PO"}


def test_what_the_peppol_network_demands() -> None:
    missing = _missing(_NETWORK, **_SELLER, country="AT")
    assert missing == [
        "engagement.client.electronic_address",
        "engagement.client.electronic_scheme",
    ]
    assert "invoicing.buyer_reference" in _missing({"profile": "peppol"}, country="AT")


_ABROAD = ["engagement.client.electronic_address", "engagement.client.electronic_scheme"]


@pytest.mark.parametrize(
    ("country", "more", "keys"),
    [
        ("DE", {}, ["provider.vat_id", "client.postcode", "client.city"]),
        ("DK", {}, ["provider.legal_id"]),
        ("DK", {"legal_id": "1", "legal_scheme": "0088"}, ["provider.legal_scheme"]),
        ("DK", {"legal_id": "1", "legal_scheme": "0184"}, []),
        ("IT", {}, ["provider.street"]),
        ("NL", {"street": "A 1", "iban": ""}, ["provider.iban"]),
        ("NL", {"street": "A 1", "registration": "1"}, ["provider.legal_scheme"]),
        ("IS", {"street": "A 1"}, ["provider.legal_id"]),
    ],
)
def test_what_peppol_asks_of_suppliers_by_country(
    country: str, more: dict[str, str], keys: list[str]
) -> None:
    given = {key: value for key, value in (_SELLER | more).items() if value}
    missing = _missing(_NETWORK, **given, country=country)
    assert sorted(missing) == sorted([*_ABROAD, *(f"engagement.{key}" for key in keys)])
