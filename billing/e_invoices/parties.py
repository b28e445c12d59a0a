"""Seller and buyer as the norm states them (BG-4 and BG-7), and how the seller is paid (BG-16)."""

from __future__ import annotations

import re
from typing import Any, Final

from stdnum import iban

from billing.e_invoices.codes import CLEARING, CREDIT_TRANSFER, DEBIT_TRANSFER, SEPA_CREDIT_TRANSFER
from billing.e_invoices.values import Profile
from billing.invoices.fee_document import DocumentType, FeeDocument
from governance.contract.engagement import Party

EMAIL_SCHEME: Final = "EM"
_SEPA_COUNTRIES = (
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT"
    " NL NO PL PT RO RS SE SI SK SM VA"
)
_SEPA: Final = frozenset(_SEPA_COUNTRIES.split())
"""Countries whose accounts take SEPA credit transfers."""


def compact(text: str) -> str:
    """A number without the spaces that people group it by."""
    return re.sub(r"\s+", "", text)


def electronic_address(party: Party, profile: Profile) -> tuple[str, str] | None:
    """Where electronic invoices reach a party, with its scheme; None where nothing is known.

    Its e-mail address serves where no other is agreed, but not in the Peppol network.
    """
    if party.electronic_address and party.electronic_scheme:
        return party.electronic_address, party.electronic_scheme
    if party.email and profile is not Profile.PEPPOL:
        return party.email, EMAIL_SCHEME
    return None


def seller(party: Party, profile: Profile, *, outside_vat: bool) -> dict[str, Any]:
    """BG-4. Outside of VAT no VAT number may be stated (BR-O-02)."""
    return _party(party, profile, outside_vat=outside_vat) | _stated(
        tax_identifier=party.tax_number and compact(party.tax_number),
        legal_info=party.registration if party.legal_id else None,
        identifiers=_found_by(party, outside_vat=outside_vat),
    )


def buyer(party: Party, profile: Profile, *, outside_vat: bool) -> dict[str, Any]:
    """BG-7, under the same rule."""
    return _party(party, profile, outside_vat=outside_vat)


def delivered_to(party: Party) -> dict[str, Any]:
    """BG-13 to BG-15: where supplies within the European Union go."""
    return {"name": party.name, **_address(party)}


def _party(party: Party, profile: Profile, *, outside_vat: bool) -> dict[str, Any]:
    address = electronic_address(party, profile)
    contact = _stated(name=party.contact_name, phone=party.phone, email=party.email)
    return _stated(
        name=party.name,
        legal_identifier=party.legal_id or party.registration,
        legal_identifier_schemeid=party.legal_scheme if party.legal_id else None,
        vat_identifier=party.vat_id and not outside_vat and compact(party.vat_id),
        contacts=[contact] if contact else None,
        einvoicing_addr=address and address[0],
        einvoicing_addr_schemeid=address and address[1],
    ) | _address(party)


def _address(party: Party) -> dict[str, Any]:
    return _stated(
        addr_l1=party.street,
        city=party.city,
        postcode=party.postcode,
        country_subdivision=party.state,
        country_code=party.country,
    )


def _found_by(party: Party, *, outside_vat: bool) -> dict[str | None, str] | None:
    """What a buyer tells the seller by where it states no register or VAT number (BR-CO-26)."""
    if party.legal_id or party.registration or (party.vat_id and not outside_vat):
        return None
    known = party.tax_number or party.vat_id or party.electronic_address or party.email
    return {None: compact(known)} if known else None


def identified(party: Party) -> bool:
    """Whether anything is known that a buyer tells the seller by."""
    known = (party.legal_id, party.registration, party.vat_id, party.tax_number)
    return any((*known, party.electronic_address, party.email))


def payment(document: FeeDocument, profile: Profile) -> dict[str, Any]:
    """BG-16: the seller's account with the invoice's number, or that nothing is transferred.

    Credit notes and invoices that leave nothing to pay are set off; German authorities want to
    read so, others leave the means of payment out.
    """
    if not pays(document):
        return {"BT-81": CLEARING} if keeps_german_rules(document, profile) else {}
    account = document.seller.iban and compact(document.seller.iban).upper()
    return _transfer(document, account, profile) if account else {}


def pays(document: FeeDocument) -> bool:
    """Whether the buyer owes something by it."""
    return document.type is not DocumentType.CREDIT_NOTE and document.total > 0


def both_german(document: FeeDocument) -> bool:
    """Whether seller and buyer are seated in Germany."""
    return document.seller.country == document.buyer.country == "DE"


def keeps_german_rules(document: FeeDocument, profile: Profile) -> bool:
    """Whether rules of German authorities hold: theirs, and Peppol's between Germans."""
    return profile is Profile.XRECHNUNG or (profile is Profile.PEPPOL and both_german(document))


def _transfer(document: FeeDocument, account: str, profile: Profile) -> dict[str, Any]:
    danish = document.seller.country == document.buyer.country == "DK"
    other = DEBIT_TRANSFER if danish and profile is Profile.PEPPOL else CREDIT_TRANSFER
    sepa = document.currency == "EUR" and account[:2] in _SEPA and iban.is_valid(account)
    return _stated(
        **{
            "BT-81": SEPA_CREDIT_TRANSFER if sepa else other,
            "BT-83": document.number,
            "BT-84": account,
            "BT-85": document.seller.name,
            "BT-86": document.seller.bic and compact(document.seller.bic),
        }
    )


def _stated(**found: Any) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value}
