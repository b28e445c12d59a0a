"""`plumbline kpi` and `plumbline measure`: the catalogue, one KPI, a contract's service levels."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.contract import load_contract
from app.cli.ledgers import ledger_of
from governance.contract.kpi_signature import ParameterValue
from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import drill_down, run_kpi
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
from sla.measurements.serialise import measured_period_json, value_text
from sla.measurements.values import MeasuredPeriod

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
@json_option
@reports_problems
def list_(as_json: bool) -> None:
    """List the KPIs of the catalogue."""
    definitions = load_catalogue().values()
    if as_json:
        keys = ("name", "title", "unit", "direction", "datasets", "parameters")
        print_json([{key: definition_json(each)[key] for key in keys} for each in definitions])
    else:
        _print_table(
            ("name", "unit", "title"),
            [(each.name, each.unit or "as observed", each.title) for each in definitions],
        )


@kpi.command()
@click.argument("name")
@click.option("--sql", "as_sql", is_flag=True, help="Only the file whose digest results name.")
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
    "--time-zone", default="UTC", show_default=True, help="Zone that days are counted in."
)
@click.option("--rows", type=click.IntRange(min=1), help="List so many rows behind the figure.")
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
    time_zone: str,
    rows: int | None,
    as_json: bool,
) -> None:
    """Run the KPI NAME on evidence, over one period."""
    definition, span, given = _definition(name), Period.parse(period), parse_settings(settings)
    # Checked again when the KPI runs, but nobody should wait for an import to hear of a slip.
    resolve_parameters(definition, given)
    with ledger_of(evidence, profile, currency, time_zone) as ledger:
        result = run_kpi(definition, ledger, span, given)
        page = drill_down(definition, ledger, span, given, limit=rows) if rows else None
        warnings = ledger.warnings
    if as_json:
        behind = {"drill_down": drill_down_json(page)} if page else {}
        said = {"warnings": [finding.message for finding in warnings]}
        print_json(kpi_result_json(result) | said | behind)
        return
    click.echo("\n".join(_result_lines(definition, result)))
    _print_warnings(warnings)
    if page:
        click.echo("")
        _print_page(page)


@click.command()
@click.option("--contract", "contract_file", required=True, help="Contract document.")
@evidence_option
@period_option
@profile_option
@json_option
@reports_problems
def measure(
    contract_file: str, evidence: Path, period: str, profile: str | None, as_json: bool
) -> None:
    """Measure every service level of a contract over one period."""
    span = Period.parse(period)
    contract = load_contract(contract_file)
    frame = contract.engagement
    with ledger_of(evidence, profile, frame.currency, frame.time_zone) as ledger:
        measured = measure_contract(contract, ledger, span, load_catalogue())
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
    catalogue = load_catalogue()
    if name not in catalogue:
        raise BadInput.one(
            Problem(
                f"there is no KPI '{name}'{did_you_mean(name, catalogue)}",
                allowed=", ".join(catalogue),
            )
        )
    return catalogue[name]


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
                result.status.value + ("" if result.consequential else " (learning period)"),
            )
            for result in measured.results
        ],
    )
    _print_warnings(measured.warnings)


def _print_warnings(warnings: Iterable[Finding]) -> None:
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
