"""What a document lacks for an electronic invoice, named by the contract's keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from babel import Locale

from billing.e_invoices.amounts import MOST_DECIMALS, fits
from billing.e_invoices.codes import ADDRESS_SCHEMES, CATEGORY_OF_VATEX, OUTSIDE, VATEX
from billing.e_invoices.parties import identified
from billing.e_invoices.requirements_german import xrechnung_problems
from billing.e_invoices.requirements_peppol import peppol_problems
from billing.e_invoices.requirements_shared import BUYER, SELLER
from billing.e_invoices.taxes import Breakdown, breakdowns_of, has_other_tax, other_tax
from billing.e_invoices.values import Profile
from billing.invoices.fee_document import DocumentType, FeeDocument
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.errors import Problem
from governance.values import money_text

TAX: Final = "invoicing.tax"
_VAT_PREFIXES: Final = frozenset(Locale("en").territories) | {"EL", "XI"}
"""Countries that VAT numbers begin with, Greece and Northern Ireland by prefixes of their own."""


def problems_of(document: FeeDocument, profile: Profile) -> tuple[Problem, ...]:
    """Why the norm or the profile can't state the document; nothing where it can.

    Each problem names the key of the contract that would have to be there or be another.
    """
    return (
        *_document(document),
        *_amounts(document),
        *_taxes(document),
        *_party(document.seller, SELLER),
        *_party(document.buyer, BUYER),
        *_identifiers(document),
        *_profile(document, profile),
    )


def _profile(document: FeeDocument, profile: Profile) -> Iterator[Problem]:
    if profile is Profile.XRECHNUNG:
        return xrechnung_problems(document)
    return peppol_problems(document) if profile is Profile.PEPPOL else iter(())


def _document(document: FeeDocument) -> Iterator[Problem]:
    if document.number is None or document.issued_on is None:
        yield Problem("a draft has no electronic invoice", allowed="issue the invoice first")
    if not document.lines and not document.taxes:
        what = "an electronic invoice needs a line, and nothing is charged or credited"
        yield Problem(what, column="charges")
    if document.type is DocumentType.CORRECTED_INVOICE and document.corrects is None:
        what = "a corrected invoice names the invoice that it takes the place of"
        yield Problem(what, column="corrects")


def _amounts(document: FeeDocument) -> Iterator[Problem]:
    currency = document.currency
    stated = [
        *(line.amount for line in document.lines),
        *(one.amount for one in document.allowances),
        *(amount for tax in document.taxes for amount in (tax.base, tax.amount)),
        document.total,
    ]
    odd = [money_text(amount, currency) for amount in stated if not fits(amount, currency)]
    if odd:
        yield _too_fine(currency, ", ".join(dict.fromkeys(odd)), "engagement.currency")
    declared = document.tax_currency
    if declared and not fits(declared.tax, declared.currency):
        tax = money_text(declared.tax, declared.currency)
        yield _too_fine(declared.currency, tax, "invoicing.tax_currency")


def _too_fine(currency: str, found: str, column: str) -> Problem:
    return Problem(
        f"the European norm states amounts with {MOST_DECIMALS} decimals, and in {currency} this"
        " document needs three",
        column=column,
        found=found,
        allowed="amounts whose third decimal is 0; the PDF and invoice.json state these exactly",
    )


def _taxes(document: FeeDocument) -> Iterator[Problem]:
    breakdowns = breakdowns_of(document)
    codes = {one.category.code for one in breakdowns}
    if OUTSIDE in codes and len(codes) > 1:
        yield Problem(
            "the European norm has no document with lines outside the scope of VAT beside others",
            column=TAX,
            found=", ".join(sorted(codes)),
            allowed="charges that are all outside the scope, or none of them",
        )
    if has_other_tax(document):
        yield from _other_taxes(document)
        return
    for one in breakdowns:
        yield from _reasons(one)


def _other_taxes(document: FeeDocument) -> Iterator[Problem]:
    """A tax that is no VAT stands beside nothing that VAT is charged on."""
    vat = {
        TaxCategory.STANDARD,
        TaxCategory.REVERSE_CHARGE,
        TaxCategory.INTRA_COMMUNITY,
        TaxCategory.EXPORT,
    }
    for one in document.taxes:
        if not other_tax(document, one.tax) and one.tax.category in vat and one.base:
            yield Problem(
                "one electronic invoice can't state VAT and another tax",
                column=f"{TAX}.name",
                allowed="the same kind of tax for all charges",
            )


def _reasons(one: Breakdown) -> Iterator[Problem]:
    if one.category.code == "E" and not (one.reason or one.vatex):
        yield Problem("exempt charges state why", column=f"{TAX}.reason")
    if one.vatex and one.vatex not in VATEX:
        what = "this is no code of the VATEX list"
        yield Problem(what, column=f"{TAX}.code", found=one.vatex)
    elif one.vatex and CATEGORY_OF_VATEX.get(one.vatex, one.category.code) != one.category.code:
        what = "this VATEX code belongs to another tax category"
        yield Problem(what, column=f"{TAX}.code", found=one.vatex)


def _party(party: Party, key: str) -> Iterator[Problem]:
    if party.electronic_address and party.electronic_scheme not in ADDRESS_SCHEMES:
        yield Problem(
            "an electronic address states what it is by a code of the EAS list",
            column=f"{key}.electronic_scheme",
            found=party.electronic_scheme or "",
            allowed="such as 9930 for a German VAT number, 0088 for a GLN or EM for e-mail",
        )
    if party.vat_id and party.vat_id[:2] not in _VAT_PREFIXES:
        yield Problem(
            "a VAT number begins with its country's two letters",
            column=f"{key}.vat_id",
            found=party.vat_id,
            allowed="such as DE136695976; a number without them goes to tax_number",
        )


def _identifiers(document: FeeDocument) -> Iterator[Problem]:
    """Numbers that the categories ask for (BR-S-02, BR-AE-02 and their like, BR-CO-26)."""
    seller, buyer = document.seller, document.buyer
    codes = {one.category.code for one in breakdowns_of(document)}
    if not identified(seller):
        what = "the seller states a number that it is known by"
        yield Problem(what, column=f"{SELLER}.legal_id", allowed="or registration, or vat_id")
    if codes & {"K", "G"} and not seller.vat_id:
        yield Problem("this supply needs the seller's VAT number", column=f"{SELLER}.vat_id")
    elif codes - {OUTSIDE} and not (seller.vat_id or seller.tax_number):
        what = "who charges VAT, or says why not, states a VAT or tax number"
        yield Problem(what, column=f"{SELLER}.vat_id", allowed="or tax_number")
    if "K" in codes and not buyer.vat_id:
        yield Problem("this supply needs the buyer's VAT number", column=f"{BUYER}.vat_id")
    elif "AE" in codes and not (buyer.vat_id or buyer.legal_id or buyer.registration):
        what = "reverse charge needs the buyer's VAT number"
        yield Problem(what, column=f"{BUYER}.vat_id", allowed="or legal_id, its register number")
