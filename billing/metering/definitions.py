"""Meter definitions: an SQL file with a front matter (`sla.kpis.sql_files`), as a KPI's.

The queries may name `$period_start`, `$period_end` (included) and `$period_days`, and `$part`
where the meter can be asked for a part of what it counts.

The figure has these columns, by the meter's `kind`:

- `count`: one row with `quantity` and `ledger_rows`;
- `amounts`: `amount`, `age_days` and `ledger_rows`, the ledger rows that the amount stands for;
- `by_role`: `role`, `quantity`, `divisor` (a whole number that the quantity is still to be divided
  by, since SQL would divide it inexactly) and `ledger_rows`.

The drill-down lists one row for each thing that is counted, with the columns by which it is known
again later: the key of the first dataset, or what the dataset shows of all its columns where it
has no key, or those of `once_a_period`. For `amounts` it has `amount` and `age_days` too, and for
`by_role` `person_id`, `role`, `from`, `to` and `fte`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sla.kpis.sql_files import check_queries, read_front_matter, split_file

PART = "part"
"""The parameter for the part of a meter that a name asks for (invoices_issued/email)."""
_PARAMETERS = ("period_start", "period_end", "period_days", PART)


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
    """Datasets without which nothing can be counted; the rows of the first are counted."""
    optional: tuple[str, ...]
    """Datasets that change the figure where they were handed in."""
    needs_values: Mapping[str, str]
    """Column by dataset that must hold a value somewhere, or the count would be a false zero."""
    by: str
    """Column whose values name parts of the meter, as in invoices_issued/email; empty for none."""
    day: str
    """Column of the drill-down with the day on which a row counts, where rows are put in order or
    known again by it; else empty."""
    once_a_period: tuple[str, ...]
    """Columns of the drill-down that name what counts once a period; empty where each ledger row
    counts once for all periods."""
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
    optional: tuple[str, ...] = ()
    needs_values: dict[str, str] = Field(default_factory=dict)
    by: str = ""
    day: str = ""
    once_a_period: tuple[str, ...] = ()
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
        optional=front.optional,
        needs_values=front.needs_values,
        by=front.by,
        day=front.day,
        once_a_period=front.once_a_period,
        definition=front.definition.strip(),
        source=front.source.strip(),
        drill_down=front.drill_down.strip(),
        sql=parts.figure,
        drill_down_sql=parts.drill_down,
        text=parts.text,
        sha256=parts.sha256,
    )
