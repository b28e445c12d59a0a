"""Tax a category and rate, the service credit's share in each, and withholding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import TypeVar

from billing.charges.values import (
    ChargeLine,
    ExchangeRate,
    TaxInCurrency,
    TaxLine,
    TaxTreatment,
)
from governance.contract.charges import Tax, TaxCategory
from governance.translations import marked
from governance.values import EXACT, plain, round_money

K = TypeVar("K")

_REASONS = {
    TaxCategory.REVERSE_CHARGE: marked("Reverse charge: the recipient accounts for the tax"),
    TaxCategory.OUTSIDE_SCOPE: marked("Outside the scope of tax"),
    TaxCategory.INTRA_COMMUNITY: marked(
        "Intra-Community supply: exempt under Article 138 of Directive 2006/112/EC"
    ),
    TaxCategory.EXPORT: marked("Export: exempt under Article 146 of Directive 2006/112/EC"),
}
"""What an invoice must say where the contract gives no wording of its own."""
_CODES = {
    TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
    TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
    TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
    TaxCategory.EXPORT: "VATEX-EU-G",
}
"""The code of each category that has only one."""
_TITLES = {
    TaxCategory.ZERO: "{tax} 0%, zero-rated",
    TaxCategory.EXEMPT: "{tax}, exempt",
    TaxCategory.REVERSE_CHARGE: "{tax}, reverse charge",
    TaxCategory.OUTSIDE_SCOPE: "Outside the scope of {tax}",
    TaxCategory.INTRA_COMMUNITY: "{tax}, intra-Community supply",
    TaxCategory.EXPORT: "{tax}, export",
}


def tax_title(category: TaxCategory, rate: Decimal, name: str | None = None) -> str:
    """A tax in the words that the totals of an English document name it by: "VAT 19%"."""
    tax = name or "VAT"
    return _TITLES.get(category, f"{{tax}} {plain(rate)}%").format(tax=tax)


def treatment_of(tax: Tax) -> TaxTreatment:
    """Category, rate and the reason printed; only the standard category has a rate."""
    rate = tax.rate if tax.category is TaxCategory.STANDARD else Decimal(0)
    reason = tax.reason or _REASONS.get(tax.category)
    return TaxTreatment(tax.category, rate, reason, tax.code, tax.name)


def usual_reason(category: TaxCategory) -> str | None:
    """The reason that an invoice states where the contract gives none of its own."""
    return _REASONS.get(category)


def exemption_code(category: TaxCategory, stated: str | None = None) -> str | None:
    """Why there is no tax, as a code of the VATEX list: what is stated, or the category's own.

    None where a rate says it all, and for an exemption that only gives its reason in words.
    """
    taxed = category in {TaxCategory.STANDARD, TaxCategory.ZERO}
    return None if taxed else stated or _CODES.get(category)


def in_tax_currency(taxes: Sequence[TaxLine], rate: ExchangeRate) -> TaxInCurrency:
    """Each tax amount times the rate, rounded once, half up, to the other currency."""
    with localcontext(EXACT):
        amounts = tuple(round_money(tax.amount * rate.rate, rate.currency) for tax in taxes)
        return TaxInCurrency(rate, amounts)


def tax_lines(
    lines: Sequence[ChargeLine], service_credit: Decimal, currency: str, usual: TaxTreatment
) -> tuple[TaxLine, ...]:
    """Tax of every category, rate and reason on the sum of its lines, in order of appearance.

    The service credit comes off before tax, shared over the categories in proportion to
    their lines. Each tax is rounded once, half up. A credit on an invoice without lines is
    taxed as `usual`, the contract's own treatment. Differences of restated periods have had
    their own credit, so they take no share in this one.
    """
    own = [line for line in lines if not line.restatement]
    bases = bases_of(own, service_credit, usual, currency)
    for line in lines:
        if line.restatement:
            bases[line.tax] = bases.get(line.tax, Decimal(0)) + line.amount
    return tuple(_tax_line(treatment, base, currency) for treatment, base in bases.items())


def bases_of(
    lines: Sequence[ChargeLine], service_credit: Decimal, usual: TaxTreatment, currency: str
) -> dict[TaxTreatment, Decimal]:
    """What is taxed under each treatment: its lines less its share of the service credit."""
    sums: dict[TaxTreatment, Decimal] = {}
    for line in lines:
        sums[line.tax] = sums.get(line.tax, Decimal(0)) + line.amount
    if not sums and service_credit:
        sums[usual] = Decimal(0)
    shares = share_out(service_credit, sums, currency)
    return {treatment: amount - shares[treatment] for treatment, amount in sums.items()}


def _tax_line(treatment: TaxTreatment, base: Decimal, currency: str) -> TaxLine:
    amount = percentage_of(base, treatment.rate, currency)
    return TaxLine(
        treatment.category,
        treatment.rate,
        base,
        amount,
        treatment.reason,
        treatment.code,
        treatment.name,
    )


def share_out(amount: Decimal, weights: Mapping[K, Decimal], currency: str) -> dict[K, Decimal]:
    """`amount` shared in proportion to the weights, to the currency, adding up exactly.

    Each share is rounded half up and the largest weight, the first among equals, takes the
    remainder. Weights of zero or less get no share, unless there are no others: then the
    largest takes all.
    """
    positive = {key: weight for key, weight in weights.items() if weight > 0}
    whole = sum(positive.values(), Decimal(0))
    shares = dict.fromkeys(weights, Decimal(0))
    with localcontext(EXACT):
        for key, weight in positive.items():
            shares[key] = round_money(amount * weight / whole, currency)
        if weights:
            largest = max(weights, key=lambda key: weights[key])
            shares[largest] += amount - sum(shares.values())
    return shares


def percentage_of(base: Decimal, rate: Decimal, currency: str) -> Decimal:
    """`rate` % of `base`, rounded half up to the currency: a tax, or a tax withheld."""
    with localcontext(EXACT):
        return round_money(base * rate / 100, currency)
