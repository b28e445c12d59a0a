"""The same payment in statements of two kinds: one person's CSV is another one's camt.053."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing.payments.keys import given
from billing.payments.references import normal
from billing.payments.values import Entry, Source

_SAME_PAYMENT = timedelta(days=5)
"""Banks write the day of booking, people the day on which they saw it."""
_LEAST_CHARACTERS = 4
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_FROM = {
    Source.HAND: "recorded by hand",
    Source.CSV: "from a CSV statement",
    Source.CAMT_053: "from a camt.053 statement",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A payment of the engagement that is recorded already."""

    number: int
    entry_key: str
    """Empty for one recorded by hand."""
    entry: Entry
    source: Source = Source.HAND
    whole_minor: int = 0
    """What the bank's entry has, of which the payment may be a part; 0 where it is the payment."""
    bounced_on: date | None = None
    bounce_key: str = ""
    """The key of the bank's entry that took it back; empty where a person said so."""

    @property
    def bank_minor(self) -> int:
        """The amount that the bank booked."""
        return self.whole_minor or self.entry.minor


@dataclass(frozen=True, slots=True)
class Twin:
    """A recorded payment that an entry is probably the same as."""

    number: int
    why: str


def twins_of(
    source: Source, entries: Sequence[Entry], known: Iterable[Known]
) -> Mapping[str, Twin]:
    """By key, the entries of a statement that are probably recorded already.

    Compared is with payments that were recorded by hand or from a statement of the other kind:
    within one kind the keys tell. Currency and amount are the same, the days of booking five days
    apart at the most, and nothing that both say contradicts: the debtor's account, the end-to-end
    id, reference or remittance without separators and case. Every recorded payment is the twin of
    one entry at the most, the likest first, so that two equal payments stay two.
    """
    keys = {one.key for one in entries}
    there = [one for one in known if one.source is not source and one.entry_key not in keys]
    pairs = []
    for place, entry in enumerate(entries):
        for one in there:
            likeness = _likeness(entry, one)
            if likeness is not None:
                apart = abs((entry.booked_on - one.entry.booked_on).days)
                pairs.append((-likeness, apart, one.number, place))
    found: dict[str, Twin] = {}
    used: set[int] = set()
    sources = {one.number: one.source for one in there}
    for likeness, apart, number, place in sorted(pairs):
        key = entries[place].key
        if key not in found and number not in used:
            used.add(number)
            found[key] = Twin(number, _words(number, sources[number], apart, agrees=likeness < 0))
    return found


def _words(number: int, source: Source, apart: int, *, agrees: bool) -> str:
    days = "the same day" if not apart else f"{apart} day{'s' if apart > 1 else ''} apart"
    also = ", reference" if agrees else ""
    return (
        f"probably the same as PAY-{number}, {_FROM[source]}: the same amount{also}, and {days};"
        " tick it only if it is another payment"
    )


def _likeness(entry: Entry, one: Known) -> int | None:
    """1 where what both say agrees, 0 where one of them says nothing; None for another payment."""
    amounts = (one.bank_minor, one.entry.currency)
    if amounts != (entry.minor, entry.currency):
        return None
    if abs(one.entry.booked_on - entry.booked_on) > _SAME_PAYMENT:
        return None
    said = says_the_same(entry, one.entry)
    if said is False:
        # What a person typed may say the same in other words.
        return 0 if one.source is Source.HAND else None
    return int(bool(said))


def says_the_same(first: Entry, second: Entry) -> bool | None:
    """Whether two entries tell of one payment; None where one of them doesn't tell."""
    if first.iban and second.iban and first.iban != second.iban:
        return False
    ids = (given(first.end_to_end_id), given(second.end_to_end_id))
    if all(ids):
        return ids[0] == ids[1]
    texts = (normal(first.text), normal(second.text))
    references = (_references(first), _references(second))
    if not all(text or named for text, named in zip(texts, references, strict=True)):
        return None
    if references[0] & references[1]:
        return True
    bare = (_without_zeros(first.text), _without_zeros(second.text))
    for one, other in (texts, bare):
        if one and other and (one in other or other in one):
            return True
    return any(one in texts[1] for one in references[0]) or any(
        one in texts[0] for one in references[1]
    )


def _without_zeros(text: str) -> str:
    """As `normal`, with numbers as people shorten them: "CW-2026-00002" is "cw 2026/2" too."""
    return normal(_ZEROS.sub("", text))


def _references(entry: Entry) -> frozenset[str]:
    every = (normal(one) for one in (*entry.references, given(entry.end_to_end_id)))
    return frozenset(one for one in every if len(one) >= _LEAST_CHARACTERS)


def noted_bounce(
    entry: Entry, keys: Iterable[str], known: Iterable[Known], used: Iterable[int]
) -> int:
    """The payment whose return is noted already and that an entry probably returns; 0 for none."""
    for one in known:
        if one.bounced_on is None or one.number in used or one.bounce_key in keys:
            continue
        near = abs(one.bounced_on - entry.booked_on) <= _SAME_PAYMENT
        amounts = (one.bank_minor, one.entry.currency)
        if near and amounts == (entry.minor, entry.currency):
            same = says_the_same(entry, one.entry)
            if same or (same is None) or (entry.iban and entry.iban == one.entry.iban):
                return one.number
    return 0
