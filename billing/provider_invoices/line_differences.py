"""Price, quantity and amount of a line: how what is billed for it differs from what is owed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from billing.provider_invoices.differences import Difference, Kind
from billing.provider_invoices.matching import Placed
from billing.provider_invoices.values import BilledItem, Expected, ExpectedItem
from governance.values import EXACT, minor_digits, money_text, plain, round_money, summed


def said(amount: Decimal, currency: str) -> str:
    """An amount with its currency's decimals, or all that it is stated with: "EUR 12.50"."""
    text = money_text(amount, currency)
    return f"{currency} {text if Decimal(text) == amount else plain(amount)}"


@dataclass(frozen=True, slots=True)
class _Split:
    """What is billed for one expected line."""

    whole: tuple[Placed, ...]
    """What stands for the line itself: one billed line, or several that are its parts."""
    twice: tuple[Placed, ...]
    back: tuple[Placed, ...]
    """What gives back."""


def differences_of_row(
    one: ExpectedItem, billed: Sequence[Placed], expected: Expected, giving_back: Collection[str]
) -> Iterator[Difference]:
    """Every difference between an expected line and all that is billed for it.

    They add up to what is billed less what is owed, before tax. `giving_back` are the numbers of
    credit notes.
    """
    row = _Line(one, expected.currency)
    split = _split(one, billed, giving_back)
    if split.whole:
        yield from row.against(split.whole)
    elif one.amount:
        yield row.not_billed()
    for placed in split.twice:
        kind = Kind.GIVEN_BACK if one.is_credit else Kind.TWICE
        yield row.difference(kind, placed.item.amount, placed=placed)
    for placed in split.back:
        yield row.difference(Kind.GIVEN_BACK, placed.item.amount, placed=placed)


def _split(one: ExpectedItem, billed: Sequence[Placed], giving_back: Collection[str]) -> _Split:
    back = tuple(
        each
        for each in billed
        if (each.item.amount * one.amount < 0 and len(billed) > 1)
        or (each.document in giving_back and not one.is_credit)
    )
    kept = [each for each in billed if each not in back]
    if not kept or abs(summed(each.item.amount for each in kept)) <= abs(one.amount):
        return _Split(tuple(kept), (), back)
    first = [each for each in kept if each.document == kept[0].document]
    best = min(first, key=lambda each: abs(each.item.amount - one.amount))
    if abs(best.item.amount) < abs(one.amount):
        # No line of it makes the whole by itself: they are parts, which come to too much.
        return _Split(tuple(kept), (), back)
    return _Split((best,), tuple(each for each in kept if each is not best), back)


class _Line:
    """An expected line, against which others are held."""

    def __init__(self, one: ExpectedItem, currency: str) -> None:
        self._one, self._currency = one, currency

    def difference(
        self,
        kind: Kind,
        amount: Decimal,
        figures: tuple[str, str] | None = None,
        placed: Placed | None = None,
    ) -> Difference:
        """One of this line; `figures` are what is billed and agreed, the amounts by default."""
        one = self._one
        billed = said(placed.item.amount if placed else Decimal(0), self._currency)
        return Difference(
            kind,
            amount,
            one.title,
            *(figures or (billed, said(one.amount, self._currency))),
            document=placed.document if placed else "",
            item=placed.item.key if placed else "",
            expected=one.key,
            clause=one.clause,
            position=one.position,
        )

    def not_billed(self) -> Difference:
        """Nothing is billed for the line, or given for the credit."""
        if self._one.is_credit:
            return self._credit(Decimal(0), None)
        return self.difference(Kind.MISSING, -self._one.amount)

    def _credit(self, billed: Decimal, placed: Placed | None) -> Difference:
        """A credit is said as what is given, though its amount is negative."""
        owed = self._one.amount
        figures = (said(-billed, self._currency), said(-owed, self._currency))
        return self.difference(Kind.CREDIT, billed - owed, figures, placed)

    def against(self, placed: Sequence[Placed]) -> Iterator[Difference]:
        """What differs of the billed line, or of several that are parts of this one."""
        first, one = placed[0], self._one
        item = _together([each.item for each in placed])
        first = replace(first, item=item)
        rest = item.amount - one.amount
        if one.is_credit:
            if rest:
                yield self._credit(item.amount, first)
            return
        counted = _counted(item, one)
        if counted and item.quantity != one.quantity:
            amount = self._for_quantity(item, rest)
            rest -= amount
            yield self.difference(Kind.QUANTITY, amount, self._quantities(item), first)
        if rest:
            kind = self._kind_of_rest(item, counted=counted)
            yield self.difference(kind, rest, self._figures(kind, item), first)

    def _for_quantity(self, item: BilledItem, rest: Decimal) -> Decimal:
        """What the other quantity makes at the agreed price; all where no price is stated."""
        one = self._one
        if one.price is None or one.quantity is None or item.quantity is None:
            return rest
        with localcontext(EXACT):
            amount = round_money((item.quantity - one.quantity) * one.price, self._currency)
        # A cent by rounding twice is no difference of its own.
        cent = Decimal(1).scaleb(-minor_digits(self._currency))
        return rest if item.price == one.price and abs(rest - amount) <= cent else amount

    def _kind_of_rest(self, item: BilledItem, *, counted: bool) -> Kind:
        one = self._one
        if not counted:
            return Kind.AMOUNT
        if item.price is not None and item.price != one.price and one.price is not None:
            return Kind.PRICE
        wrong = item.price is not None and self._product(item) != item.amount
        return Kind.ARITHMETIC if wrong else Kind.AMOUNT

    def _product(self, item: BilledItem) -> Decimal:
        with localcontext(EXACT):
            product = (item.quantity or Decimal(0)) * (item.price or Decimal(0))
        return round_money(product, self._currency)

    def _quantities(self, item: BilledItem) -> tuple[str, str]:
        quantity, unit = self._one.quantity, self._one.unit.replace("_", " ")
        stated = [plain(each) if each is not None else "–" for each in (item.quantity, quantity)]
        return f"{stated[0]} {unit}".strip(), f"{stated[1]} {unit}".strip()

    def _figures(self, kind: Kind, item: BilledItem) -> tuple[str, str] | None:
        if kind is Kind.PRICE:
            prices = (item.price or Decimal(0), self._one.price or Decimal(0))
            billed, agreed = (said(price, self._currency) for price in prices)
            return billed, agreed
        if kind is Kind.ARITHMETIC:
            return said(item.amount, self._currency), said(self._product(item), self._currency)
        return None


def _counted(item: BilledItem, one: ExpectedItem) -> bool:
    """Whether the billed line states a quantity that can be held against the measured one.

    A line that counts one piece at its whole amount states none.
    """
    if item.quantity is None or one.quantity is None:
        return False
    lump = abs(item.quantity) == 1 and item.price in {None, abs(item.amount)}
    return not (lump and abs(one.quantity) != 1)


def _together(items: Sequence[BilledItem]) -> BilledItem:
    """Parts of a line as one: with a quantity where all state one, at the price that all have."""
    if len(items) == 1:
        return items[0]
    quantities = [one.quantity for one in items]
    prices = {one.price for one in items}
    return replace(
        items[0],
        amount=summed(one.amount for one in items),
        quantity=None if None in quantities else summed(one for one in quantities if one),
        price=prices.pop() if len(prices) == 1 else None,
    )
