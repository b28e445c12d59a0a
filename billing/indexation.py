"""Prices that follow an index series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, localcontext
from itertools import accumulate, pairwise

from billing.charges.values import IndexValue, Usage
from governance.contract.charges import Indexation
from governance.errors import BadInput, Problem
from governance.values import EXACT, Period, minor_digits, plain, round_half_up, summed

_NOTHING = Decimal(0)
_TOLD = 6
"""Changes of a compounded price that its text spells out, the last ones."""
_PERCENT_DECIMALS = 4
"""Decimals of a percentage that a text shows; the arithmetic has them all."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an index and what it does to prices."""

    before: Decimal
    index: Decimal
    carried: Decimal
    """Percentage points that earlier caps cut off, added to this change."""
    rise: Decimal
    """In %, after the share and with what was carried, before the cap; negative for a fall."""
    cap: Decimal | None
    """The most that prices rise, in %; None where nothing limits the rise."""

    @property
    def is_capped(self) -> bool:
        """Whether the cap cuts something off."""
        return self.cap is not None and self.rise > self.cap

    @property
    def counted(self) -> Decimal:
        """By how many percent prices change; a fall isn't limited."""
        return self.cap if self.cap is not None and self.is_capped else self.rise

    @property
    def cut_off(self) -> Decimal:
        """Percentage points above the cap."""
        return self.rise - self.counted


@dataclass(frozen=True, slots=True)
class IndexPart:
    """Days on which one index holds, and the values that led there, the last of them it."""

    span: Period
    indices: tuple[Decimal, ...]

    @property
    def days(self) -> int:
        """How many days they are."""
        return self.span.days

    def within(self, days: Period) -> IndexPart | None:
        """The part of it on these days; None without any."""
        overlap = self.span.overlap(days.start, days.end)
        return IndexPart(overlap, self.indices) if overlap else None


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
            weighted = summed(self._at(price, self.terms, part) * part.days for part in self.parts)
            return weighted / sum(part.days for part in self.parts)

    def during(self, days: Period) -> PriceIndex:
        """The same on these days alone."""
        parts = tuple(part for each in self.parts if (part := each.within(days)))
        return replace(self, parts=parts)

    def _at(self, price: Decimal, terms: Indexation, part: IndexPart) -> Decimal:
        return compounded_price(price, terms, part.indices, self.currency)

    @property
    def text(self) -> str:
        """The factor in words: "prices × 112.2 / 110.0 (HICP-EU)"; empty without indexation."""
        if self.terms is None:
            return ""
        factors = [_factors_text(self.terms, part.indices) for part in self.parts]
        if len(factors) == 1:
            return f"prices × {factors[0]} ({self.terms.series})"
        split = " and ".join(
            f"{factor} for {part.days} days"
            for factor, part in zip(factors, self.parts, strict=True)
        )
        return f"prices × {split} ({self.terms.series})"


def changes_of(terms: Indexation, indices: Sequence[Decimal]) -> tuple[Change, ...]:
    """What each index in a row does to prices.

    `base` compares the last index with the base, whatever lay between. `prior` compares each
    with the one before, the first with the base, and adds what a cap cut off before where the
    terms carry it over.
    """
    if terms.method == "base":
        return (_change(terms, terms.base, indices[-1]),)
    found: list[Change] = []
    for before, index in pairwise((terms.base, *indices)):
        found.append(_change(terms, before, index, found[-1] if found else None))
    return tuple(found)


def _change(
    terms: Indexation, before: Decimal, index: Decimal, last: Change | None = None
) -> Change:
    with localcontext(EXACT):
        carried = last.cut_off if last and terms.carry_over else _NOTHING
        rise = (index - before) * terms.share_percent / before + carried
    return Change(before, index, carried, rise, terms.cap_percent)


def compounded_price(
    price: Decimal, terms: Indexation, indices: Sequence[Decimal], currency: str
) -> Decimal:
    """`price` after these indices in a row, the last of which holds.

    A rise is `share_percent` of the index's and held to `cap_percent`; a fall is not limited.
    `base` leaves the price unrounded. `prior` rounds it half up after every change, to the
    currency's decimals or as many as it is written with if those are more, so that the next
    change starts from a price that one can print.
    Source: the contract language, section "Charges".
    """
    places = max(minor_digits(currency), -int(price.as_tuple().exponent))
    for change in changes_of(terms, indices):
        price = _changed(price, terms, change)
        if terms.method == "prior":
            price = round_half_up(price, places)
    return price


def _changed(price: Decimal, terms: Indexation, change: Change) -> Decimal:
    """Divided once and last, so that a quotient that never ends is cut off as late as it can be."""
    with localcontext(EXACT):
        if change.is_capped or change.carried:
            return price * (100 + change.counted) / 100
        moved = change.before * 100 + (change.index - change.before) * terms.share_percent
        return price * moved / (change.before * 100)


def _factors_text(terms: Indexation, indices: Sequence[Decimal]) -> str:
    """ "112.2 / 110.0", and for a compounded price one factor a change."""
    changes = changes_of(terms, indices)
    moving = [change for change in changes if change.rise] or [changes[-1]]
    told = moving[-_TOLD:]
    left_out = len(moving) - len(told)
    before = (f"{left_out} earlier factors",) if left_out else ()
    return ", then × ".join([*before, *(_factor_text(terms, change) for change in told)])


def _factor_text(terms: Indexation, change: Change) -> str:
    quotient = f"{change.index:f} / {change.before:f}"
    if terms.share_percent != 100:
        quotient = f"(1 + {plain(terms.share_percent)} % of ({quotient} − 1))"
    if change.carried:
        quotient = f"{quotient} + {_percent(change.carried)} carried over"
        quotient = quotient if change.is_capped else f"({quotient})"
    if change.is_capped and change.cap is not None:
        factor = f"{plain(1 + change.cap / 100)}, as {quotient} is held to {change.cap} %"
        return f"{factor}, {_percent(change.cut_off)} carried over" if _carries(terms) else factor
    return quotient


def _carries(terms: Indexation) -> bool:
    return terms.carry_over and terms.method == "prior"


def _percent(points: Decimal) -> str:
    return f"{plain(round_half_up(points, _PERCENT_DECIMALS))} %"


def price_index(
    charge: str, terms: Indexation | None, usage: Usage, active: Period, currency: str
) -> PriceIndex:
    """What indexes the prices of `charge` on the `active` days.

    Raises BadInput where the usage gives no index for the series on those days.
    """
    if terms is None:
        return PriceIndex(currency)
    own = usage.charge_indices.get(charge)
    changes = usage.index_changes.get(terms.series) if own is None else own
    if changes is not None:
        return PriceIndex(currency, terms, _parts(charge, terms.series, changes, active))
    if terms.series not in usage.indices:
        raise BadInput.one(_missing(charge, terms.series, [*usage.indices, *usage.index_changes]))
    return PriceIndex(currency, terms, (IndexPart(active, (usage.indices[terms.series],)),))


def _parts(
    charge: str, series: str, changes: tuple[IndexValue, ...], active: Period
) -> tuple[IndexPart, ...]:
    """Stretches of the active days, each with all values until then, oldest first."""
    known = [change for change in changes if change.since <= active.start]
    if not known:
        raise BadInput.one(
            Problem(
                f"charge {charge} needs the index {series} from {active.start} on",
                column=f"indices.{series}",
                found=f"its first value from {changes[0].since}" if changes else "an empty list",
            )
        )
    within = [change for change in changes if active.start < change.since <= active.end]
    earlier = tuple(change.value for change in known)
    values = accumulate(within, lambda before, change: (*before, change.value), initial=earlier)
    return tuple(
        IndexPart(days, indices)
        for days, indices in zip(_stretches(active, within), values, strict=True)
    )


def _stretches(active: Period, within: Sequence[IndexValue]) -> Iterator[Period]:
    """The days from each change to the next, the first from the start of the active days on."""
    starts = [active.start, *(change.since for change in within)]
    ends = [*(change.since - timedelta(days=1) for change in within), active.end]
    return map(Period, starts, ends)


def _missing(charge: str, series: str, given: Iterable[str]) -> Problem:
    names = ", ".join(sorted(given))
    return Problem(
        f"charge {charge} needs the index {series}, which the usage doesn't give",
        column=f"indices.{series}",
        allowed=f"its value for the period; given are: {names}" if names else "its value",
    )
