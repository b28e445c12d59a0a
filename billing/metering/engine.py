"""Counts metered quantities from a ledger; quotients are divided here, never in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from billing.charges.values import Meter, MeteredAmount
from billing.metering.catalogue import load_meters
from billing.metering.definitions import MeterDefinition, MeterKind
from billing.settlement.values import MeterReading
from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from governance.values import EXACT, Period, round_half_up
from sla.evidence.values import EvidenceDigest
from sla.kpis.engine import rows_page
from sla.kpis.values import DrillDown

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

_QUANTITY_DECIMALS = 12
"""Quantities by role that don't terminate are cut here: far below a cent at any price."""


def read_meter(name: str, ledger: Ledger, period: Period) -> tuple[Meter, MeterReading]:
    """Count one meter over the days of a period, amounts in the ledger's currency.

    Quantities by role that don't terminate are rounded half up to twelve decimals.
    Raises BadInput for an unknown meter, naming those there are, and for a dataset or column that
    the meter counts and that was not handed in: that is never a zero.
    """
    definition = _definition(name)
    _require_evidence(definition, ledger)
    rows = list(_rows(definition.sql, ledger, _bound(period)))
    reading = MeterReading(
        meter=name,
        rows=sum(int(row["ledger_rows"]) for row in rows),
        evidence=_evidence(definition, ledger),
        definition_sha256=definition.sha256,
        window=period,
    )
    return _quantity(definition, rows), reading


def drill_down_meter(
    name: str, ledger: Ledger, period: Period, offset: int = 0, limit: int = 50
) -> DrillDown:
    """One page of the ledger rows behind a metered quantity, in the order that its file states.

    Raises BadInput as `read_meter` does.
    """
    definition = _definition(name)
    _require_evidence(definition, ledger)
    query, bound = definition.drill_down_sql, _bound(period)
    return rows_page(ledger, query, bound, offset, limit)


def _definition(name: str) -> MeterDefinition:
    meters = load_meters()
    if name in meters:
        return meters[name]
    raise BadInput.one(
        Problem(
            f"'{name}' is no meter that is counted from evidence{did_you_mean(name, meters)}",
            found=name,
            allowed=f"one of {', '.join(meters)}; or `plumbline price` with a usage document",
        )
    )


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


def _bound(period: Period) -> dict[str, date | int]:
    return {
        "period_start": period.start,
        "period_end": period.end,
        "period_days": period.days,
    }


def _rows(query: str, ledger: Ledger, bound: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    answer = ledger.execute(query, bound)
    for row in answer.rows:
        yield dict(zip(answer.columns, row, strict=True))


def _evidence(definition: MeterDefinition, ledger: Ledger) -> tuple[EvidenceDigest, ...]:
    # Amounts in other currencies were converted with the rates, so they are evidence too.
    names = [*definition.datasets]
    if definition.kind is MeterKind.AMOUNTS:
        names.append("fx_rates")
    return tuple(ledger.digests[name] for name in names if name in ledger.digests)


def _quantity(definition: MeterDefinition, rows: Sequence[Mapping[str, Any]]) -> Meter:
    match definition.kind:
        case MeterKind.COUNT:
            return Decimal(rows[0]["quantity"])
        case MeterKind.AMOUNTS:
            return tuple(
                MeteredAmount(row["amount"], row["age_days"], int(row["ledger_rows"]))
                for row in rows
            )
        case MeterKind.BY_ROLE:
            return {row["role"]: _divided(row["quantity"], row["divisor"]) for row in rows}


def _divided(quantity: Decimal, divisor: int) -> Decimal:
    with localcontext(EXACT):
        return round_half_up(quantity / divisor, _QUANTITY_DECIMALS)
