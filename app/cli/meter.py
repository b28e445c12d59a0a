"""`plumbline meter`: what charges can count from evidence, and the pages that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.common import json_option, print_json, reports_problems, write_pages
from billing.metering.catalogue import load_meters
from billing.metering.definitions import MeterDefinition
from billing.metering.names import meter_named
from billing.metering.pages import (
    YIELDS,
    index_markdown,
    load_meter_examples,
    page_markdown,
)


@click.group()
def meter() -> None:
    """List and show the meters that charges can price."""


@meter.command("list")
@json_option
@reports_problems
def list_(as_json: bool) -> None:
    """List all meters with what they yield."""
    meters = load_meters().values()
    if as_json:
        print_json([_json(one) for one in meters])
        return
    for one in meters:
        click.echo(f"{one.name:<32} {YIELDS[one.kind]:<36} {one.title}")


@meter.command()
@click.argument("name")
@click.option("--sql", "as_sql", is_flag=True, help="Only the file whose digest invoices name.")
@json_option
@reports_problems
def show(name: str, as_sql: bool, as_json: bool) -> None:
    """Show the definition and the SQL of the meter NAME."""
    definition, _ = meter_named(name)
    if as_json:
        print_json({**_json(definition), "text": definition.text})
    elif as_sql:
        click.echo(definition.text, nl=False)
    else:
        example = load_meter_examples().get(definition.name)
        click.echo(page_markdown(definition, example), nl=False)


@meter.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder, such as docs/meters."
)
@reports_problems
def docs(out: Path) -> None:
    """Write a page for each meter into the folder OUT, and an index beside it."""
    meters, examples = load_meters(), load_meter_examples()
    pages = {name: page_markdown(one, examples.get(name)) for name, one in meters.items()}
    write_pages(out, pages, index_markdown(meters.values(), out.name))


def _json(definition: MeterDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "title": definition.title,
        "kind": definition.kind.value,
        "datasets": list(definition.datasets),
        "optional": list(definition.optional),
        "by": definition.by or None,
        "definition": definition.definition,
        "source": definition.source,
        "definition_sha256": definition.sha256,
    }
