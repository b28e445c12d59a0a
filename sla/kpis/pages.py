"""The catalogue as Markdown: an index, and a page for each KPI, written from its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from governance.contract.kpi_signature import ParameterSignature
from sla.kpis.definitions import Function, KpiDefinition
from sla.kpis.examples import Example, Table

FUNCTION_TITLES: Mapping[Function, str] = {
    Function.COLLECTIONS: "Collections",
    Function.CASH_APPLICATION: "Cash application",
    Function.DISPUTES: "Disputes",
    Function.INVOICING: "Invoicing",
    Function.PEOPLE: "People",
    Function.SATISFACTION: "Satisfaction",
    Function.GENERAL: "Clocks and typed-in figures",
}
"""In the order of the work."""
_INDEX = """\
# KPI catalogue

What contracts can promise. Each KPI is one SQL file that anyone can read and run; a result names
the file's SHA-256, so the same files give the same figure anywhere. These pages are written from
the files by `make kpi-docs`. Own KPIs are added as files of the same form in a folder, which the
setting `PLUMBLINE_KPI_DIR` or the option `--kpi-dir` names; `plumbline kpi check FILE` says whether
one may be used.
"""


def by_function(definitions: Iterable[KpiDefinition]) -> dict[str, list[KpiDefinition]]:
    """KPIs by the title of what they are about, in the order of the work; no empty groups."""
    ordered = sorted(definitions, key=lambda each: each.title)
    groups = {
        title: [each for each in ordered if each.function is function]
        for function, title in FUNCTION_TITLES.items()
    }
    return {title: group for title, group in groups.items() if group}


def index_markdown(definitions: Iterable[KpiDefinition], folder: str) -> str:
    """The index, with links to the pages in `folder`."""
    parts = [_INDEX]
    for title, group in by_function(definitions).items():
        rows = [
            (f"[{each.title}]({folder}/{each.name}.md)", f"`{each.name}`", _unit(each))
            for each in group
        ]
        parts += [f"## {title}\n", table_markdown(("KPI", "name", "unit"), rows)]
    return "\n".join(parts)


def page_markdown(definition: KpiDefinition, example: Example | None) -> str:
    """One KPI: what it means, what it takes, an example worked by hand, and its SQL."""
    return "\n".join([*_meaning(definition), *example_markdown(example), *sql_markdown(definition)])


def _meaning(definition: KpiDefinition) -> Iterator[str]:
    better = "higher" if definition.direction.value == "higher_is_better" else "lower"
    yield f"# {definition.title}\n"
    yield f"`{definition.name}` · {_unit(definition)} · {better} is better\n"
    yield f"{definition.definition}\n"
    yield f"Source: {definition.source}.\n"
    yield "## Parameters\n"
    if definition.parameters:
        rows = [
            (f"`{name}`", definition.meanings[name], parameter.allowed, default_text(parameter))
            for name, parameter in definition.parameters.items()
        ]
        yield table_markdown(("name", "meaning", "allowed", "default"), rows)
    else:
        yield "None.\n"
    yield "## Evidence\n"
    yield f"Needs {listed_markdown(definition.required)}; without them there is no data.\n"
    if definition.optional:
        yield f"Counts as empty where not handed in: {listed_markdown(definition.optional)}.\n"
    yield f"Rows that open: {definition.drill_down}\n"


def example_markdown(example: Example | None) -> Iterator[str]:
    """The worked example of a KPI or a meter; nothing where there is none."""
    if example is None:
        return
    yield "## Example\n"
    for table in example.evidence:
        yield f"{table.dataset}:\n"
        yield evidence_table(table)
    settings = [f"`{name}: {value}`" for name, value in example.parameters.items()]
    chosen = f" with {', '.join(settings)}" if settings else ""
    yield f"{example.period}{chosen}: **{example.value}**\n"
    if example.values:
        yield table_markdown(tuple(example.values), [tuple(example.values.values())])
    yield f"{example.says}\n"


class SqlText(Protocol):
    """What has a file of its own: a KPI or a meter."""

    @property
    def text(self) -> str:
        """The whole file."""
        ...

    @property
    def sha256(self) -> str:
        """Its digest."""
        ...


def sql_markdown(definition: SqlText) -> Iterator[str]:
    """The SQL of a file, with its digest."""
    yield "## SQL\n"
    yield f"SHA-256 `{definition.sha256}`\n"
    yield f"```sql\n{definition.text.partition('--- */')[2].strip()}\n```\n"


def default_text(parameter: ParameterSignature) -> str:
    """The default as a contract writes it."""
    if parameter.default is None:
        return "must be given"
    text = str(parameter.default)
    return text.lower() if isinstance(parameter.default, bool) else text or "empty"


def _unit(definition: KpiDefinition) -> str:
    names = {"currency": "the ledger's currency", "": "as observed"}
    return names.get(definition.unit, definition.unit)


def listed_markdown(names: Sequence[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def evidence_table(table: Table) -> str:
    """A dataset as a Markdown table."""
    return table_markdown(table.columns, table.rows)


def table_markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
