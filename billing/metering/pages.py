"""The meters as Markdown: an index, and a page for each, written from its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from billing.metering.definitions import MeterDefinition, MeterKind
from sla.kpis.examples import Example, read_examples
from sla.kpis.pages import example_markdown, listed_markdown, sql_markdown, table_markdown

YIELDS: Mapping[MeterKind, str] = {
    MeterKind.COUNT: "a count",
    MeterKind.AMOUNTS: "amounts with the age of their debt",
    MeterKind.BY_ROLE: "a quantity for each role",
}
_ABOUT: Mapping[str, tuple[str, ...]] = {
    "Invoicing": ("invoices", "adjustments"),
    "Cash": ("receipts", "allocations"),
    "Collections": ("activities", "placements"),
    "Disputes": ("disputes",),
    "People": ("resources",),
}
"""Titles of groups, in the order of the work, by the dataset whose rows are counted."""
_INDEX = """\
# Meters

What charges can count from evidence. Each meter is one SQL file that anyone can read and run; an
invoice line names the file's SHA-256, the ledgers and the number of rows. These pages are written
from the files by `make kpi-docs`.

A charge names a meter (`meter: invoices_issued`), and some meters also a part of what they count
(`meter: invoices_issued/email`), in small letters with `_` for each space.

## Every row is billed once

A row counts in the period that it is dated in. Which rows a period bills is decided when it is
settled, and kept with its figures:

- **Late rows** are dated in an earlier, sealed period, and that period's sealed evidence did not
  have them. The next period that is not sealed bills them, at its own prices, on a line for each
  earlier period. That line opens to exactly those rows, and names their digest.
  Where no charge priced the meter in that earlier period, or none does now, there is no price for
  them: they wait for a restatement.
- **Restating** the earlier period does not bill again what a later invoice billed as late. The
  other way round, rows that a sealed restatement holds are late no more.
- **A row that a correction moved** from a sealed period into another one stays billed where it
  was. Once a restatement has given it back, it is billed as late where it is dated now.
- A draft that another seal has overtaken cannot be sealed: the period is settled again first.
- Two charges of one period may price the same meter; its rows are counted once.

Rows are known again by the key of their dataset. Allocations and placements have none: they are
known by all their columns and counted where they are equal, and one with another day or amount
takes the place of one that is gone of the same receipt and invoice. What is counted anew in each
period, such as customers served, is late in each period on its own; work comes late by the day.
"""


@cache
def load_meter_examples() -> Mapping[str, Example]:
    """The worked examples, by the meter's name."""
    return read_examples("billing.metering.catalogue")


def by_group(definitions: Iterable[MeterDefinition]) -> dict[str, list[MeterDefinition]]:
    """Meters by the title of what they are about; no empty groups."""
    ordered = sorted(definitions, key=lambda one: one.title)
    groups = {
        title: [one for one in ordered if one.datasets[0] in datasets]
        for title, datasets in _ABOUT.items()
    }
    return {title: group for title, group in groups.items() if group}


def index_markdown(definitions: Iterable[MeterDefinition], folder: str) -> str:
    """The index, with links to the pages in `folder`."""
    parts = [_INDEX]
    for title, group in by_group(definitions).items():
        rows = [
            (f"[{one.title}]({folder}/{one.name}.md)", f"`{one.name}`", YIELDS[one.kind])
            for one in group
        ]
        parts += [f"## {title}\n", table_markdown(("meter", "name", "yields"), rows)]
    return "\n".join(parts)


def page_markdown(definition: MeterDefinition, example: Example | None) -> str:
    """One meter: what it counts, an example worked by hand, and its SQL."""
    return "\n".join([*_meaning(definition), *example_markdown(example), *sql_markdown(definition)])


def _meaning(definition: MeterDefinition) -> Iterator[str]:
    yield f"# {definition.title}\n"
    parts = f" · by `{definition.by}`: `{definition.name}/…`" if definition.by else ""
    yield f"`{definition.name}` · {YIELDS[definition.kind]}{parts}\n"
    yield f"{definition.definition}\n"
    yield f"Source: {definition.source}.\n"
    yield "## Evidence\n"
    yield f"Needs {listed_markdown(definition.datasets)}; without them nothing can be counted.\n"
    if definition.optional:
        yield f"Counts as empty where not handed in: {listed_markdown(definition.optional)}.\n"
    yield f"Rows that open: {definition.drill_down}\n"
