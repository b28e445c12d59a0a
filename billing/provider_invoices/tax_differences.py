"""How billed tax differs: in its rate, in its arithmetic, or because what is taxed differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from billing.e_invoices.taxes import Category
from billing.provider_invoices.differences import Difference, Kind
from billing.provider_invoices.line_differences import said
from billing.provider_invoices.matching import Placed
from billing.provider_invoices.values import BilledDocument, Expected
from billing.tax import percentage_of
from governance.values import plain, summed

_NO_TAX = Category("O", Decimal(0))
_Bases = Mapping[Category, Decimal]


def tax_differences(
    documents: Sequence[BilledDocument], placed: Sequence[Placed], expected: Expected
) -> Iterator[Difference]:
    """Differences that add up to the billed tax less the expected tax, both as stated.

    First each document's stated tax against its own lines and rates, then the stated rates against
    the agreed ones, on what is billed; what is left follows from lines that differ.
    """
    taxes = _Taxes(expected)
    by_document = {
        one.number: [each for each in placed if each.document == one.number] for one in documents
    }
    stated = agreed = Decimal(0)
    for document in documents:
        bases = taxes.bases(by_document[document.number], as_agreed=False)
        yield from taxes.miscalculated(document, bases)
        stated += taxes.on(bases)
        agreed += taxes.on(taxes.bases(by_document[document.number], as_agreed=True))
    if stated != agreed:
        yield taxes.difference(Kind.TAX_RATE, stated, agreed)
    owed = summed(one.amount for one in expected.taxes)
    if agreed != owed:
        yield taxes.difference(Kind.TAX_FOLLOWS, agreed, owed)


class _Taxes:
    """Taxes by the contract's treatment of what is expected."""

    def __init__(self, expected: Expected) -> None:
        self._currency = expected.currency
        self._agreed = {one.key: one.tax for one in expected.items}
        self._usual = expected.taxes[0].category if expected.taxes else _NO_TAX
        self._known = {(one.category, one.base): one.amount for one in expected.taxes}

    def difference(
        self, kind: Kind, billed: Decimal, agreed: Decimal, document: str = "", title: str = "Tax"
    ) -> Difference:
        """Between two amounts of tax."""
        figures = (said(billed, self._currency), said(agreed, self._currency))
        return Difference(kind, billed - agreed, title, *figures, document=document)

    def bases(self, placed: Iterable[Placed], *, as_agreed: bool) -> _Bases:
        """What is taxed by which category: as stated, or as the contract says of matched lines."""
        sums: dict[Category, Decimal] = {}
        for one in placed:
            agreed = self._agreed.get(one.target)
            category = (agreed if as_agreed else None) or one.item.tax or agreed or self._usual
            sums[category] = sums.get(category, Decimal(0)) + one.item.amount
        return sums

    def on(self, bases: _Bases) -> Decimal:
        """The tax on all of them, each category rounded once."""
        return summed(self._on(category, base) for category, base in bases.items())

    def _on(self, category: Category, base: Decimal) -> Decimal:
        # Where just that is expected, its tax may be the sum of several treatments.
        known = self._known.get((category, base))
        return percentage_of(base, category.rate, self._currency) if known is None else known

    def miscalculated(self, document: BilledDocument, bases: _Bases) -> Iterator[Difference]:
        """Stated taxes that aren't their rate on the document's own lines.

        Where one is stated without a rate, nobody knows which lines it is on: then only what all
        of them come to is compared.
        """
        stated: dict[Category, Decimal] = {}
        for one in document.taxes:
            if one.category is None:
                yield from self._miscalculated_as_a_whole(document, bases)
                return
            stated[one.category] = stated.get(one.category, Decimal(0)) + one.amount
        for category in dict.fromkeys([*stated, *bases]):
            billed = stated.get(category, Decimal(0))
            due = self._on(category, bases.get(category, Decimal(0)))
            if billed != due:
                title = f"Tax {plain(category.rate)} %"
                yield self.difference(Kind.TAX_ARITHMETIC, billed, due, document.number, title)

    def _miscalculated_as_a_whole(
        self, document: BilledDocument, bases: _Bases
    ) -> Iterator[Difference]:
        billed, due = summed(one.amount for one in document.taxes), self.on(bases)
        if billed != due:
            yield self.difference(Kind.TAX_ARITHMETIC, billed, due, document.number)
