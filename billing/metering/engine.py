"""Counts metered quantities from a ledger; quotients are divided here, never in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from billing.charges.values import Meter
from billing.metering.definitions import MeterDefinition, MeterKind
from billing.metering.names import meter_named
from billing.metering.quantities import quantity_of_figure, quantity_of_rows
from billing.metering.rows import Found, Row, bound_to, rows_found, selected
from billing.metering.values import LateRows
from billing.settlement.values import MeterReading
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.values import EvidenceDigest
from sla.kpis.engine import rows_page
from sla.kpis.values import DrillDown

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger


def read_meter(
    name: str, ledger: Ledger, period: Period, without: Sequence[Row] = ()
) -> tuple[Meter, MeterReading]:
    """Count one meter over the days of a period, amounts in the ledger's currency.

    `without` are rows that another period's invoice bills; the reading says how many there were.
    Quantities by role that don't terminate are rounded half up to twelve decimals.
    Raises BadInput for an unknown meter, naming those there are, and for a dataset or column that
    the meter counts and that was not handed in: that is never a zero.
    """
    definition, part = _countable(name, ledger)
    figure = _figure(definition, ledger, period, part)
    if not without:
        rows = sum(int(row["ledger_rows"]) for row in figure)
        reading = _reading(name, definition, ledger, period, rows)
        return quantity_of_figure(definition, figure), reading
    found = list(rows_found(definition, ledger, period, part))
    kept = list(selected(found, without, keep=False))
    reading = _reading(name, definition, ledger, period, _ledger_rows(definition, kept))
    reading = reading.leaving_out(len(found) - len(kept))
    return quantity_of_rows(definition, kept, figure), reading


def read_late(name: str, ledger: Ledger, late: LateRows) -> tuple[Meter, MeterReading]:
    """Count the late rows of an earlier period, as its own invoice would have counted them.

    Raises BadInput as `read_meter` does.
    """
    definition, part = _countable(name, ledger)
    figure = _figure(definition, ledger, late.window, part)
    found = rows_found(definition, ledger, late.window, part)
    kept = list(selected(found, late.rows, keep=True))
    reading = _reading(name, definition, ledger, late.window, _ledger_rows(definition, kept))
    return quantity_of_rows(definition, kept, figure), reading.late_from(late.label, late.sha256)


def drill_down_meter(  # noqa: PLR0917 (a page of what `read_meter` counts, asked for alike)
    name: str,
    ledger: Ledger,
    period: Period,
    offset: int = 0,
    limit: int = 50,
    without: Sequence[Row] = (),
) -> DrillDown:
    """One page of the ledger rows behind a metered quantity, in the order that its file states.

    Raises BadInput as `read_meter` does.
    """
    definition, part = _countable(name, ledger)
    if not without:
        return rows_page(ledger, definition.drill_down_sql, bound_to(period, part), offset, limit)
    found = rows_found(definition, ledger, period, part)
    return _page(selected(found, without, keep=False), offset, limit)


def drill_down_late(
    name: str, ledger: Ledger, late: LateRows, offset: int = 0, limit: int = 50
) -> DrillDown:
    """One page of exactly the late rows that were billed; raises BadInput as `read_meter` does."""
    definition, part = _countable(name, ledger)
    found = rows_found(definition, ledger, late.window, part)
    return _page(selected(found, late.rows, keep=True), offset, limit)


def _page(found: Iterable[Found], offset: int, limit: int) -> DrillDown:
    listed = list(found)
    columns = tuple(listed[0].cells) if listed else ()
    rows = [tuple(one.cells.values()) for one in listed[offset : offset + limit]]
    return DrillDown(columns, tuple(rows), len(listed))


def _ledger_rows(definition: MeterDefinition, found: Sequence[Found]) -> int:
    """Ledger rows behind what was counted: an assignment is one row, whatever its days."""
    if definition.kind is MeterKind.BY_ROLE:
        return len({(*one.row.names[:2], str(one.cells["from"])) for one in found})
    return len(found)


def _reading(
    name: str, definition: MeterDefinition, ledger: Ledger, window: Period, rows: int
) -> MeterReading:
    return MeterReading(
        meter=name,
        rows=rows,
        evidence=_evidence(definition, ledger),
        definition_sha256=definition.sha256,
        window=window,
    )


def _countable(name: str, ledger: Ledger) -> tuple[MeterDefinition, str]:
    definition, part = meter_named(name)
    _require_evidence(definition, ledger)
    if part:
        _require_values(definition, ledger, definition.datasets[0], definition.by)
    return definition, part


def _require_evidence(definition: MeterDefinition, ledger: Ledger) -> None:
    missing = [name for name in definition.datasets if name not in ledger.handed_in]
    if missing:
        raise BadInput(
            Problem(
                f"the meter {definition.name} needs the dataset {name}, which was not handed in",
                column=name,
                allowed=f"evidence with {name}: without it the quantity is unknown, not zero",
            )
            for name in missing
        )
    for dataset, column in definition.needs_values.items():
        _require_values(definition, ledger, dataset, column)


def _require_values(definition: MeterDefinition, ledger: Ledger, dataset: str, column: str) -> None:
    # The names come from the catalogue's own files, never from a user.
    query = f'SELECT count(*), count("{column}") FROM "{dataset}"'  # noqa: S608 (see above)
    ((rows, values),) = ledger.execute(query, {}).rows
    if rows and not values:
        raise BadInput.one(
            Problem(
                f"the meter {definition.name} needs {dataset}.{column}, which no row states",
                column=f"{dataset}.{column}",
                allowed=f"evidence with {column}: without it the quantity is unknown, not zero",
            )
        )


def _figure(
    definition: MeterDefinition, ledger: Ledger, window: Period, part: str
) -> list[Mapping[str, Any]]:
    return list(_rows(definition.sql, ledger, bound_to(window, part)))


def _rows(query: str, ledger: Ledger, bound: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    answer = ledger.execute(query, bound)
    for row in answer.rows:
        yield dict(zip(answer.columns, row, strict=True))


def _evidence(definition: MeterDefinition, ledger: Ledger) -> tuple[EvidenceDigest, ...]:
    # Amounts in other currencies were converted with the rates, so they are evidence too.
    names = [*definition.datasets, *definition.optional]
    if definition.kind is MeterKind.AMOUNTS:
        names.append("fx_rates")
    return tuple(ledger.digests[name] for name in names if name in ledger.digests)
