"""Numbers that name parties and their accounts, checked offline, and what electronic invoices
demand of parties.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final

from stdnum import bic, ean, iban, lei
from stdnum.de import leitweg
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import siren, siret
from stdnum.util import get_cc_module

from governance.contract.document import Contract
from governance.contract.engagement import Party
from governance.contract.peppol_countries import national_keys
from governance.contract.yaml_nodes import Path

EU: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 (reads better than 27 quoted codes)
)
"""Countries of the European Union."""
_MAIL = re.compile(r"\A[^@\s]{1,200}@[^@\s]{1,200}\.[^@\s]{1,60}\Z")
_LEITWEG = re.compile(r"\d{2,12}-[0-9A-Za-z-]*\d{2}", re.ASCII)
_BY_SCHEME: Final[Mapping[str, Callable[[str], bool]]] = {
    "0002": siren.is_valid,
    "0009": siret.is_valid,
    "0088": ean.is_valid,
    "0199": lei.is_valid,
    "0204": leitweg.is_valid,
    "9930": eu_vat.is_valid,
    "EM": lambda text: bool(_MAIL.fullmatch(text)),
}
"""Checks by ISO 6523 or EAS code; identifiers of other lists are taken as they are."""


class Doubt(Enum):
    """What speaks against a number."""

    FORM = "form"
    """No number of its kind looks like this."""
    CHECK_DIGITS = "check digits"
    """Its check digits don't fit the other ones."""


def doubt_of_vat_number(number: str, country: str) -> Doubt | None:
    """What speaks against a VAT number; None where nothing does, or no rule of its country is
    known. Whether it is registered isn't looked up.
    """
    union = country in EU or number[:2].upper() in {"EL", "XI"}
    module = eu_vat if union else get_cc_module(country.lower(), "vat")
    try:
        if module is not None:
            module.validate(number)
    except InvalidChecksum:
        return Doubt.CHECK_DIGITS
    except ValidationError:
        return Doubt.FORM
    return None


def tax_number_fits(number: str, country: str) -> bool:
    """The same of a national tax number, where there is no VAT number."""
    module = get_cc_module(country.lower(), _TAX_NUMBERS.get(country, "tin"))
    return module is None or bool(module.is_valid(number))


_TAX_NUMBERS: Final = {"DE": "stnr", "US": "ein", "GB": "utr", "CH": "uid", "IN": "gstin"}


def iban_fits(number: str) -> bool:
    """Whether an IBAN has its country's form and its check digits (ISO 13616)."""
    return bool(iban.is_valid(number))


def bic_fits(code: str) -> bool:
    """Whether a BIC has the form of ISO 9362."""
    return bool(bic.is_valid(code))


def identifier_fits(number: str, scheme: str | None) -> bool:
    """Whether a number has the check digits of its scheme; true where no rule of it is known."""
    check = _BY_SCHEME.get(scheme or "")
    return check is None or check(number)


def leitweg_id_fits(reference: str) -> bool:
    """Whether a reference that looks like a Leitweg-ID is one (check digits modulo 97)."""
    if not _LEITWEG.fullmatch(reference):
        return True
    try:
        leitweg.validate(reference)
    except ValidationError:
        return False
    return True


def missing_for_profile(contract: Contract) -> Iterator[tuple[Path, str]]:
    """What the contract lacks for the electronic invoices of its profile: place and sentence.

    Without it an invoice is issued without its electronic form. Nothing is missing for
    `en16931`.
    Source: XRechnung 3.0 (BR-DE-1 to 15, BR-DE-23), Peppol BIS Billing 3.0 (R003, R010, R020, and
    the rules of countries in `peppol_countries`).
    """
    profile = contract.invoicing.profile
    if profile == "en16931":
        return
    terms, invoicing = contract.engagement, contract.invoicing
    ordered = profile == "peppol" and invoicing.purchase_order is not None
    if invoicing.buyer_reference is None and not ordered:
        yield ("invoicing",), "buyer_reference"
    german = profile == "xrechnung" or terms.provider.country == terms.client.country == "DE"
    for name, party in (("provider", terms.provider), ("client", terms.client)):
        for key in _needed_of(party, name, profile, german=german):
            if getattr(party, key) is None:
                yield ("engagement", name), key
    if profile == "peppol":
        for name, key in national_keys(terms.provider, terms.client):
            yield ("engagement", name), key


def _needed_of(party: Party, name: str, profile: str, *, german: bool) -> tuple[str, ...]:
    """Between Germans Peppol asks for what German authorities do."""
    addressed = ("electronic_address", "electronic_scheme")
    # In XRechnung a party's e-mail address serves where no other is agreed.
    reached = () if party.email and profile == "xrechnung" else addressed
    if not german:
        return reached
    own = ("contact_name", "phone", "email", "iban") if name == "provider" else ()
    identified = ("vat_id",) if name == "provider" and party.tax_number is None else ()
    return (*reached, "postcode", "city", *own, *identified)


def missing_for_full_invoice(contract: Contract) -> Iterator[tuple[str, str]]:
    """What a full invoice states of the parties and the contract lacks: party and key.

    Source: Directive 2006/112/EC, article 226 (3), (4) and (5).
    """
    terms = contract.engagement
    for name, party in (("provider", terms.provider), ("client", terms.client)):
        for key in ("street", "city"):
            if getattr(party, key) is None:
                yield name, key
    if terms.provider.vat_id is None and terms.provider.tax_number is None:
        yield "provider", "vat_id"
