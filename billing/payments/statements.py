"""Read a bank statement of any kind, and hold it beside what is recorded and open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from billing.payments.camt_reader import read_camt
from billing.payments.csv_reader import Mapped, read_csv
from billing.payments.matching import Payer, propose
from billing.payments.values import (
    Confidence,
    Direction,
    Entry,
    OpenInvoice,
    Proposal,
    Statement,
)
from governance.errors import BadInput, Problem

LARGEST_STATEMENT = 10 * 1024 * 1024
_SAME_PAYMENT = timedelta(days=5)
_SURE = frozenset({Confidence.CERTAIN, Confidence.LIKELY})


def read_statement(name: str, data: bytes, mapped: Mapped, currency: str) -> Statement:
    """The payments of a camt.053 or CSV file, told apart by what it begins with.

    Raises BadInput where it is too large or can't be read as a whole.
    """
    if len(data) > LARGEST_STATEMENT:
        found, allowed = f"{len(data):,} bytes", f"at most {LARGEST_STATEMENT:,} bytes"
        what = "the statement is too large"
        raise BadInput.one(Problem(what, file=name, found=found, allowed=allowed))
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return read_camt(name, data)
    return read_csv(name, data, mapped, currency)


class Fate(StrEnum):
    """What an import can do with an entry."""

    TAKE = "take"
    BOUNCE = "bounce"
    """It says that a recorded payment went back."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Known:
    """A payment of the engagement that is recorded already."""

    number: int
    entry_key: str
    """Empty for one recorded by hand."""
    entry: Entry
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Books:
    """What an import is held against."""

    invoices: Sequence[OpenInvoice]
    payer: Payer
    known: Sequence[Known]
    left: Mapping[str, int]
    """Of entries that are taken already, wholly or in part: what is left, by key."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in the preview."""

    entry: Entry
    fate: Fate
    why: str
    left_minor: int = 0
    """What of the entry can be taken; less than all where other engagements took a part."""
    proposal: Proposal | None = None
    payment: int = 0
    """The number of the payment that bounced, or that may be the same."""
    ticked: bool = False
    """Whether it is chosen unless the person says otherwise."""


def hold(statement: Statement, books: Books) -> tuple[Line, ...]:
    """Every entry with what can be done with it, in the order of the statement."""
    own = {one.entry_key: one for one in books.known if one.entry_key}
    taking = [
        replace(one, minor=books.left.get(one.key, one.minor))
        for one in statement.entries
        if one.direction is Direction.IN and one.key not in own and books.left.get(one.key) != 0
    ]
    # One entry of the same key would be taken once: the reader has told equal ones apart.
    proposals = {one.key: one for one in propose(taking, books.invoices, books.payer)}
    bounced: set[int] = set()
    return tuple(_line(one, books, own, proposals, bounced) for one in statement.entries)


def _line(
    entry: Entry,
    books: Books,
    own: Mapping[str, Known],
    proposals: Mapping[str, Proposal],
    bounced: set[int],
) -> Line:
    match entry.direction:
        case Direction.OUT:
            return Line(entry, Fate.SKIP, "money that the provider paid")
        case Direction.OUT_BOUNCED:
            return Line(entry, Fate.SKIP, "money that the provider had paid and that came back")
        case Direction.BOUNCED:
            return _bounce(entry, books, bounced)
    if entry.key in own:
        return Line(entry, Fate.SKIP, f"recorded already as PAY-{own[entry.key].number}")
    if entry.key not in proposals:
        return Line(entry, Fate.SKIP, "recorded already in another engagement")
    return _take(entry, books, proposals[entry.key])


def _take(entry: Entry, books: Books, proposal: Proposal) -> Line:
    left = books.left.get(entry.key, entry.minor)
    twin = _by_hand(entry, books.known)
    if twin:
        why = f"PAY-{twin} was recorded by hand with this amount; this may be the same payment"
        return Line(entry, Fate.TAKE, why, left, proposal, payment=twin)
    why = proposal.reason
    if left < entry.minor:
        why += "; another engagement took the rest of this payment"
    return Line(entry, Fate.TAKE, why, left, proposal, ticked=proposal.confidence in _SURE)


def _by_hand(entry: Entry, known: Iterable[Known]) -> int:
    for one in known:
        near = abs(one.entry.booked_on - entry.booked_on) <= _SAME_PAYMENT
        same = (one.entry.minor, one.entry.currency) == (entry.minor, entry.currency)
        if not one.entry_key and near and same and not one.bounced:
            return one.number
    return 0


def _bounce(entry: Entry, books: Books, bounced: set[int]) -> Line:
    """The recorded payment that an entry takes back, by end-to-end id, account or amount."""
    if books.left.get(entry.key) == 0:
        return Line(entry, Fate.SKIP, "noted already")
    fits = [
        one
        for one in books.known
        if not one.bounced
        and one.number not in bounced
        and (one.entry.minor, one.entry.currency) == (entry.minor, entry.currency)
        and one.entry.booked_on <= entry.booked_on
    ]
    for same, why in (
        (_same_id, "it takes back the payment of the same end-to-end id"),
        (_same_account, "it takes back the client's payment of this amount"),
    ):
        found = [one for one in fits if same(one.entry, entry)]
        if found:
            last = max(found, key=lambda one: (one.entry.booked_on, one.number))
            bounced.add(last.number)
            text = f"{why}, PAY-{last.number}"
            return Line(entry, Fate.BOUNCE, text, entry.minor, payment=last.number, ticked=True)
    return Line(entry, Fate.SKIP, "money that bounced, of no payment that is recorded here")


def _same_id(known: Entry, entry: Entry) -> bool:
    return bool(entry.end_to_end_id) and known.end_to_end_id == entry.end_to_end_id


def _same_account(known: Entry, entry: Entry) -> bool:
    return bool(entry.iban) and known.iban == entry.iban
