"""Propose what payments pay: by reference, amount, several invoices together, and debtor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from billing.payments.references import named_in, same_party
from billing.payments.values import Confidence, Entry, OpenInvoice, Part, Proposal

_MOST_TOGETHER = 4
_MOST_SEARCHED = 20
"""Open invoices, oldest first, among which sums are looked for: 6,195 sums at the most."""
_ORDER = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who owes the invoices."""

    name: str
    ibans: frozenset[str] = frozenset()
    """Accounts that paid here before."""

    def paid(self, entry: Entry) -> bool:
        """Whether a payment is the payer's."""
        return entry.iban in self.ibans or same_party(entry.debtor, self.name)


@dataclass(frozen=True, slots=True)
class _Found:
    parts: tuple[Part, ...]
    confidence: Confidence
    reason: str


_Books = Mapping[int, OpenInvoice]


def propose(
    entries: Iterable[Entry], invoices: Iterable[OpenInvoice], payer: Payer
) -> tuple[Proposal, ...]:
    """What each payment might pay, in the order of the payments.

    The surest proposals take their invoices first, then the earliest payments, so that two
    payments never get the same money and the order of the entries doesn't matter. Invoices on
    which nothing is open only explain what a payment names.
    """
    listed = list(entries)
    books = {one.id: one for one in invoices}
    numbers = [one.number for one in books.values()]
    named = {one.key: _numbers(one, numbers) for one in listed}
    found: dict[str, Proposal] = {}
    for level in _ORDER:
        for entry in sorted(listed, key=lambda one: (one.booked_on, one.key)):
            if entry.key in found:
                continue
            looked = _look(entry, books, named[entry.key], payer)
            if _ORDER.index(looked.confidence) <= _ORDER.index(level):
                found[entry.key] = _proposal(entry, looked)
                books = _after(books, looked.parts)
    return tuple(found[entry.key] for entry in listed)


def _numbers(entry: Entry, numbers: Sequence[str]) -> frozenset[str]:
    return named_in(f"{entry.text} {entry.end_to_end_id}", entry.references, numbers)


def _proposal(entry: Entry, found: _Found) -> Proposal:
    rest = entry.minor - sum(part.minor for part in found.parts)
    return Proposal(entry.key, found.parts, rest, found.confidence, found.reason)


def _after(books: _Books, parts: Sequence[Part]) -> dict[int, OpenInvoice]:
    taken = {part.invoice_id: part.minor for part in parts}
    return {key: after_payment(one, taken.get(key, 0)) for key, one in books.items()}


def after_payment(one: OpenInvoice, minor: int) -> OpenInvoice:
    """An invoice of which so much is paid: what is open first, then what is written off."""
    beyond = max(0, minor - one.open_minor)
    return replace(
        one,
        open_minor=max(0, one.open_minor - minor),
        written_off_minor=one.written_off_minor - beyond,
    )


def _look(entry: Entry, books: _Books, numbers: frozenset[str], payer: Payer) -> _Found:
    invoices = sorted(
        (one for one in books.values() if one.currency == entry.currency),
        key=lambda one: (one.due_on, one.number),
    )
    ours = payer.paid(entry)
    named = [one for one in invoices if one.number in numbers]
    if named:
        return _by_reference(entry, named)
    still = [one for one in invoices if one.open_minor > 0]
    if not still:
        return _Found((), Confidence.NONE, f"no invoice in {entry.currency} is open")
    return (
        _by_amount(entry, still, ours=ours)
        or _by_sum(entry, still, ours=ours)
        or _without_withholding(entry, still, ours=ours)
        or _by_debtor(entry, still, ours=ours)
        or _Found((), Confidence.NONE, "no reference, amount or debtor points to an open invoice")
    )


def _by_reference(entry: Entry, named: Sequence[OpenInvoice]) -> _Found:
    still = [one for one in named if one.open_minor > 0]
    numbers = _listed(named)
    whole = sum(one.open_minor for one in still)
    given_up = sum(one.written_off_minor for one in named)
    if given_up and whole < entry.minor and (not still or entry.minor <= whole + given_up):
        why = f"it names {numbers}, written off at least in part; paying that reverses it"
        return _Found(_spread_over_all(entry.minor, named), Confidence.POSSIBLE, why)
    if not still:
        return _Found((), Confidence.POSSIBLE, f"it names {numbers}, where nothing is open")
    confidence, words = _beside(entry.minor, whole, sum(one.withholding_minor for one in still))
    return _Found(_spread(entry.minor, still), confidence, f"it names {numbers} and {words}")


def _beside(paid: int, whole: int, withheld: int) -> tuple[Confidence, str]:
    """How sure a payment of a sum that is named is, and how it compares to what is open."""
    if paid == whole:
        return Confidence.CERTAIN, "pays exactly what is open"
    if paid < whole:
        return Confidence.LIKELY, "pays a part of it"
    if paid == whole + withheld:
        return Confidence.LIKELY, "was paid without the withholding, which stays on account"
    return Confidence.LIKELY, "pays more than is open"


def _spread(minor: int, invoices: Sequence[OpenInvoice]) -> tuple[Part, ...]:
    """An amount over invoices, in their order, never more than is open."""
    parts = []
    for one in invoices:
        taken = min(minor, one.open_minor)
        if taken > 0:
            parts.append(Part(one.id, taken))
            minor -= taken
    return tuple(parts)


def _spread_over_all(minor: int, invoices: Sequence[OpenInvoice]) -> tuple[Part, ...]:
    """The same over all that is owed: what is open first, then what is written off."""
    parts = {part.invoice_id: part.minor for part in _spread(minor, invoices)}
    left = minor - sum(parts.values())
    for one in invoices:
        more = min(left, one.written_off_minor)
        left -= more
        parts[one.id] = parts.get(one.id, 0) + more
    return tuple(Part(key, amount) for key, amount in parts.items() if amount)


def _listed(invoices: Sequence[OpenInvoice]) -> str:
    *first, last = [one.number for one in invoices]
    return f"{', '.join(first)} and {last}" if first else last


def _graded(*, ours: bool, alone: bool) -> Confidence:
    return Confidence.LIKELY if ours and alone else Confidence.POSSIBLE


def _by_whom(*, ours: bool) -> str:
    return "the client paid" if ours else "somebody paid"


def _by_amount(entry: Entry, still: Sequence[OpenInvoice], *, ours: bool) -> _Found | None:
    equal = [one for one in still if one.open_minor == entry.minor]
    if not equal:
        return None
    first = equal[0]
    why = f"{_by_whom(ours=ours)} exactly what is open on {first.number}, without naming it"
    if len(equal) > 1:
        why += f"; {len(equal)} invoices have that amount open, this is due first"
    return _Found((Part(first.id, entry.minor),), _graded(ours=ours, alone=len(equal) == 1), why)


def _by_sum(entry: Entry, still: Sequence[OpenInvoice], *, ours: bool) -> _Found | None:
    searched = still[:_MOST_SEARCHED]
    if sum(one.open_minor for one in still) == entry.minor and len(still) > 1:
        sums: list[Sequence[OpenInvoice]] = [still]
    else:
        sums = [
            several
            for count in range(2, min(_MOST_TOGETHER, len(searched)) + 1)
            for several in combinations(searched, count)
            if sum(one.open_minor for one in several) == entry.minor
        ]
    if not sums:
        return None
    first = sums[0]
    why = f"{_by_whom(ours=ours)} exactly what is open on {_listed(first)} together"
    if len(sums) > 1:
        why += f"; {len(sums)} sums would fit"
    return _Found(_spread(entry.minor, first), _graded(ours=ours, alone=len(sums) == 1), why)


def _without_withholding(
    entry: Entry, still: Sequence[OpenInvoice], *, ours: bool
) -> _Found | None:
    fits = [
        one
        for one in still
        if one.withholding_minor and one.open_minor + one.withholding_minor == entry.minor
    ]
    if not fits:
        return None
    why = (
        f"{_by_whom(ours=ours)} {fits[0].number} without withholding what the contract says;"
        " the difference stays on account"
    )
    return _Found(_spread(entry.minor, fits[:1]), Confidence.POSSIBLE, why)


def _by_debtor(entry: Entry, still: Sequence[OpenInvoice], *, ours: bool) -> _Found | None:
    if not ours:
        return None
    why = "the client paid without saying what for; the oldest invoices come first"
    return _Found(_spread(entry.minor, still), Confidence.POSSIBLE, why)
