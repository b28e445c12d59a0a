"""Lint rules on the parties of an invoice: their numbers, and what tax law and profiles demand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from babel.numbers import get_territory_currencies

from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.contract.lint_invoicing import taxes_of
from governance.contract.lint_values import Concern, Concerns, Reading, Rule, Weight, listed
from governance.contract.parties import (
    EU,
    Doubt,
    bic_fits,
    doubt_of_vat_number,
    iban_fits,
    identifier_fits,
    leitweg_id_fits,
    missing_for_full_invoice,
    missing_for_profile,
    tax_number_fits,
)

_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", re.ASCII
)
"""One address as every mail server takes it; letters with accents stand as Punycode."""


def _parties(reading: Reading) -> Iterator[tuple[str, Party]]:
    terms = reading.contract.engagement
    yield from (("client", terms.client), ("provider", terms.provider))


def vat_number_is_a_slip(reading: Reading) -> Concerns:
    """A tax authority refuses an invoice with a wrong VAT number. Not every country publishes how
    its check digits are made, so that a wrong one is a note, and a wrong form a warning; whether a
    number is registered is for the register of its country to say.
    """
    for name, party in _parties(reading):
        doubt = None if party.vat_id is None else doubt_of_vat_number(party.vat_id, party.country)
        if doubt is not None:
            digits = doubt is Doubt.CHECK_DIGITS
            yield Concern(
                ("engagement", name, "vat_id"),
                f"the check digit of the VAT number {party.vat_id} doesn't fit"
                if digits
                else f"{party.vat_id} has not the form of a VAT number",
                f"compare it with a letter of the {name}, or look it up in its register",
                weight=Weight.NOTE if digits else Weight.WARNING,
            )


def tax_number_is_a_slip(reading: Reading) -> Concerns:
    """The same holds for a national tax number, where the rules of its country are known."""
    for name, party in _parties(reading):
        if party.tax_number is not None and not tax_number_fits(party.tax_number, party.country):
            yield Concern(
                ("engagement", name, "tax_number"),
                f"{party.tax_number} is no tax number of {party.country} by its form",
                f"compare it with a letter of the {name}",
            )


def iban_is_a_slip(reading: Reading) -> Concerns:
    """Check digits catch a wrong digit before the first payment goes elsewhere (ISO 13616)."""
    iban = reading.contract.engagement.provider.iban
    if iban is not None and not iban_fits(iban):
        yield Concern(
            ("engagement", "provider", "iban"),
            f"the check digits of the IBAN {iban} don't fit",
            "compare it with the provider's bank statement",
        )


def bic_is_a_slip(reading: Reading) -> Concerns:
    """A BIC in another form than ISO 9362 names no bank, and payments come back."""
    bic = reading.contract.engagement.provider.bic
    if bic is not None and not bic_fits(bic):
        yield Concern(
            ("engagement", "provider", "bic"),
            f"{bic} is no BIC: four letters, a country, and three to five further characters",
            "compare it with the provider's bank statement",
        )


def identifier_is_a_slip(reading: Reading) -> Concerns:
    """An identifier with a wrong check digit sends electronic invoices nowhere."""
    for name, party in _parties(reading):
        for key, scheme in (
            ("legal_id", party.legal_scheme),
            ("electronic_address", party.electronic_scheme),
        ):
            number = getattr(party, key)
            if number is not None and not identifier_fits(number, scheme):
                yield Concern(
                    ("engagement", name, key),
                    f"{number} is none of the scheme {scheme} by its form and check digits",
                    f"ask the {name} for it",
                )


def email_is_a_slip(reading: Reading) -> Concerns:
    """Invoices are mailed to the client's address and answers go to the provider's; two in one, or
    one with an accent, reach nobody.
    """
    for name, party in _parties(reading):
        if party.email is not None and not _EMAIL.fullmatch(party.email):
            yield Concern(
                ("engagement", name, "email"),
                f"{party.email} is not one e-mail address that mails can be sent to",
                "state a single one, such as ap@example.com",
            )


def address_without_scheme(reading: Reading) -> Concerns:
    """A network can't read an electronic address without the list that it is from."""
    for name, party in _parties(reading):
        if party.electronic_address is not None and party.electronic_scheme is None:
            yield Concern(
                ("engagement", name, "electronic_address"),
                "nothing says which list the electronic address is from",
                "state electronic_scheme, such as EM for an e-mail address",
            )


def leitweg_id_is_a_slip(reading: Reading) -> Concerns:
    """A Leitweg-ID with wrong check digits reaches no authority."""
    reference = reading.contract.invoicing.buyer_reference
    if reference is not None and not leitweg_id_fits(reference):
        yield Concern(
            ("invoicing", "buyer_reference"),
            f"the check digits of the Leitweg-ID {reference} don't fit",
            "ask the client for it",
        )


def profile_needs_more(reading: Reading) -> Concerns:
    """Without what its profile demands an invoice is issued without its electronic form."""
    profile = reading.contract.invoicing.profile
    for path, key in missing_for_profile(reading.contract):
        yield Concern(path, f"invoices of the profile {profile} need {key}", f"state {key}")


def invoice_is_not_full(reading: Reading) -> Concerns:
    """Without names, addresses and tax numbers of both parties an invoice is no full one, and the
    client may not deduct its tax (Directive 2006/112/EC, article 226).
    """
    provider = reading.contract.engagement.provider
    taxed = any(tax.category is TaxCategory.STANDARD for _, tax, _ in taxes_of(reading))
    missing = [f"{name}.{key}" for name, key in missing_for_full_invoice(reading.contract)]
    if provider.country in EU and taxed and missing:
        yield Concern(
            ("engagement",),
            f"a full invoice of the European Union also states {listed(missing)}",
            "state what is missing",
            weight=Weight.NOTE,
        )


def supply_leaves_no_country(reading: Reading) -> Concerns:
    """Goods are exempt as an intra-Community supply or an export only where they leave the country,
    or the Union; for services it is reverse charge, or outside the scope.
    """
    terms = reading.contract.engagement
    own, other = terms.provider.country, terms.client.country
    abroad = {
        TaxCategory.INTRA_COMMUNITY: other in EU and own in EU and other != own,
        TaxCategory.EXPORT: other not in EU,
    }
    for path, tax, whose in taxes_of(reading):
        if not abroad.get(tax.category, True):
            yield Concern(
                (*path, "category"),
                f"{tax.category.value} for {whose}, from {own} to {other}",
                "check the category; services between businesses mostly are reverse_charge",
            )


def tax_in_foreign_currency(reading: Reading) -> Concerns:
    """Tax has to be stated in the currency of the country that it is owed in (Directive
    2006/112/EC, article 230).
    """
    contract = reading.contract
    country, invoicing = contract.engagement.provider.country, contract.invoicing
    own = get_territory_currencies(country)
    stated = invoicing.tax_currency or contract.engagement.currency
    taxed = any(tax.category is TaxCategory.STANDARD for _, tax, _ in taxes_of(reading))
    if country in EU and taxed and own and stated not in own:
        yield Concern(
            ("invoicing",),
            f"tax is stated in {stated} alone, and is owed in {own[0]}",
            f"state tax_currency: {own[0]}, and hand in fx_rates",
        )


RULES: tuple[Rule, ...] = (
    vat_number_is_a_slip,
    tax_number_is_a_slip,
    iban_is_a_slip,
    bic_is_a_slip,
    identifier_is_a_slip,
    email_is_a_slip,
    address_without_scheme,
    leitweg_id_is_a_slip,
    profile_needs_more,
    invoice_is_not_full,
    supply_leaves_no_country,
    tax_in_foreign_currency,
)
