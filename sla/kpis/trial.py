"""Try a KPI out on made-up rows, before it meets a ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import duckdb

from governance.contract.kpi_signature import ParameterSignature
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.datasets import DATASETS, Column, Dataset, Kind
from sla.evidence.instants import utc_name
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.sql import identifier, literal
from sla.kpis.bounded import TRIAL_SECONDS, within
from sla.kpis.definitions import KpiDefinition
from sla.kpis.parameters import Bound, bind_parameters, resolve_parameters

_PERIOD = Period.parse("2026-01")
_WITH = re.compile(r"\AWITH\s")
_COLUMNS = re.compile(
    r"numerator|denominator|ledger_rows|factor|numerator_divisor|denominator_divisor|whole|part"
    r"|part_of|less_part|less_part_of|less_factor|values\..+"
)
_TEXTS = {
    Kind.TEXT: "text",
    Kind.CURRENCY: "EUR",
    Kind.AMOUNT: "100",
    Kind.NUMBER: "4",
    Kind.RATE: "1.1",
    Kind.INDEX: "112.2",
    Kind.DATE: "2026-01-15",
    Kind.TIMESTAMP: "2026-01-15 10:00:00",
    Kind.BOOLEAN: "true",
    Kind.PERIOD: "2026-01",
}
"""What a made-up row holds."""


def try_out(definition: KpiDefinition) -> list[Problem]:
    """What goes wrong when both queries run, on no rows and on two of each dataset.

    The definition's SQL must have been found harmless.
    """
    given = {name: _some(each) for name, each in definition.parameters.items()}
    resolved = resolve_parameters(definition, given)
    bound = bind_parameters(definition, resolved, _PERIOD, definition.datasets)
    with open_ledger([]) as ledger:
        try:
            with within(ledger, TRIAL_SECONDS):
                return list(_tried(definition, ledger, bound))
        except duckdb.Error as error:
            return [Problem(f"the SQL doesn't run: {str(error).partition(chr(10))[0]}")]
        except BadInput as error:
            return list(error.problems)


def _tried(
    definition: KpiDefinition, ledger: Ledger, bound: Mapping[str, Bound]
) -> Iterator[Problem]:
    columns = ledger.execute(definition.sql, bound).columns
    listed = ledger.execute(definition.drill_down_sql, bound).columns
    yield from _missing("figure", columns, ("numerator", "ledger_rows"))
    yield from _missing("drill-down", listed, ("numerator",))
    for name in columns:
        if _COLUMNS.fullmatch(name) is None:
            allowed = "numerator, denominator, ledger_rows, factor and what the guide names"
            yield Problem(f"the figure has an unknown column '{name}'", allowed=allowed)
    rows = len(ledger.execute(_on_made_up_rows(definition.sql, definition), bound).rows)
    ledger.execute(_on_made_up_rows(definition.drill_down_sql, definition), bound)
    if rows > 1:
        what = "the figure must be one row"
        yield Problem(what, found=f"{rows} rows", allowed="sums over all rows, without GROUP BY")


def _missing(section: str, columns: tuple[str, ...], needed: tuple[str, ...]) -> Iterator[Problem]:
    for name in needed:
        if name not in columns:
            what = f"the {section} has no column '{name}'"
            yield Problem(what, found=", ".join(columns), allowed=f"an expression AS {name}")


def _on_made_up_rows(query: str, definition: KpiDefinition) -> str:
    tables = [f"{name} AS ({_rows(DATASETS[name])})" for name in definition.datasets]
    return _WITH.sub(lambda _: "WITH\n" + ",\n".join(tables) + ",\n", query, 1)


def _rows(dataset: Dataset) -> str:
    return " UNION ALL ".join("SELECT " + ", ".join(_cells(dataset, number)) for number in (1, 2))


def _cells(dataset: Dataset, number: int) -> Iterator[str]:
    for column in dataset.columns:
        value = f"CAST({literal(_cell(column, number))} AS {column.sql_type})"
        yield f"{value} AS {identifier(column.name)}"
        if column.kind is Kind.TIMESTAMP:
            yield f"{value} AS {identifier(utc_name(column.name))}"


def _cell(column: Column, number: int) -> str:
    if column.choices:
        return column.choices[min(number, len(column.choices)) - 1]
    return _TEXTS.get(column.kind, str(number))


def _some(parameter: ParameterSignature) -> str:
    """The default, or else a value that is allowed."""
    if parameter.default is not None:
        return (
            str(parameter.default).lower()
            if parameter.type == "boolean"
            else str(parameter.default)
        )
    if parameter.choices:
        return parameter.choices[0]
    number = "1" if parameter.minimum is None else str(max(parameter.minimum, 1))
    return {"boolean": "true", "text": "text", "choice_or_days": "days:30"}.get(
        parameter.type, number
    )
