"""Which rows of the evidence no invoice has billed yet: rows matched with what was billed.

What was billed is a set of tickets, one a row. A ticket is used up by the row that it was for; or,
where that row was corrected, by the row that took its place: another day of the same ledger row, or
of the same receipt and invoice where allocations have no key. So a correction is never billed as
if it were another row. Rows that are left are new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from billing.metering.rows import Identity, Row
from governance.values import Period


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """A row and the period that counts it."""

    start: date
    """First day of the period."""
    row: Row


Places = Mapping[Period, Iterable[Row]]
"""Rows by the period that counts them."""


def placed(places: Places) -> list[Placed]:
    """All rows of all periods, in order."""
    return sorted(Placed(period.start, row) for period, rows in places.items() for row in rows)


def match(
    rows: Iterable[Placed], tickets: Iterable[Placed], identity: Identity
) -> tuple[list[Placed], list[Placed]]:
    """The rows without a ticket and the tickets without a row, each in their order."""
    left, unused = list(rows), list(tickets)
    for likeness in _likenesses(identity):
        left, unused = _matched(left, unused, likeness)
    return left, unused


def _likenesses(identity: Identity) -> Iterator[Callable[[Placed], Hashable]]:
    """What a row and its ticket have in common, from all to the least that will do."""
    yield lambda one: (one.start, one.row.names, one.row.amounts)
    if identity.once_a_period:
        return
    yield lambda one: (one.row.names, one.row.amounts)
    group = identity.group
    if not group:
        return
    if identity.day is not None:
        near = (*group, identity.day)
        yield lambda one: tuple(one.row.names[at] for at in near)
    yield lambda one: tuple(one.row.names[at] for at in group)


def _matched(
    rows: list[Placed], tickets: list[Placed], likeness: Callable[[Placed], Hashable]
) -> tuple[list[Placed], list[Placed]]:
    if not rows or not tickets:
        return rows, tickets
    free = Counter(likeness(ticket) for ticket in tickets)
    left = []
    used: Counter[Hashable] = Counter()
    for row in rows:
        key = likeness(row)
        if used[key] < free[key]:
            used[key] += 1
        else:
            left.append(row)
    unused = []
    for ticket in tickets:
        key = likeness(ticket)
        if used[key]:
            used[key] -= 1
        else:
            unused.append(ticket)
    return left, unused


def by_period(rows: Iterable[Placed], periods: Iterable[Period]) -> dict[Period, tuple[Row, ...]]:
    """The rows by the period that counts them, oldest first; periods without any are left out."""
    found: defaultdict[date, list[Row]] = defaultdict(list)
    for one in rows:
        found[one.start].append(one.row)
    known = sorted(periods, key=lambda period: period.start)
    return {period: tuple(found[period.start]) for period in known if period.start in found}
