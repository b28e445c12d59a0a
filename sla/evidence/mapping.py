"""How the columns of a dataset are found in a source file that has them by name."""

from __future__ import annotations

from dataclasses import dataclass

from governance.contract.messages import did_you_mean, nearest
from governance.errors import Problem
from sla.evidence.datasets import Column, Dataset, Kind
from sla.evidence.sources import Source
from sla.evidence.sql import absent, instant, typed
from sla.evidence.values import Finding


@dataclass(frozen=True, slots=True)
class Mapped:
    """How one column of a dataset is read from a relation; the first three are SQL."""

    column: Column
    raw: str
    """What the submitter wrote, as text; NULL where nothing is written."""
    given: str
    """Whether anything is written."""
    value: str
    """The typed value; NULL where nothing is written or it can't be read."""
    source_column: str
    """Heading in the source file, shown to the submitter."""
    expected: str = ""
    """What is accepted, where an import profile states it."""
    instant: str = ""
    """SQL of the instant of a timestamp written with an offset, NULL for one without; empty where
    none can be."""


def unmapped(column: Column) -> Mapped:
    """A column that the source doesn't have."""
    return Mapped(column, "CAST(NULL AS VARCHAR)", "false", absent(column), column.name)


def text_of(source: Source, name: str) -> str:
    """SQL of a source column as trimmed text, NULL where it is empty."""
    column = source.columns[name]
    return column if source.text else f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def map_by_name(dataset: Dataset, source: Source, zone: str) -> tuple[Mapped, ...]:
    """The dataset's columns found under their own names."""
    return tuple(_mapped(column, source, zone) for column in dataset.columns)


def _mapped(column: Column, source: Source, zone: str) -> Mapped:
    if column.name not in source.columns:
        return unmapped(column)
    text = text_of(source, column.name)
    value = _already_typed(column, source) or typed(column, text, zone)
    zoned = instant(text) if column.kind is Kind.TIMESTAMP else ""
    return Mapped(column, text, f"{text} IS NOT NULL", value, column.name, instant=zoned)


def _already_typed(column: Column, source: Source) -> str:
    """SQL of a value whose stored type already is the dataset's; empty where it isn't.

    Spares the way through text, which every other type takes.
    """
    name = source.columns[column.name]
    if source.text or source.types[column.name] != column.sql_type:
        return ""
    match column.kind:
        case Kind.DATE | Kind.TIMESTAMP:
            stated = f"isfinite({name}) AND year({name}) BETWEEN 1000 AND 9999"
            return f"CASE WHEN {stated} THEN {name} END"
        case Kind.AMOUNT:
            return f"CASE WHEN {name} >= 0 THEN {name} END"
        case Kind.BOOLEAN | Kind.NUMBER:
            return name
        case _:
            return ""


def missing_columns(dataset: Dataset, source: Source) -> list[Problem]:
    """One problem for each required column that the file doesn't have."""
    found = ", ".join(source.columns)
    extra = [name for name in source.columns if name not in dataset.column_names]
    problems = []
    for name in dataset.required:
        if name not in source.columns:
            near = nearest(name, extra)
            allowed = f"rename '{near}' to '{name}'" if near else f"a column named '{name}'"
            what = f"the column '{name}' is missing"
            problems.append(Problem(what, source.file, column=name, found=found, allowed=allowed))
    return problems


def unknown_columns(dataset: Dataset, source: Source) -> list[Finding]:
    """A finding where the file has columns that the dataset doesn't know; they aren't read."""
    known = [name for name in dataset.column_names if name not in source.columns]
    extra = [
        f"'{name}'{did_you_mean(name, known)}"
        for name in source.columns
        if name not in dataset.column_names
    ]
    if not extra:
        return []
    message = f"{source.file}: columns that {dataset.name} doesn't have are left out: "
    return [Finding("unknown_columns", message + ", ".join(extra), dataset.name)]
