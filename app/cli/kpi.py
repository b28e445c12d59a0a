"""`plumbline kpi` and `plumbline measure`: the catalogue, one KPI, a contract's service levels."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems, write_pages
from app.cli.contract import load_contract
from app.cli.ledgers import engine_named, engine_option, ledger_of
from app.cli.own_kpis import catalogue, kpi_dir_option
from app.cli.relief import relief_option
from governance.calendars import Calendars, Unit, calendars_of
from governance.contract.kpi_signature import ParameterValue
from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding
from sla.kpis.catalogue import load_catalogue, shipped_words
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import drill_down, run_kpi
from sla.kpis.examples import load_examples
from sla.kpis.own import check_file
from sla.kpis.pages import index_markdown, page_markdown
from sla.kpis.parameters import resolve_parameters
from sla.kpis.serialise import (
    cell_text,
    definition_json,
    drill_down_json,
    kpi_result_json,
    term_text,
    unrounded_text,
)
from sla.kpis.values import DrillDown, KpiResult
from sla.measurements.calculation import measure as measure_contract
from sla.measurements.circumstances import Circumstances
from sla.measurements.serialise import measured_period_json, value_text
from sla.measurements.values import MeasuredPeriod
from sla.relief.documents import load_relief
from sla.relief.rows import require_rows
from sla.relief.values import relief_of

evidence_option = click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder with the evidence, or one file that an import profile knows.",
)
period_option = click.option(
    "--period", required=True, help="A month (2013-06), quarter (2013-Q2) or year (2013)."
)
profile_option = click.option(
    "--profile", help="Import profile: the name of a shipped one, or a file."
)


@click.group()
def kpi() -> None:
    """List and show the KPIs of the catalogue, and run one on evidence."""


@kpi.command("list")
@kpi_dir_option
@json_option
@reports_problems
def list_(as_json: bool) -> None:
    """List the KPIs of the catalogue."""
    definitions = catalogue().values()
    if as_json:
        keys = ("name", "title", "unit", "direction", "datasets", "parameters", "function", "own")
        print_json([{key: definition_json(each)[key] for key in keys} for each in definitions])
    else:
        _print_table(
            ("name", "unit", "title"),
            [
                (each.name, each.unit or "as observed", each.title + (" (own)" if each.own else ""))
                for each in definitions
            ],
        )


@kpi.command()
@click.argument("name")
@click.option("--sql", "as_sql", is_flag=True, help="Only the file whose digest results name.")
@kpi_dir_option
@json_option
@reports_problems
def show(name: str, as_sql: bool, as_json: bool) -> None:
    """Show the definition, the parameters and the SQL of the KPI NAME."""
    definition = _definition(name)
    if as_json:
        print_json(definition_json(definition))
    elif as_sql:
        click.echo(definition.text, nl=False)
    else:
        click.echo("\n".join(_definition_lines(definition)))


@kpi.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@reports_problems
def check(file: Path, as_json: bool) -> None:
    """Check the own KPI in FILE as it is before use; exit status 2 if anything is wrong."""
    definition = check_file(file, load_catalogue(), shipped_words())
    if as_json:
        print_json(definition_json(definition))
    else:
        click.echo(f"{file}: {definition.name} may be used")


@kpi.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder, such as docs/kpis."
)
@kpi_dir_option
@reports_problems
def docs(out: Path) -> None:
    """Write a page for each KPI into the folder OUT, and an index beside it."""
    definitions, examples = catalogue(), load_examples()
    pages = {name: page_markdown(one, examples.get(name)) for name, one in definitions.items()}
    write_pages(out, pages, index_markdown(definitions.values(), out.name))


@kpi.command("run")
@click.argument("name")
@evidence_option
@period_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter; may be repeated."
)
@profile_option
@click.option("--currency", help="Currency of the figures; by default the evidence's only one.")
@click.option(
    "--time-zone", help="Zone that days are counted in; by default the contract's, or UTC."
)
@click.option(
    "--contract", "contract_file", help="Contract whose calendars and time zone clocks run by."
)
@click.option("--rows", type=click.IntRange(min=1), help="List so many rows behind the figure.")
@kpi_dir_option
@engine_option
@json_option
@reports_problems
def run_(
    *,
    name: str,
    evidence: Path,
    period: str,
    settings: tuple[str, ...],
    profile: str | None,
    currency: str | None,
    time_zone: str | None,
    contract_file: str | None,
    rows: int | None,
    engine: str,
    as_json: bool,
) -> None:
    """Run the KPI NAME on evidence, over one period."""
    definition, span, given = _definition(name), Period.parse(period), parse_settings(settings)
    # Checked again when the KPI runs, but nobody should wait for an import to hear of a slip.
    parameters = resolve_parameters(definition, given)
    calendars = _calendars(contract_file, time_zone)
    _require_calendar(definition, parameters, contract_file)
    runs = engine_named(engine)
    with ledger_of(evidence, profile, currency, calendars, runs) as ledger:
        result = run_kpi(definition, ledger, span, given)
        page = drill_down(definition, ledger, span, given, limit=rows) if rows else None
        warnings = ledger.warnings
    if as_json:
        behind = {"drill_down": drill_down_json(page)} if page else {}
        said = {"warnings": [finding.message for finding in warnings]}
        print_json(kpi_result_json(result) | said | behind)
        return
    click.echo("\n".join(_result_lines(definition, result)))
    print_warnings(warnings)
    if page:
        click.echo("")
        _print_page(page)


def _require_calendar(
    definition: KpiDefinition, parameters: Mapping[str, str], contract_file: str | None
) -> None:
    """Without a contract a clock can't count business time; BadInput saying what to give."""
    in_business_time = {unit.value for unit in Unit if unit.needs_calendar}
    for name in ("time", "clock"):
        unit = parameters.get(name)
        if contract_file is None and unit in in_business_time:
            what = f"there is no calendar to count {unit} by"
            others = [
                one for one in definition.parameters[name].choices if one not in in_business_time
            ]
            allowed = f"a contract with business hours, by --contract; or {' or '.join(others)}"
            raise BadInput.one(Problem(what, column=f"parameters.{name}", allowed=allowed))


def _calendars(contract_file: str | None, time_zone: str | None) -> Calendars:
    """The contract's calendars; without one there is but a time zone."""
    if contract_file is None:
        return Calendars(time_zone or "UTC")
    calendars = calendars_of(load_contract(contract_file).engagement)
    return calendars if time_zone is None else replace(calendars, time_zone=time_zone)


@click.command()
@click.option("--contract", "contract_file", required=True, help="Contract document.")
@evidence_option
@period_option
@profile_option
@engine_option
@kpi_dir_option
@relief_option
@json_option
@reports_problems
def measure(
    *,
    contract_file: str,
    evidence: Path,
    period: str,
    profile: str | None,
    engine: str,
    relief: Path | None,
    as_json: bool,
) -> None:
    """Measure every service level of a contract over one period."""
    span = Period.parse(period)
    contract = load_contract(contract_file)
    frame = contract.engagement
    calendars, runs = calendars_of(frame), engine_named(engine)
    given = Circumstances(relief=load_relief(relief, contract))
    with ledger_of(evidence, profile, frame.currency, calendars, runs) as ledger:
        require_rows(ledger, relief_of(given.relief))
        measured = measure_contract(contract, ledger, span, catalogue(), given)
    if as_json:
        print_json(measured_period_json(measured))
    else:
        _print_measured(measured)


def parse_settings(settings: Iterable[str]) -> dict[str, ParameterValue]:
    """Read `key=value`, `key={part: value}` and `key.part=value` as a contract's parameters.

    Raises BadInput with everything that is neither.
    """
    parameters: dict[str, ParameterValue] = {}
    problems = []
    for setting in settings:
        name, equals, value = setting.partition("=")
        key, dot, part = name.strip().partition(".")
        if not equals or not key or (dot and not part):
            problems.append(
                Problem("not a parameter", column="--set", found=setting, allowed="key=value")
            )
        parameters[key] = {part: value.strip()} if part else _parameter(value.strip())
    if problems:
        raise BadInput(problems)
    return parameters


_OBJECT = re.compile(r"""\{\s*(["']?)(?P<part>\w+)\1\s*:\s*(["']?)(?P<value>[^"'{},]*?)\3\s*\}""")


def _parameter(text: str) -> ParameterValue:
    """A value as the contract's YAML would read it: an object, a truth in any case, or a text."""
    match = _OBJECT.fullmatch(text)
    if match:
        return {match["part"]: match["value"]}
    return text.lower() if text.lower() in {"true", "false"} else text


def _definition(name: str) -> KpiDefinition:
    known = catalogue()
    if name not in known:
        what = f"there is no KPI '{name}'{did_you_mean(name, known)}"
        raise BadInput.one(Problem(what, allowed=", ".join(known)))
    return known[name]


def _definition_lines(definition: KpiDefinition) -> Iterator[str]:
    yield f"{definition.title} ({definition.name})"
    yield ""
    yield from textwrap.wrap(definition.definition, 88)
    yield ""
    yield f"unit        {definition.unit or 'as observed'}"
    yield f"direction   {definition.direction.value}"
    yield f"datasets    {', '.join(definition.required)}"
    if definition.optional:
        yield f"optional    {', '.join(definition.optional)}"
    yield f"source      {definition.source}"
    yield f"digest      {definition.sha256}"
    for name, parameter in definition.parameters.items():
        default = "needed" if parameter.default is None else f"default {parameter.default}".lower()
        yield ""
        yield f"parameter {name}: {parameter.allowed} ({default})"
        yield from textwrap.wrap(
            definition.meanings[name], 84, initial_indent="    ", subsequent_indent="    "
        )
    yield ""
    yield definition.text.partition("--- */\n")[2].rstrip()


def _result_lines(definition: KpiDefinition, result: KpiResult) -> Iterator[str]:
    value = "no data" if result.value is None else f"{unrounded_text(result.value)} {result.unit}"
    yield f"{definition.title}, {result.period.label}"
    yield ""
    yield f"value        {value}"
    for bucket, amount in (result.values or {}).items():
        yield f"  {bucket:<10} {term_text(amount)}"
    yield f"numerator    {term_text(result.numerator) or '-'}"
    yield f"denominator  {term_text(result.denominator) or '-'}"
    yield f"rows         {result.rows}"
    for name, chosen in result.parameters.items():
        yield f"{name:<12} {chosen}"
    yield from _digest_lines(result.evidence)
    yield f"definition   {result.definition_sha256}"


def _digest_lines(digests: Iterable[EvidenceDigest]) -> Iterator[str]:
    return (f"{digest.dataset:<12} {digest.sha256}" for digest in digests)


def _print_measured(measured: MeasuredPeriod) -> None:
    click.echo(f"Service levels, {measured.period.label}\n")
    _print_table(
        ("id", "KPI", "value", "expected", "minimum", "status"),
        [
            (
                result.service_level,
                result.kpi,
                f"{value_text(result) or '-'} {result.unit}".strip(),
                term_text(result.expected),
                term_text(result.minimum),
                result.status.value + ("" if result.consequential else " (no consequence)"),
            )
            for result in measured.results
        ],
    )
    _print_notes(measured)
    print_warnings(measured.warnings)


def _print_notes(measured: MeasuredPeriod) -> None:
    """How a promise rose, why nothing follows from a result, and what it was without relief."""
    for result in measured.results:
        if result.risen:
            click.echo(f"\n{result.service_level}: {result.risen}")
        if result.no_consequence:
            click.echo(f"\n{result.service_level}: {result.no_consequence}")
        before = result.without_relief
        if before is None:
            continue
        if before.rows_out or before.seconds_out or before.status is not result.status:
            value = value_text(replace(result, value=before.value)) or "-"
            stated = f"{value} {result.unit}".strip() + f", {before.status.value}"
            by = ", ".join(before.events)
            click.echo(f"\n{result.service_level}: {stated} without the relief of {by}")


def print_warnings(warnings: Iterable[Finding]) -> None:
    """Findings on the evidence, as they stand beneath figures."""
    for warning in warnings:
        click.echo(f"\nwarning: {warning.message}")


def _print_page(page: DrillDown) -> None:
    _print_table(page.columns, [tuple(map(cell_text, row)) for row in page.rows])
    click.echo(f"{len(page.rows)} of {page.total} rows")


def _print_table(heading: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    texts = [heading, *(tuple("-" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(heading))]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
