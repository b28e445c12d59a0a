"""Meter definitions: an SQL file with a front matter, in the same layout as a KPI's.

A file holds the front matter as YAML between `/* ---` and `--- */`; common table expressions
after `WITH`; after the line `-- figure` the query that yields the quantity; after the line
`-- drill-down` the query that lists the ledger rows behind it, in a stable order. Both may name
`$period_start`, `$period_end` (included) and `$period_days`.

The figure has these columns, by the meter's `kind`:

- `count`: one row with `quantity` and `ledger_rows`;
- `amounts`: `amount`, `age_days` and `ledger_rows`, the ledger rows that the amount stands for;
- `by_role`: `role`, `quantity`, `divisor` (a whole number that the quantity is still to be divided
  by, since SQL would divide it inexactly) and `ledger_rows`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from governance.errors import BadInput, Problem

_FILE = re.compile(
    r"/\* ---\n(?P<front_matter>.*?)\n--- \*/\n"
    r"(?P<words>WITH\n.*?)\n-- figure\n(?P<figure>.*?)\n-- drill-down\n(?P<drill_down>.*?)\s*",
    re.DOTALL,
)
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
    file = f"{name}.sql"
    parts = _FILE.fullmatch(text)
    if parts is None:
        allowed = "a front matter, WITH, -- figure and -- drill-down, in this order"
        raise _malformed(file, "not a meter's file", allowed)
    front = _front_matter(file, parts["front_matter"])
    sql, drill_down_sql = (
        f"{parts['words']}\n{parts[section]}" for section in ("figure", "drill_down")
    )
    for query in (sql, drill_down_sql):
        _check_query(file, query)
    return MeterDefinition(
        name=name,
        title=front.title,
        kind=front.kind,
        datasets=front.datasets,
        needs_values=front.needs_values,
        definition=front.definition.strip(),
        source=front.source.strip(),
        drill_down=front.drill_down.strip(),
        sql=sql,
        drill_down_sql=drill_down_sql,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _malformed(file: str, what: str, allowed: str = "") -> BadInput:
    return BadInput.one(Problem(what, file=file, allowed=allowed))


def _front_matter(file: str, text: str) -> _FrontMatter:
    try:
        return _FrontMatter.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise _malformed(file, f"the front matter is not YAML: {error}") from None
    except ValidationError as error:
        raise BadInput(
            Problem(
                f"front matter: {detail['msg']}",
                file=file,
                column=".".join(str(step) for step in detail["loc"]),
            )
            for detail in error.errors()
        ) from None


def _check_query(file: str, query: str) -> None:
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise _malformed(file, f"the SQL can't be read: {error}") from None
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise _malformed(file, "the SQL must be one query", "a single SELECT in each section")
    for parameter in statements[0].named_parameters:
        if parameter not in _PARAMETERS:
            raise _malformed(file, f"unknown parameter ${parameter}", ", ".join(_PARAMETERS))
