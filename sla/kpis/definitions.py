"""KPI definitions: an SQL file with a front matter (`sla.kpis.sql_files`), read and checked once.

A line `-- words: NAME` stands for the expressions in the catalogue's file words/NAME.sql, so
that all KPIs mean the same by an open item.

The figure is one row (none is no data) with these columns:

- `numerator` (null is no data), `denominator` (zero or null is no data; absent where the figure
  is a sum), `ledger_rows`;
- optional `factor`: value = numerator × factor / denominator;
- optional `numerator_divisor`, `denominator_divisor`: whole numbers that the two are still to be
  divided by, since SQL would divide them inexactly;
- optional `whole`, `part`, `part_of`, `less_part`, `less_part_of`, `less_factor`: value = whole
  + part × factor / part_of − less_part × less_factor / less_part_of, for figures that are more
  than one quotient;
- optional `values.NAME`: amounts by bucket.

In the drill-down, `numerator` and `denominator` are what a row contributes; over all rows they
add up to the figure's, before the divisors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.contract.kpi_signature import Direction, KpiSignature, ParameterSignature
from sla.kpis.sql_files import check_queries, malformed, read_front_matter, split_file

WORDS = re.compile(r"^-- words: (?P<name>\w+)$", re.MULTILINE)

STANDARD_PARAMETERS: Mapping[str, str] = {
    "period_start": "first day of the period",
    "period_end": "last day of the period, included",
    "period_days": "calendar days of the period",
    "period_months": "calendar months that the period touches",
    "period_label": "the period as written, such as 2013-06",
    "months_start": "first day of the KPI's months, which end with the period",
    "months_days": "calendar days of those months",
    "window_start": (
        "first day of the period; of the KPI's months if these begin earlier and its front matter "
        "says `window: months`"
    ),
    "window_months": "calendar months from there to the end of the period",
    "current_days": "days after issue that an item stays current; null: until it is due",
    "period_before_utc": "last microsecond before the period, in UTC",
    "period_last_utc": "last microsecond of the period, in UTC",
    "handed_in": "names of the datasets that were handed in, as ,invoices,receipts,",
}
"""What every KPI's SQL may name besides the KPI's own parameters, and what it means."""


class Function(StrEnum):
    """What of the work a KPI is about; catalogues are grouped by it."""

    COLLECTIONS = "collections"
    CASH_APPLICATION = "cash_application"
    DISPUTES = "disputes"
    INVOICING = "invoicing"
    PEOPLE = "people"
    SATISFACTION = "satisfaction"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class KpiDefinition:
    """One KPI of the catalogue."""

    name: str
    title: str
    unit: str
    """"currency" stands for the currency of the ledger, "days or hours" for what the KPI's clock
    is stated in."""
    direction: Direction
    parameters: Mapping[str, ParameterSignature]
    meanings: Mapping[str, str]
    """What each parameter means, in a sentence."""
    required: tuple[str, ...]
    """Datasets without which there is no data."""
    optional: tuple[str, ...]
    """Datasets that count as empty where they were not handed in."""
    looks_back: bool
    """Whether the figure begins with the opening of its months, not of the period."""
    definition: str
    source: str
    drill_down: str
    """What the drill-down lists, in a sentence."""
    sql: str
    """The query that yields the figure, complete."""
    drill_down_sql: str
    """The query that lists the rows behind it, complete."""
    text: str
    """The whole file with the words filled in; its digest is `sha256`."""
    sha256: str
    function: Function = Function.GENERAL
    own: bool = False
    """Whether the customer added it; all others come with the product."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """All datasets that the SQL reads."""
        return self.required + self.optional

    @property
    def signature(self) -> KpiSignature:
        """What a contract is checked against."""
        return KpiSignature(self.name, self.title, self.unit, self.direction, self.parameters)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Datasets(_Strict):
    required: Annotated[tuple[str, ...], Field(min_length=1)]
    optional: tuple[str, ...] = ()


class _Parameter(_Strict):
    type: Annotated[str, Field(pattern="^(integer|decimal|boolean|text|choice|choice_or_days)$")]
    meaning: str
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    def signature(self, name: str) -> ParameterSignature:
        return ParameterSignature(
            name, self.type, self.default, self.choices, self.minimum, self.maximum
        )


class _FrontMatter(_Strict):
    title: str
    unit: str
    direction: Direction
    function: Function = Function.GENERAL
    datasets: _Datasets
    window: Literal["period", "months"] = "period"
    parameters: dict[str, _Parameter] = Field(default_factory=dict)
    definition: str
    source: str
    drill_down: str


def parse_definition(name: str, text: str, words: Mapping[str, str]) -> KpiDefinition:
    """Read a KPI file; `words` are the shared expressions by name.

    Raises BadInput naming the file where it is malformed, where its SQL is not a single query,
    or where that names a parameter which nothing declares.
    """
    file = f"{name}.sql"
    parts = split_file(file, _with_words(file, text, words))
    front = read_front_matter(parts, _FrontMatter)
    check_queries(parts, [*STANDARD_PARAMETERS, *front.parameters])
    return KpiDefinition(
        name=name,
        title=front.title,
        unit=front.unit,
        direction=front.direction,
        parameters={key: value.signature(key) for key, value in front.parameters.items()},
        meanings={key: value.meaning.strip() for key, value in front.parameters.items()},
        required=front.datasets.required,
        optional=front.datasets.optional,
        looks_back=front.window == "months",
        definition=front.definition.strip(),
        source=front.source.strip(),
        drill_down=front.drill_down.strip(),
        sql=parts.figure,
        drill_down_sql=parts.drill_down,
        text=parts.text,
        sha256=parts.sha256,
        function=front.function,
    )


def _with_words(file: str, text: str, words: Mapping[str, str]) -> str:
    for match in WORDS.finditer(text):
        if match["name"] not in words:
            raise malformed(file, f"unknown words '{match['name']}'", ", ".join(sorted(words)))
    return WORDS.sub(lambda match: words[match["name"]].rstrip("\n"), text)
