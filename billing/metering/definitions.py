"""Meter definitions: an SQL file with a front matter (`sla.kpis.sql_files`), as a KPI's.

The queries may name `$period_start`, `$period_end` (included) and `$period_days`.

The figure has these columns, by the meter's `kind`:

- `count`: one row with `quantity` and `ledger_rows`;
- `amounts`: `amount`, `age_days` and `ledger_rows`, the ledger rows that the amount stands for;
- `by_role`: `role`, `quantity`, `divisor` (a whole number that the quantity is still to be divided
  by, since SQL would divide it inexactly) and `ledger_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sla.kpis.sql_files import check_queries, read_front_matter, split_file

_PARAMETERS = ("period_start", "period_end", "period_days")


class MeterKind(StrEnum):
    """What a meter yields."""

    COUNT = "count"
    AMOUNTS = "amounts"
    BY_ROLE = "by_role"


@dataclass(frozen=True, slots=True)
class MeterDefinition:
    """One quantity that is counted from evidence."""

    name: str
    title: str
    kind: MeterKind
    datasets: tuple[str, ...]
    """Datasets without which nothing can be counted."""
    needs_values: Mapping[str, str]
    """Column by dataset that must hold a value somewhere, or the count would be a false zero."""
    definition: str
    source: str
    drill_down: str
    """What the drill-down lists, in a sentence."""
    sql: str
    drill_down_sql: str
    text: str
    """The whole file; its digest is `sha256`."""
    sha256: str


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    kind: MeterKind
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    needs_values: dict[str, str] = Field(default_factory=dict)
    definition: str
    source: str
    drill_down: str


def parse_meter(name: str, text: str) -> MeterDefinition:
    """Read a meter's file.

    Raises BadInput naming the file where it is malformed, where a section is not a single query,
    or where that names an unknown parameter.
    """
    parts = split_file(f"{name}.sql", text)
    front = read_front_matter(parts, _FrontMatter)
    check_queries(parts, _PARAMETERS)
    return MeterDefinition(
        name=name,
        title=front.title,
        kind=front.kind,
        datasets=front.datasets,
        needs_values=front.needs_values,
        definition=front.definition.strip(),
        source=front.source.strip(),
        drill_down=front.drill_down.strip(),
        sql=parts.figure,
        drill_down_sql=parts.drill_down,
        text=parts.text,
        sha256=parts.sha256,
    )
