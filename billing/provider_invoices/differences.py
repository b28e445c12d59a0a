"""What differs between a billed and an expected invoice, each with its amount and its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from babel.numbers import format_decimal

from governance.translations import marked, translated


class Kind(StrEnum):
    """What is wrong."""

    NOT_IN_CONTRACT = "not_in_contract"
    PERIOD = "period"
    TWICE = "twice"
    PRICE = "price"
    QUANTITY = "quantity"
    AMOUNT = "amount"
    ARITHMETIC = "arithmetic"
    CREDIT = "credit"
    MISSING = "missing"
    GIVEN_BACK = "given_back"
    TAX_RATE = "tax_rate"
    TAX_ARITHMETIC = "tax_arithmetic"
    TAX_FOLLOWS = "tax_follows"
    TOTALS = "totals"
    CURRENCY = "currency"
    PURCHASE_ORDER = "purchase_order"


TITLES = {
    Kind.NOT_IN_CONTRACT: "Not in the contract",
    Kind.PERIOD: "Outside the period",
    Kind.TWICE: "Charged twice",
    Kind.PRICE: "Price differs",
    Kind.QUANTITY: "Quantity differs",
    Kind.AMOUNT: "Amount differs",
    Kind.ARITHMETIC: "Quantity × price is wrong",
    Kind.CREDIT: "Service credit differs",
    Kind.MISSING: "Not billed",
    Kind.GIVEN_BACK: "Given back",
    Kind.TAX_RATE: "Tax rate differs",
    Kind.TAX_ARITHMETIC: "Tax is miscalculated",
    Kind.TAX_FOLLOWS: "Tax on what differs",
    Kind.TOTALS: "Totals don't add up",
    Kind.CURRENCY: "Other currency",
    Kind.PURCHASE_ORDER: "Purchase order",
}
_REASONS = {
    Kind.NOT_IN_CONTRACT: marked("{billed} are billed; the contract has no charge for it."),
    Kind.PERIOD: marked("{billed} is billed; agreed and checked is {agreed}."),
    Kind.TWICE: marked("{billed} are billed once more; {agreed} are owed once."),
    Kind.PRICE: marked("Billed at {billed}; agreed are {agreed}."),
    Kind.QUANTITY: marked("{billed} are billed; measured were {agreed}."),
    Kind.AMOUNT: marked("{billed} are billed; {agreed} are owed."),
    Kind.ARITHMETIC: marked("{billed} are billed; its quantity times its price is {agreed}."),
    Kind.CREDIT: marked("{billed} are credited; {agreed} are owed."),
    Kind.MISSING: marked("It isn't billed; {agreed} are owed."),
    Kind.GIVEN_BACK: marked("{billed} of it are given back."),
    Kind.TAX_RATE: marked("{billed} of tax by the stated rates; by the agreed rates {agreed}."),
    Kind.TAX_ARITHMETIC: marked("{billed} of tax are stated; rate and lines come to {agreed}."),
    Kind.TAX_FOLLOWS: marked("{billed} of tax on what is billed; {agreed} on what is owed."),
    Kind.TOTALS: marked("{billed} are stated; the parts come to {agreed}."),
    Kind.CURRENCY: marked("{billed} are billed; agreed are invoices in {agreed}."),
    Kind.PURCHASE_ORDER: marked("The invoice states {billed}; agreed is {agreed}."),
}


_WORDS_ONLY = frozenset({Kind.PERIOD, Kind.PURCHASE_ORDER})
_FIGURE = re.compile(r"((?:[A-Z]{3} )?)(-?\d+(?:\.(\d+))?)((?: .*)?)")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't billed as agreed."""

    kind: Kind
    amount: Decimal
    """What is billed too much; negative where too little is."""
    title: str
    """Of the line, or what else of the invoice it is about."""
    billed: str
    """The figure on the provider's invoice, in words; so is `agreed`."""
    agreed: str
    document: str = ""
    """Number of the provider's document; empty where none bills it."""
    item: str = ""
    """Key of the billed line."""
    expected: str = ""
    """Key of the expected line."""
    clause: str = ""
    """The contract's clause; empty where none is stated."""
    position: int | None = None
    """Of the line on the computed invoice, which opens to its measurement."""

    @property
    def key(self) -> str:
        """The same for the same difference whenever it is checked."""
        return "|".join((self.kind.value, self.document, self.item, self.expected, self.title))

    @property
    def heading(self) -> str:
        """What is wrong, in English."""
        return TITLES[self.kind]

    def reason(self, language: str = "en") -> str:
        """What is billed and what is agreed, in a sentence."""
        text = translated(_REASONS[self.kind], language)
        figures = {"billed": self.billed, "agreed": self.agreed}
        if self.kind not in _WORDS_ONLY:
            figures = {name: localised(one, language) for name, one in figures.items()}
        return text.format(**{name: one or "–" for name, one in figures.items()})


def localised(figure: str, language: str) -> str:
    """ "EUR 1234.50" or "1234 pieces" as the language writes numbers."""
    found = _FIGURE.fullmatch(figure)
    if found is None:
        return figure
    pattern = "#,##0" + ("." + "0" * len(found[3]) if found[3] else "")
    number = format_decimal(Decimal(found[2]), pattern, locale=language)
    return f"{found[1]}{number}{found[4]}"
