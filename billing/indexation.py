"""Prices that follow an index series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise

from billing.charges.values import IndexValue, Usage
from governance.contract.charges import Indexation
from governance.errors import BadInput, Problem
from governance.values import EXACT, Period, minor_digits, plain, round_half_up


@dataclass(frozen=True, slots=True)
class IndexPart:
    """Days for which one index holds."""

    days: int
    index: Decimal


@dataclass(frozen=True, slots=True)
class PriceIndex:
    """Turns a contract's price into the indexed one; without terms, prices stay as they are."""

    currency: str
    terms: Indexation | None = None
    parts: tuple[IndexPart, ...] = ()

    def of(self, price: Decimal) -> Decimal:
        """The indexed price; where the index changes within the period, its mean by days."""
        if self.terms is None:
            return price
        with localcontext(EXACT):
            weighted = sum(
                (self._at(price, self.terms, part.index) * part.days for part in self.parts),
                Decimal(0),
            )
            return weighted / sum(part.days for part in self.parts)

    def _at(self, price: Decimal, terms: Indexation, index: Decimal) -> Decimal:
        return indexed_price(price, terms, index, self.currency)

    @property
    def text(self) -> str:
        """The factor in words: "prices × 112.2 / 110.0 (HICP-EU)"; empty without indexation."""
        if self.terms is None:
            return ""
        factors = [_factor_text(self.terms, part.index) for part in self.parts]
        if len(factors) == 1:
            return f"prices × {factors[0]} ({self.terms.series})"
        split = " and ".join(
            f"{factor} for {part.days} days"
            for factor, part in zip(factors, self.parts, strict=True)
        )
        return f"prices × {split} ({self.terms.series})"


def _is_capped(terms: Indexation, index: Decimal) -> bool:
    if terms.cap_percent is None:
        return False
    return index * 100 > terms.base * (100 + terms.cap_percent)


def _factor_text(terms: Indexation, index: Decimal) -> str:
    factor = f"{index:f} / {terms.base:f}"
    if _is_capped(terms, index) and terms.cap_percent is not None:
        return f"{plain(1 + terms.cap_percent / 100)}, as {factor} is held to {terms.cap_percent} %"
    return factor


def indexed_price(price: Decimal, terms: Indexation, index: Decimal, currency: str) -> Decimal:
    """`price` × `index` / base, the rise held to `cap_percent`; a fall is not limited.

    `base` leaves the price unrounded. `prior` compares with last year's index and rounds the
    price half up, to the currency's decimals or as many as it is written with if those are
    more, so that next year's rise starts from a price that one can print.
    """
    with localcontext(EXACT):
        if _is_capped(terms, index) and terms.cap_percent is not None:
            indexed = price * (100 + terms.cap_percent) / 100
        else:
            indexed = price * index / terms.base
    if terms.method == "base":
        return indexed
    return round_half_up(indexed, max(minor_digits(currency), -int(price.as_tuple().exponent)))


def price_index(
    charge: str, terms: Indexation | None, usage: Usage, active: Period, currency: str
) -> PriceIndex:
    """What indexes the prices of `charge` on the `active` days.

    Raises BadInput where the usage gives no index for the series on those days.
    """
    if terms is None:
        return PriceIndex(currency)
    changes = usage.index_changes.get(terms.series)
    if changes is not None:
        return PriceIndex(currency, terms, _parts(charge, terms.series, changes, active))
    if terms.series not in usage.indices:
        raise BadInput.one(_missing(charge, terms.series, [*usage.indices, *usage.index_changes]))
    return PriceIndex(currency, terms, (IndexPart(active.days, usage.indices[terms.series]),))


def _parts(
    charge: str, series: str, changes: tuple[IndexValue, ...], active: Period
) -> tuple[IndexPart, ...]:
    known = [value for value in changes if value.since <= active.start][-1:]
    if not known:
        raise BadInput.one(
            Problem(
                f"charge {charge} needs the index {series} from {active.start} on",
                column=f"indices.{series}",
                found=f"its first value from {changes[0].since}" if changes else "an empty list",
            )
        )
    within = [value for value in changes if active.start < value.since <= active.end]
    steps = [*known, *within]
    starts = [active.start, *(value.since for value in within)]
    days = [(later - earlier).days for earlier, later in pairwise(starts)]
    last = (active.end - starts[-1]).days + 1
    return tuple(
        IndexPart(count, value.value) for count, value in zip([*days, last], steps, strict=True)
    )


def _missing(charge: str, series: str, given: Iterable[str]) -> Problem:
    names = ", ".join(sorted(given))
    return Problem(
        f"charge {charge} needs the index {series}, which the usage doesn't give",
        column=f"indices.{series}",
        allowed=f"its value for the period; given are: {names}" if names else "its value",
    )
