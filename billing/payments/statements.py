"""Read a bank statement of any kind, and hold it beside what is recorded and open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from billing.payments.camt_reader import read_camt
from billing.payments.csv_reader import Mapped, read_csv
from billing.payments.matching import Payer, after_payment, propose
from billing.payments.twins import Known, Twin, noted_bounce, twins_of
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
    """The number of the payment that bounced, or that is probably the same."""
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
    incoming = [one for one in statement.entries if one.direction is Direction.IN]
    twins = {
        key: twin
        for key, twin in twins_of(statement.source, incoming, books.known).items()
        if key not in own
    }
    # One entry of the same key would be taken once: the reader has told equal ones apart.
    proposals = _proposals(taking, twins, books)
    held = _Held(books, own, proposals, twins, frozenset(one.key for one in statement.entries))
    bounced: set[int] = set()
    return tuple(_line(one, held, bounced) for one in statement.entries)


@dataclass(frozen=True, slots=True)
class _Held:
    """A statement beside the books."""

    books: Books
    own: Mapping[str, Known]
    proposals: Mapping[str, Proposal]
    twins: Mapping[str, Twin]
    keys: frozenset[str]


def _proposals(
    taking: Sequence[Entry], twins: Mapping[str, Twin], books: Books
) -> dict[str, Proposal]:
    """By key; what is probably recorded already gets what the others leave open."""
    first = propose([one for one in taking if one.key not in twins], books.invoices, books.payer)
    paid: dict[int, int] = {}
    for part in (part for one in first for part in one.parts):
        paid[part.invoice_id] = paid.get(part.invoice_id, 0) + part.minor
    rest = [after_payment(one, paid.get(one.id, 0)) for one in books.invoices]
    second = propose([one for one in taking if one.key in twins], rest, books.payer)
    return {one.key: one for one in (*first, *second)}


def _line(entry: Entry, held: _Held, bounced: set[int]) -> Line:
    match entry.direction:
        case Direction.OUT:
            return Line(entry, Fate.SKIP, "money that the provider paid")
        case Direction.OUT_BOUNCED:
            return Line(entry, Fate.SKIP, "money that the provider had paid and that came back")
        case Direction.BOUNCED:
            return _bounce(entry, held, bounced)
    if entry.key in held.own:
        number = held.own[entry.key].number
        return Line(entry, Fate.SKIP, f"recorded already as PAY-{number}")
    if entry.key not in held.proposals:
        return Line(entry, Fate.SKIP, "recorded already in another engagement")
    return _take(entry, held)


def _take(entry: Entry, held: _Held) -> Line:
    left = held.books.left.get(entry.key, entry.minor)
    proposal, twin = held.proposals[entry.key], held.twins.get(entry.key)
    if twin:
        return Line(entry, Fate.TAKE, twin.why, left, proposal, payment=twin.number)
    why = proposal.reason
    if left < entry.minor:
        why += "; another engagement took the rest of this payment"
    return Line(entry, Fate.TAKE, why, left, proposal, ticked=proposal.confidence in _SURE)


def _bounce(entry: Entry, held: _Held, bounced: set[int]) -> Line:
    """The recorded payment that an entry takes back, by end-to-end id, account or amount."""
    books = held.books
    if books.left.get(entry.key) == 0:
        return Line(entry, Fate.SKIP, "noted already")
    noted = noted_bounce(entry, held.keys, books.known, bounced)
    if noted:
        bounced.add(noted)
    fits = [
        one
        for one in books.known
        if one.bounced_on is None
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
            if not noted:
                bounced.add(last.number)
            text = f"{why}, PAY-{last.number}" + (f"; {_NOTED} PAY-{noted}" if noted else "")
            left = entry.minor
            return Line(entry, Fate.BOUNCE, text, left, payment=last.number, ticked=not noted)
    if noted:
        return Line(entry, Fate.SKIP, f"{_NOTED} PAY-{noted}")
    return Line(entry, Fate.SKIP, "money that bounced, of no payment that is recorded here")


_NOTED = "it is probably what is noted already as the return of"


def _same_id(known: Entry, entry: Entry) -> bool:
    return bool(entry.end_to_end_id) and known.end_to_end_id == entry.end_to_end_id


def _same_account(known: Entry, entry: Entry) -> bool:
    return bool(entry.iban) and known.iban == entry.iban
