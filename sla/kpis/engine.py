"""Runs the SQL of KPIs on a ledger; every quotient is divided here, exactly, never in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from governance.calendars import Unit
from governance.contract.kpi_signature import Direction, ParameterValue
from governance.errors import BadInput, Problem
from governance.values import EXACT, Period
from sla.evidence.ledger import Ledger
from sla.evidence.values import EvidenceDigest
from sla.kpis.bounded import RUN_SECONDS, within
from sla.kpis.definitions import KpiDefinition
from sla.kpis.parameters import Bound, bind_parameters, resolve_parameters
from sla.kpis.values import DrillDown, KpiResult, KpiStatus
from sla.relief.shadowing import shadowed, taken_out_condition
from sla.relief.values import NO_RELIEF, Relief

TIME_UNIT = "days or hours"
_BUCKET = "values."
_SUMMED = ("numerator", "denominator")
"""Columns of a drill-down that add up to the figure's."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a KPI's query yields; the module `sla.kpis.definitions` says what the columns mean."""

    numerator: Decimal | None = None
    denominator: Decimal | None = Decimal(1)
    ledger_rows: Decimal | None = Decimal(0)
    factor: Decimal | None = Decimal(1)
    numerator_divisor: Decimal | None = Decimal(1)
    denominator_divisor: Decimal | None = Decimal(1)
    whole: Decimal | None = Decimal(0)
    part: Decimal | None = None
    part_of: Decimal | None = None
    less_part: Decimal | None = None
    less_part_of: Decimal | None = None
    less_factor: Decimal | None = None


def run_kpi(
    definition: KpiDefinition,
    ledger: Ledger,
    period: Period,
    parameters: Mapping[str, ParameterValue],
    relief: Relief = NO_RELIEF,
) -> KpiResult:
    """Measure one KPI over one period, in the ledger's currency.

    `relief` leaves rows of the ledger out, and lets clocks stand still.

    The value is not rounded (it has up to 60 digits). There is no data where a required dataset
    was not handed in, where no row counts, and where the denominator is zero.
    Raises BadInput where a parameter is unknown or not allowed.
    """
    resolved = resolve_parameters(definition, parameters)
    row: Mapping[str, Decimal | None] = {}
    if ledger.handed_in.issuperset(definition.required):
        bound = bind_parameters(definition, resolved, period, ledger.handed_in)
        row = _figure_row(definition, ledger, bound, relief)
    figure = Figure(**{name: row[name] for name in row if not name.startswith(_BUCKET)})
    value = value_of(figure)
    return KpiResult(
        kpi=definition.name,
        parameters=resolved,
        period=period,
        unit=unit_of(definition, resolved, ledger.currency),
        direction=direction_of(definition, resolved),
        status=KpiStatus.NO_DATA if value is None else KpiStatus.MEASURED,
        value=value,
        numerator=_divided(figure.numerator, figure.numerator_divisor),
        denominator=_divided(row.get("denominator"), figure.denominator_divisor),
        rows=int(figure.ledger_rows or 0),
        evidence=_evidence(definition, ledger),
        definition_sha256=definition.sha256,
        values=None if value is None else _buckets(row),
    )


def drill_down(  # noqa: PLR0917 (offset and limit are commonly given by position)
    definition: KpiDefinition,
    ledger: Ledger,
    period: Period,
    parameters: Mapping[str, ParameterValue],
    offset: int = 0,
    limit: int = 50,
    relief: Relief = NO_RELIEF,
) -> DrillDown:
    """One page of the ledger rows behind a KPI's figure, in the order that its file states.

    Raises BadInput where a parameter is unknown or not allowed.
    """
    resolved = resolve_parameters(definition, parameters)
    bound = bind_parameters(definition, resolved, period, ledger.handed_in)
    query = shadowed(definition.drill_down_sql, relief, definition.datasets)
    with _bounds(definition, ledger):
        return rows_page(ledger, query, bound, offset, limit)


def rows_taken_out(  # noqa: PLR0917 (offset and limit are commonly given by position)
    definition: KpiDefinition,
    ledger: Ledger,
    period: Period,
    parameters: Mapping[str, ParameterValue],
    relief: Relief,
    offset: int = 0,
    limit: int = 50,
) -> DrillDown:
    """One page of the ledger rows that would be behind the figure, were they not taken out.

    They are those of the drill-down without relief, with the contributions that they had.
    Raises BadInput where a parameter is unknown or not allowed.
    """
    resolved = resolve_parameters(definition, parameters)
    bound = bind_parameters(definition, resolved, period, ledger.handed_in)
    query = definition.drill_down_sql
    with _bounds(definition, ledger):
        columns = ledger.execute(f"{query}\nLIMIT 0", bound).columns
        taken_out = taken_out_condition(relief, definition.datasets, columns)
        # The condition's names come from the dataset definitions, its keys pass as literals.
        query = f"SELECT * FROM ({query}) AS drill_down WHERE {taken_out}"  # noqa: S608 (see above)
        return rows_page(ledger, query, bound, offset, limit)


def rows_page(
    ledger: Ledger, query: str, bound: Mapping[str, object], offset: int, limit: int
) -> DrillDown:
    """One page of what a drill-down query of a catalogue's file lists."""
    page = ledger.execute(
        f"{query}\nLIMIT $page_limit OFFSET $page_offset",
        {**bound, "page_limit": limit, "page_offset": offset},
    )
    summed = [name for name in _SUMMED if name in page.columns]
    totals = ", ".join(["count(*) AS total", *(f"sum({name}) AS {name}" for name in summed)])
    count = f"SELECT {totals} FROM ({query}) AS drill_down"  # noqa: S608 (the catalogue's own SQL)
    (total, *sums) = ledger.execute(count, bound).rows[0]
    found = {name: Decimal(each or 0) for name, each in zip(summed, sums, strict=True)}
    return DrillDown(page.columns, page.rows, int(total), found)


def direction_of(definition: KpiDefinition, parameters: Mapping[str, ParameterValue]) -> Direction:
    """Which way the KPI is better; observed figures say so in a parameter."""
    return Direction(str(parameters.get("direction", definition.direction)))


def unit_of(definition: KpiDefinition, parameters: Mapping[str, str], currency: str) -> str:
    """The unit of the value: the ledger's currency for amounts, a parameter for observed ones.

    That of a clock is days or hours, as the unit of time says that it counts.
    """
    if definition.unit == TIME_UNIT:
        return "days" if time_unit(parameters).in_days else "hours"
    return currency if definition.unit == "currency" else parameters.get("unit", definition.unit)


def time_unit(parameters: Mapping[str, str]) -> Unit:
    """What the clock of a KPI counts, named by `time`, or by `clock` where it has no `time`."""
    return Unit(parameters["time"] if "time" in parameters else parameters["clock"])


def value_of(figure: Figure) -> Decimal | None:
    """The exact value of a figure, None where there is no data.

    whole + part × factor / part_of − less_part × less_factor / less_part_of, where part and
    part_of are numerator and denominator unless the figure names others.
    """
    if figure.numerator is None or not figure.denominator:
        return None
    part = figure.numerator if figure.part is None else figure.part
    part_of = figure.denominator if figure.part_of is None else figure.part_of
    with localcontext(EXACT):
        value = _or_zero(figure.whole) + _scaled(figure, part, part_of, figure.factor)
        if figure.less_part is not None and figure.less_part_of:
            value -= _scaled(figure, figure.less_part, figure.less_part_of, figure.less_factor)
    return value


def _scaled(figure: Figure, part: Decimal, part_of: Decimal, factor: Decimal | None) -> Decimal:
    above = part * _or_one(factor) * _or_one(figure.denominator_divisor)
    return above / (part_of * _or_one(figure.numerator_divisor))


def _or_zero(number: Decimal | None) -> Decimal:
    return Decimal(0) if number is None else number


def _or_one(number: Decimal | None) -> Decimal:
    return Decimal(1) if number is None else number


def _divided(number: Decimal | None, divisor: Decimal | None) -> Decimal | None:
    if number is None:
        return None
    with localcontext(EXACT):
        return number / _or_one(divisor)


def _buckets(row: Mapping[str, Decimal | None]) -> Mapping[str, Decimal] | None:
    buckets = {
        name.removeprefix(_BUCKET): _or_zero(amount)
        for name, amount in row.items()
        if name.startswith(_BUCKET)
    }
    return buckets or None


def _evidence(definition: KpiDefinition, ledger: Ledger) -> tuple[EvidenceDigest, ...]:
    # Amounts in other currencies were converted with the rates, so the figure rests on them too.
    used = (*definition.datasets, "fx_rates")
    return tuple(ledger.digests[name] for name in used if name in ledger.digests)


def _figure_row(
    definition: KpiDefinition, ledger: Ledger, bound: Mapping[str, Bound], relief: Relief
) -> Mapping[str, Decimal | None]:
    with _bounds(definition, ledger):
        answer = ledger.execute(shadowed(definition.sql, relief, definition.datasets), bound)
    if not answer.rows:
        return {}
    if len(answer.rows) > 1:
        what, found = "the figure must be one row", f"{len(answer.rows)} rows"
        raise BadInput.one(Problem(what, file=f"{definition.name}.sql", found=found))
    return {
        name: _exact(definition, name, cell)
        for name, cell in zip(answer.columns, answer.rows[0], strict=True)
    }


def _bounds(definition: KpiDefinition, ledger: Ledger) -> AbstractContextManager[None]:
    """What a customer adds may not hold up the process; the product's own KPIs are measured."""
    return within(ledger, RUN_SECONDS) if definition.own else nullcontext()


def _exact(definition: KpiDefinition, name: str, cell: Any) -> Decimal | None:
    if cell is None:
        return None
    if isinstance(cell, bool) or not isinstance(cell, int | Decimal):
        raise BadInput.one(
            Problem(
                f"the column {name} of the figure is not an exact number",
                file=f"{definition.name}.sql",
                found=type(cell).__name__,
                allowed="whole numbers and decimals; divisions are left to the engine",
            )
        )
    return Decimal(cell)
