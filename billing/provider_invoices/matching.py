"""Which line of the contract a billed line is for: by id, by words, by quantity and amount.

Everything is decided from the documents alone, the same way each time; a person's decision on a
line comes before all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from billing.provider_invoices.values import BilledDocument, BilledItem, Expected, ExpectedItem

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_FILLING: Final = frozenset({"and", "for", "the", "und", "für", "der", "die", "das", "per", "pro"})
_ENOUGH: Final = 0.5
"""Share of words in common from which on titles speak of the same."""


class Sure(StrEnum):
    """How certain a match is."""

    DECIDED = "decided"
    """A person said so."""
    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a billed line."""

    target: str
    """Key of the expected line; empty where the contract has none for it."""
    by: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A billed line and the expected line that it is for."""

    document: str
    """Number of the provider's document."""
    item: BilledItem
    target: str
    """Key of the expected line; empty where there is none."""
    sure: Sure
    why: str


Decisions = Mapping[tuple[str, str], Decision]
"""By number of the document and key of the line."""


@dataclass(frozen=True, slots=True)
class _Found:
    rank: int
    """The higher, the more certain."""
    sure: Sure
    why: str


def match_items(
    documents: Sequence[BilledDocument], expected: Expected, decisions: Decisions
) -> tuple[Placed, ...]:
    """Every billed line once, in the documents' order, each with its expected line or none.

    The most certain pairs are taken first, and every expected line once; of documents that bill the
    same, the first one has it. A line that is left over then and names a charge, or is called alike
    and comes to the same, is for it once more: billed twice, in parts, or given back.
    """
    lines = [(document.number, item) for document in documents for item in document.items]
    placed = dict(_decided(lines, expected, decisions))
    taken = {one.target for one in placed.values() if one.target}
    numbers = {document.number: place for place, document in enumerate(documents)}
    pairs = sorted(
        _pairs(lines, expected),
        # Names before likenesses, then document by document, then the most certain.
        key=lambda pair: (
            pair[0].rank < _TITLE,
            numbers[lines[pair[1]][0]],
            -pair[0].rank,
            *pair[1:],
        ),
    )
    for again in (False, True):
        for found, at, of in pairs:
            target = expected.items[of].key
            if at in placed or (target in taken) is not again:
                continue
            if again and found.rank < _WORDS_AND_FIGURE:
                continue
            number, item = lines[at]
            placed[at] = Placed(number, item, target, found.sure, found.why)
            taken.add(target)
    why = expected.why_nothing or "nothing in the contract is named or counted like it"
    return tuple(
        placed.get(at) or Placed(number, item, "", Sure.NONE, why)
        for at, (number, item) in enumerate(lines)
    )


def _decided(
    lines: Sequence[tuple[str, BilledItem]], expected: Expected, decisions: Decisions
) -> Iterator[tuple[int, Placed]]:
    """What people decided, as far as the expected line is still there."""
    known = {one.key for one in expected.items} | {""}
    for at, (number, item) in enumerate(lines):
        decision = decisions.get((number, item.key))
        if decision and decision.target in known:
            yield at, Placed(number, item, decision.target, Sure.DECIDED, f"as {decision.by} said")


def _pairs(
    lines: Sequence[tuple[str, BilledItem]], expected: Expected
) -> Iterator[tuple[_Found, int, int]]:
    """All pairs with anything in common, with their places."""
    alike = [(_words(one.title), _amounts_alike(one, expected.items)) for one in expected.items]
    for at, (_, item) in enumerate(lines):
        if item.period and not item.period.overlap(expected.period.start, expected.period.end):
            continue
        words = _words(item.title)
        for of, one in enumerate(expected.items):
            found = _compared(item, words, one, *alike[of])
            if found:
                yield found, at, of


def _amounts_alike(one: ExpectedItem, items: Iterable[ExpectedItem]) -> bool:
    """Whether another expected line comes to the same amount, so that it tells nothing."""
    return sum(other.amount == one.amount for other in items) > 1


_ID, _TAX, _TITLE, _WORDS_AND_FIGURE, _WORDS, _FIGURES = 70, 60, 50, 40, 30, 20


def _compared(
    item: BilledItem, words: frozenset[str], one: ExpectedItem, wanted: frozenset[str], shared: bool
) -> _Found | None:
    figures = _Figures(
        item.amount == one.amount, one.quantity is not None and item.quantity == one.quantity
    )
    found = _same(item, words, one, wanted) or _alike(words, wanted, figures)
    if found is None and figures.amount and item.amount and not shared:
        found = _Found(_FIGURES, Sure.POSSIBLE, "nothing else comes to the same amount")
    # Between several lines of one charge, title and figures decide.
    bonus = 4 * figures.amount + 2 * figures.quantity + (words == wanted)
    return found and replace(found, rank=found.rank + bonus)


@dataclass(frozen=True, slots=True)
class _Figures:
    """Which figures of two lines are the same."""

    amount: bool
    quantity: bool


def _same(
    item: BilledItem, words: frozenset[str], one: ExpectedItem, wanted: frozenset[str]
) -> _Found | None:
    if one.charge and _names(item, one.charge):
        return _Found(_ID, Sure.CERTAIN, f"it names {one.charge}")
    if one.of_whole and not item.is_line and item.tax == one.tax and item.amount * one.amount > 0:
        return _Found(_TAX, Sure.CERTAIN, "both are of the whole invoice, in the same tax")
    if words and words == wanted:
        return _Found(_TITLE, Sure.LIKELY, "both are called the same")
    return None


def _alike(words: frozenset[str], wanted: frozenset[str], figures: _Figures) -> _Found | None:
    if len(words & wanted) / max(1, min(len(words), len(wanted))) < _ENOUGH:
        return None
    if figures.amount or figures.quantity:
        same = "amount" if figures.amount else "quantity"
        why = f"the words are alike and the {same} is the same"
        return _Found(_WORDS_AND_FIGURE, Sure.LIKELY, why)
    return _Found(_WORDS, Sure.POSSIBLE, "the words are alike")


def _names(item: BilledItem, charge: str) -> bool:
    """Whether the line gives the charge's id, as the item's id or as a word of its texts."""
    name, said = charge.casefold(), f"{item.charge} {item.title} {item.text}".casefold()
    return name in said and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said) is not None


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold())) - _FILLING
