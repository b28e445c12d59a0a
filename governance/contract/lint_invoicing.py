"""Lint rules on how fees are invoiced, paid and taxed."""

from __future__ import annotations

from collections.abc import Iterator

from governance.contract.charges import Tax, TaxCategory
from governance.contract.lint_values import Concern, Concerns, Reading, Rule, Weight, listed
from governance.contract.parties import EU
from governance.contract.yaml_nodes import Path

_LONGEST_DAYS = 60


def due_at_once(reading: Reading) -> Concerns:
    """An invoice due on the day of its issue is late before anybody can have read it."""
    if reading.contract.invoicing.due_days == 0:
        yield Concern(
            ("invoicing", "due_days"),
            "invoices are due on the day that they are issued, so every payment is late",
            "agree on the days that the client needs to check and pay",
        )


def due_very_late(reading: Reading) -> Concerns:
    """Late-payment law often allows more than 60 days only where that is expressly agreed, and
    isn't grossly unfair (in the European Union Directive 2011/7/EU, article 3).
    """
    days = reading.contract.invoicing.due_days
    if days > _LONGEST_DAYS:
        yield Concern(
            ("invoicing", "due_days"),
            f"invoices are due after {days} days, more than the {_LONGEST_DAYS} that late-payment"
            " law usually allows between businesses",
            "shorten the term, or have its express agreement checked",
        )


def taxes_of(reading: Reading) -> Iterator[tuple[Path, Tax, str]]:
    """Every tax that the contract states, with its path and what is taxed so."""
    yield ("invoicing", "tax"), reading.contract.invoicing.tax, "the invoices"
    for path, charge in reading.charges():
        if charge.tax is not None:
            yield (*path, "tax"), charge.tax, f"charge {charge.id}"


def reverse_charge_at_home(reading: Reading) -> Concerns:
    """Reverse charge moves the tax to a recipient in another country; at home it mostly is wrong
    and the provider owes the tax.
    """
    terms = reading.contract.engagement
    if terms.client.country != terms.provider.country:
        return
    for path, tax, whose in taxes_of(reading):
        if tax.category is TaxCategory.REVERSE_CHARGE:
            yield Concern(
                (*path, "category"),
                f"reverse charge for {whose}, although both parties are in {terms.client.country}",
                "use the category standard, unless a national rule moves the tax",
            )


def reverse_charge_without_vat_id(reading: Reading) -> Concerns:
    """A reverse-charge invoice, or one for an intra-Community supply, is only right with the VAT
    numbers of both parties on it.
    """
    terms = reading.contract.engagement
    missing = [
        name
        for name, party in (("client", terms.client), ("provider", terms.provider))
        if party.vat_id is None
    ]
    moved = {TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY}
    used = [tax.category for _, tax, _ in taxes_of(reading) if tax.category in moved]
    if used and missing:
        yield Concern(
            ("engagement", missing[0]),
            f"{used[0].value.replace('_', ' ')} without the VAT number of the {listed(missing)}",
            "state vat_id, which the invoice must show",
        )


def vat_id_of_another_country(reading: Reading) -> Concerns:
    """A VAT number of the European Union starts with the code of its country (Greece: EL); another
    one is mostly a copied line.
    """
    terms = reading.contract.engagement
    for name, party in (("client", terms.client), ("provider", terms.provider)):
        prefix = (party.vat_id or "")[:2]
        country = "GR" if prefix == "EL" else prefix
        if {party.country, country} <= EU and country != party.country:
            yield Concern(
                ("engagement", name, "vat_id"),
                f"the {name}'s VAT number {party.vat_id} is not one of {party.country}",
                "check the number and the country",
            )


def tax_is_not_stated(reading: Reading) -> Concerns:
    """Without a word on tax invoices show none, which is seldom meant between parties of one
    country.
    """
    contract = reading.contract
    terms, charges = contract.engagement, contract.charges
    stated = "tax" in contract.invoicing.model_fields_set or all(each.tax for each in charges)
    if charges and not stated and terms.client.country == terms.provider.country:
        yield Concern(
            ("invoicing",),
            "nothing says how invoices are taxed, so they show no tax",
            "state invoicing.tax, with the category outside_scope if no tax is due",
        )


def credits_wait_for_invoices(reading: Reading) -> Concerns:
    """A credit that is settled quarterly can't come off invoices that are issued once a year."""
    contract = reading.contract
    credit = contract.service_credits
    if credit is not None and credit.settle == "quarterly" and contract.invoicing.every == "year":
        yield Concern(
            ("service_credits", "settle"),
            "credits are settled every quarter, but invoices are issued once a year",
            "settle them on this_invoice, or invoice every quarter",
        )


def last_credit_has_no_invoice(reading: Reading) -> Concerns:
    """Credits of the last period have no later invoice to come off, and are easily lost."""
    contract = reading.contract
    credit = contract.service_credits
    later = credit is not None and credit.settle == "next_invoice"
    if later and contract.engagement.ends is not None:
        yield Concern(
            ("service_credits", "settle"),
            "credits come off the next invoice, and after the last period there is none",
            "agree that the last period's credit is paid out",
            weight=Weight.NOTE,
        )


RULES: tuple[Rule, ...] = (
    due_at_once,
    due_very_late,
    reverse_charge_at_home,
    reverse_charge_without_vat_id,
    vat_id_of_another_country,
    tax_is_not_stated,
    credits_wait_for_invoices,
    last_credit_has_no_invoice,
)
