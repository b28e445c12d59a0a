"""The clauses of two contracts side by side, matched by id and then by clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.simulation.values import Difference, Kind, SimulatedContract

_NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class _Row:
    """A clause of one contract as what it costs the client: credits are below zero."""

    kind: Kind
    id: str
    title: str
    clause: str
    amounts: Mapping[str, Decimal]


def differences(
    old: SimulatedContract | None, new: SimulatedContract, months: Sequence[str]
) -> tuple[Difference, ...]:
    """What each clause costs under both contracts in these months, the new contract's order first.

    A clause is the same where its id is, or else where the text of its clause is and no other has
    that text. What only one contract has stands beside nothing.
    """
    before, after = list(_rows(old)) if old else [], list(_rows(new))
    pairs = _by_id(before, after)
    pairs |= _by_clause(before, after, pairs)
    taken = set(pairs.values())
    found = [_difference(_at(before, pairs.get(at)), row, months) for at, row in enumerate(after)]
    gone = [row for at, row in enumerate(before) if at not in taken]
    return tuple(sorted([*found, *(_only_old(row, months) for row in gone)], key=_kind))


def compared_months(old: SimulatedContract | None, new: SimulatedContract) -> tuple[str, ...]:
    """The months that both price, oldest first: sums over others would compare unlike things."""
    priced = new.priced
    return tuple(month for month in priced if old is None or month in old.priced)


def _kind(difference: Difference) -> int:
    return list(Kind).index(difference.kind)


def _rows(contract: SimulatedContract) -> Iterator[_Row]:
    for row in contract.charges:
        yield _Row(Kind.CHARGE, row.id, row.title, row.clause, row.amounts)
    for level in contract.levels:
        credits_ = {month: -one.credit for month, one in level.months.items()}
        yield _Row(Kind.CREDIT, level.id, level.title, level.clause, credits_)
    for row in contract.further:
        amounts = {month: -amount for month, amount in row.amounts.items()}
        yield _Row(Kind.CREDIT, row.id, row.title, row.clause, amounts)


def _by_id(before: Sequence[_Row], after: Sequence[_Row]) -> dict[int, int]:
    """Place in the new contract → place in the old one."""
    known = {(row.kind, row.id): at for at, row in enumerate(before)}
    pairs = {at: known.get((row.kind, row.id)) for at, row in enumerate(after)}
    return {at: place for at, place in pairs.items() if place is not None}


def _by_clause(
    before: Sequence[_Row], after: Sequence[_Row], taken: Mapping[int, int]
) -> dict[int, int]:
    used = set(taken.values())
    known = _once((row, at) for at, row in enumerate(before) if at not in used)
    wanted = _once((row, at) for at, row in enumerate(after) if at not in taken)
    return {at: known[key] for key, at in wanted.items() if key in known}


def _once(rows: Iterator[tuple[_Row, int]]) -> dict[tuple[Kind, str], int]:
    """By kind and clause, the places of rows whose clause no other row has."""
    found: dict[tuple[Kind, str], list[int]] = {}
    for row, at in rows:
        if row.clause != _NOT_STATED:
            found.setdefault((row.kind, row.clause), []).append(at)
    return {key: places[0] for key, places in found.items() if len(places) == 1}


def _at(rows: Sequence[_Row], place: int | None) -> _Row | None:
    return None if place is None else rows[place]


def _difference(old: _Row | None, new: _Row, months: Sequence[str]) -> Difference:
    return Difference(
        new.kind,
        old.id if old else None,
        new.id,
        new.title,
        new.clause,
        _in(old.amounts, months) if old else {},
        _in(new.amounts, months),
    )


def _only_old(old: _Row, months: Sequence[str]) -> Difference:
    return Difference(old.kind, old.id, None, old.title, old.clause, _in(old.amounts, months), {})


def _in(amounts: Mapping[str, Decimal], months: Sequence[str]) -> dict[str, Decimal]:
    return {month: amounts[month] for month in months if month in amounts}
