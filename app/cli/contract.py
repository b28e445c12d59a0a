"""`plumbline contract`: check a contract document, compare two, print the language's schema."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from app.errors import outcome_of
from governance.contract.diff import diff_contracts
from governance.contract.document import Contract
from governance.contract.kpi_signature import KpiSignature
from governance.contract.lint import ContractWarning
from governance.contract.lint_values import Weight
from governance.contract.pages import language_markdown
from governance.contract.reading import contract_sha256, read_contract
from governance.contract.schema import contract_schema
from governance.errors import BadInput, Problem


@click.group()
def contract() -> None:
    """Check contract documents, compare them, or print the JSON Schema of the language."""


@contract.command()
@click.argument("file")
@click.option("--strict", is_flag=True, help="Fail on warnings too; notes never fail.")
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day on which to read it, for dates that are past; by default today.",
)
@json_option
@reports_problems
def check(file: str, day: datetime | None, *, strict: bool, as_json: bool) -> None:
    """Report every problem of the contract document FILE; exit status 2 if there is any.

    A sound contract can still be unwise: warnings and notes say what one should know before
    signing it. They leave the exit status at 0, unless --strict is given.
    """
    try:
        data = read_bytes(file)
        terms = read_contract(data, file, catalogue_signatures())
    except BadInput as error:
        if not as_json:
            raise
        problems = [each.as_json() for each in error.problems]
        print_json({"valid": False, "problems": problems, "warnings": []})
        sys.exit(outcome_of(error).exit_code)
    warnings = _warnings(terms, data, file, (day or datetime.now(UTC)).date())
    summary = _summary(terms, data)
    if as_json:
        stated = [each.as_json() for each in warnings]
        print_json({"valid": True, "problems": [], "warnings": stated, **summary})
    else:
        click.echo("\n".join([_summary_text(file, terms, summary), *warning_lines(warnings)]))
    if strict and any(each.weight is Weight.WARNING for each in warnings):
        sys.exit(outcome_of(BadInput([])).exit_code)


def _warnings(terms: Contract, data: bytes, file: str, day: date) -> Sequence[ContractWarning]:
    from app.cli.own_kpis import kpi_dir  # noqa: PLC0415 (loads the query engine)
    from app.contract_linting import contract_warnings  # noqa: PLC0415 (the same)

    return contract_warnings(terms, data, file, day, kpi_dir())


def warning_lines(warnings: Sequence[ContractWarning]) -> Iterator[str]:
    """Warnings, then notes, each with its place and what to do."""
    for weight in Weight:
        some = [each for each in warnings if each.weight is weight]
        if some:
            yield f"\n{len(some)} {weight}{'s' if len(some) > 1 else ''}:"
        for each in some:
            yield f"\n  {each.where()}"
            yield from _wrapped(f"{each.what[:1].upper()}{each.what[1:]}.")
            yield from _wrapped(f"What to do: {each.advice}.")


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, 96, initial_indent="    ", subsequent_indent="    ")


@contract.command()
def schema() -> None:
    """Print the JSON Schema of contract documents, for editors."""
    print_json(contract_schema())


@contract.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File, as docs/contract-language.md.",
)
def docs(out: Path) -> None:
    """Write the page on the contract language into the file OUT."""
    out.write_text(language_markdown(), encoding="utf-8")
    click.echo(f"{out} describes version 1 of the contract language")


@contract.command()
@click.argument("old")
@click.argument("new")
@json_option
@reports_problems
def diff(old: str, new: str, as_json: bool) -> None:
    """Say what changes from the contract document OLD to NEW."""
    before, after = _read_both(old, new)
    changes = diff_contracts(before, after)
    if as_json:
        print_json(changes.as_json())
    elif changes.changes:
        click.echo("\n".join(change.sentence for change in changes.changes))
    else:
        click.echo("The two documents agree in every term.")


def load_contract(file: str) -> Contract:
    """The contract document at a path, checked against the KPI catalogue.

    Raises BadInput with every problem, also where the file can't be read.
    """
    return read_contract(read_bytes(file), file, catalogue_signatures())


def read_bytes(file: str) -> bytes:
    """Content of a file; BadInput where there is none to read."""
    try:
        return Path(file).read_bytes()
    except FileNotFoundError:
        what = "there is no such file"
    except IsADirectoryError:
        what = "this is a folder, not a file"
    except (OSError, ValueError) as error:
        what = f"the file can't be read: {getattr(error, 'strerror', None) or error}"
    raise BadInput.one(Problem(what, file=file, allowed="a file that can be read"))


def catalogue_signatures() -> Mapping[str, KpiSignature]:
    """Name, direction and parameters of the catalogue's KPIs.

    Loaded when asked for: the catalogue brings the query engine with it, which `schema` and
    `diff` don't need.
    """
    from app.cli.own_kpis import kpi_dir  # noqa: PLC0415 (loads the query engine)
    from sla.kpis.catalogue import signatures  # noqa: PLC0415 (the same)

    return signatures(kpi_dir())


def _read_both(old: str, new: str) -> tuple[Contract, Contract]:
    contracts: list[Contract] = []
    problems: list[Problem] = []
    for file in (old, new):
        try:
            contracts.append(read_contract(read_bytes(file), file))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return contracts[0], contracts[1]


def _summary(terms: Contract, data: bytes) -> dict[str, str | int | None]:
    engagement = terms.engagement
    return {
        "sha256": contract_sha256(data),
        "reference": engagement.reference,
        "title": engagement.title,
        "model": engagement.model.value,
        "client": engagement.client.name,
        "provider": engagement.provider.name,
        "currency": engagement.currency,
        "starts": engagement.starts.isoformat(),
        "ends": engagement.ends.isoformat() if engagement.ends else None,
        "service_levels": len(terms.service_levels),
        "charges": len(terms.charges),
        "service_credits": terms.service_credits.method if terms.service_credits else None,
    }


def _summary_text(file: str, terms: Contract, summary: Mapping[str, str | int | None]) -> str:
    levels, charges = len(terms.service_levels), len(terms.charges)
    return "\n".join(
        [
            f"{file} is a good contract: {summary['reference']} {summary['title']}",
            f"  client           {summary['client']}",
            f"  provider         {summary['provider']}",
            f"  term             {summary['starts']} to {summary['ends'] or 'open end'}",
            f"  currency         {summary['currency']}",
            f"  service levels   {levels}",
            f"  service credits  {summary['service_credits'] or 'none'}",
            f"  charges          {charges}",
            f"  sha256           {summary['sha256']}",
        ]
    )
