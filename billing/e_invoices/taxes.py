"""Tax as the European norm groups it: one breakdown a category and rate, VAT alone.

Taxes that are no VAT, such as a sales tax, are charges on what VAT doesn't touch (BG-21: "charges
and taxes other than VAT").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing.e_invoices.codes import CATEGORIES, OUTSIDE
from billing.e_invoices.wording import say
from billing.invoices.fee_document import Allowance, DocumentTax, FeeDocument, FeeTax
from billing.tax import exemption_code, usual_reason
from governance.contract.charges import TaxCategory
from governance.translations import marked, translated
from governance.values import plain

_UNTAXED_WITHOUT_REASON = frozenset({"S", "Z"})
"""Categories that must not state a reason."""
_KINDS = (marked("Service credit"), marked("Bonus"))
"""What the reason of an allowance begins with."""
_WITHOUT_VAT = frozenset({"US"})
"""Countries that tax sales without a value added tax."""


@dataclass(frozen=True, slots=True)
class Category:
    """What a line, an allowance or a breakdown is taxed as."""

    code: str
    rate: Decimal
    """In %; 0 in every category but S."""

    @property
    def rate_text(self) -> str | None:
        """The rate as stated; none where VAT doesn't touch it."""
        return None if self.code == OUTSIDE else plain(self.rate)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """VAT of one category and rate (BG-23)."""

    category: Category
    base: Decimal
    amount: Decimal
    reason: str | None
    vatex: str | None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A document allowance, or with a negative amount a document charge."""

    amount: Decimal
    category: Category
    reason: str
    is_tax: bool = False
    """Whether it is a tax other than VAT."""


def other_tax(document: FeeDocument, tax: DocumentTax) -> str | None:
    """What a tax is called that is no VAT: by the contract, or because its country has none.

    None for VAT, and for what isn't taxed.
    """
    if tax.name:
        return tax.name
    seller = document.seller
    taxed = tax.category is TaxCategory.STANDARD and tax.rate
    if taxed and seller.country in _WITHOUT_VAT and not seller.vat_id:
        return say(document.language, "sales_tax")
    return None


def has_other_tax(document: FeeDocument) -> bool:
    """Whether a tax is charged that is no VAT; the whole document is then outside of VAT."""
    return any(other_tax(document, one.tax) for one in document.taxes)


def category_of(document: FeeDocument, tax: DocumentTax) -> Category:
    """Category and rate of a treatment; a standard rate of 0 % is the zero rate."""
    if has_other_tax(document):
        return Category(OUTSIDE, Decimal(0))
    if tax.category is TaxCategory.STANDARD and not tax.rate:
        return Category("Z", Decimal(0))
    code = CATEGORIES[tax.category]
    return Category(code, tax.rate if code == "S" else Decimal(0))


def adjustments_of(document: FeeDocument) -> tuple[Adjustment, ...]:
    """The service credit's shares, then taxes other than VAT, with their sign turned round."""
    credited = (
        Adjustment(one.amount, category_of(document, one.tax), _credit_reason(document, one))
        for one in document.allowances
        if one.amount
    )
    return (*credited, *_other_taxes(document))


def _credit_reason(document: FeeDocument, allowance: Allowance) -> str:
    language, reason = document.language, allowance_reason(allowance, document.language)
    clause = allowance.clause and f" ({say(language, 'clause')} {allowance.clause})"
    return f"{reason}{clause}"


def allowance_reason(allowance: Allowance, language: str) -> str:
    """What a share of the service credit is given for, in the document's language."""
    reason = allowance.reason
    for kind in _KINDS:
        if reason.startswith(kind):
            return translated(kind, language) + reason.removeprefix(kind)
    return reason


def _other_taxes(document: FeeDocument) -> Iterator[Adjustment]:
    if not has_other_tax(document):
        return
    for one in document.taxes:
        if one.amount:
            yield Adjustment(
                -one.amount,
                category_of(document, one.tax),
                f"{other_tax(document, one.tax)} {plain(one.tax.rate)} %",
                is_tax=True,
            )


def breakdowns_of(document: FeeDocument) -> tuple[Breakdown, ...]:
    """VAT by category and rate, in order of appearance.

    Two reasons for the same category stand in one breakdown, as the norm has it (BR-E-01); their
    rounded amounts are added up.
    """
    grouped: dict[Category, list[FeeTax]] = {}
    for one in document.taxes:
        grouped.setdefault(category_of(document, one.tax), []).append(one)
    return tuple(_breakdown(document, *group) for group in grouped.items())


def _breakdown(document: FeeDocument, category: Category, taxes: list[FeeTax]) -> Breakdown:
    base = sum((one.base for one in taxes), Decimal(0))
    amount = sum((one.amount for one in taxes), Decimal(0))
    if has_other_tax(document):
        reason = say(document.language, "outside_vat")
        code = exemption_code(TaxCategory.OUTSIDE_SCOPE)
        return Breakdown(category, base + amount, Decimal(0), reason, code)
    if category.code in _UNTAXED_WITHOUT_REASON:
        return Breakdown(category, base, amount, None, None)
    reasons = _each_once(_reason(document, one.tax) for one in taxes)
    codes = _each_once(exemption_code(one.tax.category, one.tax.code) for one in taxes)
    code = codes[0] if len(codes) == 1 else None
    return Breakdown(category, base, amount, "; ".join(reasons) or None, code)


def _reason(document: FeeDocument, tax: DocumentTax) -> str | None:
    """The reason in the document's language; the usual one where the document states none."""
    reason = tax.reason or usual_reason(tax.category)
    return reason and translated(reason, document.language)


def _each_once(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def noted_reasons(document: FeeDocument) -> tuple[str, ...]:
    """Reasons that no breakdown may state and only a note can: of zero rates and other taxes."""
    other = has_other_tax(document)
    return _each_once(
        one.tax.reason and translated(one.tax.reason, document.language)
        for one in document.taxes
        if other or category_of(document, one.tax).code in _UNTAXED_WITHOUT_REASON
    )
