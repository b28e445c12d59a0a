"""The single rows that a meter counts, and how one is known again in other evidence.

A row is named by the key of its dataset, or by all columns that the dataset shows where it has
none. Amounts are kept apart from the other columns: they are compared as they were handed in,
but a row is found again by its number among those that are equal but for the amount, since a
ledger in another currency converts amounts and keeps their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing.metering.definitions import PART, MeterDefinition, MeterKind
from governance.values import Period
from sla.evidence.datasets import DATASETS, Kind

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

_PERSON = ("person_id", "role")
_SPAN = ("from", "to")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One thing that a meter counts."""

    names: tuple[str, ...]
    """The values that name it, amounts left out."""
    amounts: tuple[str, ...] = ()
    """Its amounts as they were handed in, where the dataset has no key."""
    number: int = 1
    """Which it is of those with the same names, by amount, counted from 1."""


@dataclass(frozen=True, slots=True)
class Identity:
    """By which columns of a drill-down rows are known again."""

    names: tuple[str, ...]
    amounts: tuple[str, ...] = ()
    group: tuple[int, ...] = ()
    """Positions in `names` of those that name the thing itself, where a row of it may be corrected
    in its other columns; empty where all name it."""
    day: int | None = None
    """Position in `names` of the day on which the row counts, where it is among them."""
    once_a_period: bool = False
    """Whether the same thing counts anew in each period."""
    by_day: bool = False
    """Whether a row of the drill-down stands for a row for each day that it covers."""


def identity_of(definition: MeterDefinition, columns: Sequence[str]) -> Identity:
    """How rows of a meter are known again whose drill-down has these columns."""
    if definition.kind is MeterKind.BY_ROLE:
        return Identity(_PERSON, by_day=True)
    if definition.once_a_period:
        return Identity(definition.once_a_period, once_a_period=True)
    dataset = DATASETS[definition.datasets[0]]
    if dataset.key:
        return Identity(dataset.key)
    shown = [column for column in dataset.columns if column.name in columns]
    names = tuple(column.name for column in shown if column.kind is not Kind.AMOUNT)
    return Identity(
        names,
        tuple(column.name for column in shown if column.kind is Kind.AMOUNT),
        tuple(names.index(one.name) for one in shown if one.kind is Kind.IDENTIFIER),
        names.index(definition.day) if definition.day in names else None,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A row with what the drill-down says of it."""

    row: Row
    cells: Mapping[str, Any]


def columns_of(definition: MeterDefinition, ledger: Ledger, window: Period) -> tuple[str, ...]:
    """The columns that a meter's drill-down lists."""
    query = f"SELECT * FROM ({definition.drill_down_sql}) AS counted LIMIT 0"  # noqa: S608 (the catalogue's own SQL)
    return ledger.execute(query, bound_to(window)).columns


def rows_found(
    definition: MeterDefinition, ledger: Ledger, window: Period, part: str = ""
) -> Iterator[Found]:
    """All rows that a meter counts on these days, in the order of its drill-down."""
    answer = ledger.execute(definition.drill_down_sql, bound_to(window, part))
    identity = identity_of(definition, answer.columns)
    listed = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    if identity.by_day:
        listed = [each for one in listed for each in _days(one, window)]
        identity = Identity((*_PERSON, "day"))
    rows = _numbered(listed, identity)
    return (Found(row, cells) for row, cells in zip(rows, listed, strict=True))


def bound_to(window: Period, part: str = "") -> dict[str, Any]:
    """The parameters of a meter's queries."""
    return {
        "period_start": window.start,
        "period_end": window.end,
        "period_days": window.days,
        PART: part,
    }


def _days(cells: Mapping[str, Any], window: Period) -> Iterator[dict[str, Any]]:
    """An assignment as one row for each day of the window on which it holds."""
    first = max(cells["from"], window.start)
    last = min(cells["to"] or window.end, window.end)
    for number in range((last - first).days + 1):
        yield {**cells, "day": first + timedelta(number)}


def _numbered(listed: Sequence[Mapping[str, Any]], identity: Identity) -> list[Row]:
    names = [tuple(_text(cells[name]) for name in identity.names) for cells in listed]
    amounts = [tuple(cells[name] for name in identity.amounts) for cells in listed]
    rows: list[Row] = [Row(())] * len(listed)
    seen: Counter[tuple[str, ...]] = Counter()
    for at in sorted(range(len(listed)), key=lambda one: (names[one], amounts[one])):
        seen[names[at]] += 1
        texts = tuple(_text(amount) for amount in amounts[at])
        rows[at] = Row(names[at], texts, seen[names[at]])
    return rows


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case Decimal():
            return format(cell.normalize(), "f")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def fingerprint(
    definition: MeterDefinition, ledger: Ledger, window: Period, columns: Sequence[str], part: str
) -> tuple[Any, ...]:
    """Two ledgers in which this is equal count the same rows; `columns` are those of both.

    Only for ledgers that DuckDB reads in this process.
    """
    identity = identity_of(definition, columns)
    names = [*identity.names, *identity.amounts, *(_SPAN if identity.by_day else ())]
    quoted = ", ".join(f'"{name}"' for name in names)
    query = (
        f"SELECT count(*), sum(hash({quoted})), bit_xor(hash({quoted}))"  # noqa: S608 (see above)
        f" FROM ({definition.drill_down_sql}) AS counted"
    )
    return ledger.execute(query, bound_to(window, part)).rows[0]


def selected(found: Iterable[Found], rows: Iterable[Row], *, keep: bool) -> Iterator[Found]:
    """Those of the rows found that are named (`keep`), or all others."""
    wanted = {(row.names, row.number) for row in rows}
    return (one for one in found if ((one.row.names, one.row.number) in wanted) is keep)
