"""`plumbline provider-invoice`: hold a provider's own invoices to contract and evidence."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.ledgers import engine_named, engine_option
from app.cli.own_kpis import kpi_dir, kpi_dir_option
from app.cli.relief import relief_option
from app.documents.formatting import money, period
from app.main_job import run_from_files
from billing.payments.notations import DayOrder, Mark
from billing.provider_invoices.checking import comparison_adapter, expected_from
from billing.provider_invoices.comparison import Comparison, compare
from billing.provider_invoices.csv_reader import COLUMNS, CsvProfile
from billing.provider_invoices.differences import Difference
from billing.provider_invoices.reading import LARGEST_INVOICE, read_provider_invoice
from billing.provider_invoices.values import BilledDocument
from billing.settlement.documents import invoice_json
from governance.errors import BadInput, Problem
from governance.tables import canonical_json
from governance.values import Period, money_text
from sla.evidence.profiles import load_profile

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIFFER = 1


@click.group("provider-invoice")
def provider_invoice() -> None:
    """Invoices of the provider's own system."""


@provider_invoice.command()
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--contract", "contract_file", type=_FILE, required=True, help="Contract document.")
@click.option(
    "--evidence", type=click.Path(path_type=Path), required=True, help="Folder or file of evidence."
)
@click.option("--period", "period_text", required=True, help="Month to check, as 2013-02.")
@click.option("--profile", help="Import profile of the evidence: a shipped one's name, or a file.")
@click.option("--accept-rejected", is_flag=True, help="Go on without rejected rows of evidence.")
@click.option("--mark", type=click.Choice(["comma", "point"]), help="Decimal mark of a CSV file.")
@click.option("--month-first", is_flag=True, help="Days of a CSV file are written 12/31/2026.")
@click.option(
    "--column", "columns", multiple=True, metavar="PART=HEADING", help="Column of a CSV file."
)
@kpi_dir_option
@engine_option
@relief_option
@json_option
@reports_problems
def check(  # noqa: PLR0917 (click passes one argument an option, by name)
    files: tuple[Path, ...],
    contract_file: Path,
    evidence: Path,
    period_text: str,
    profile: str | None,
    accept_rejected: bool,
    mark: str | None,
    month_first: bool,
    columns: tuple[str, ...],
    relief: Path | None,
    engine: str,
    as_json: bool,
) -> None:
    """Compare all invoices and credit notes of a period with what should have been billed.

    FILE is XML (CII or UBL), a PDF with one inside, or CSV. Ends with 1 where anything differs.
    """
    run = run_from_files(
        contract_file,
        evidence,
        Period.parse(period_text),
        profile=load_profile(profile) if profile else None,
        accept_rejected=accept_rejected,
        relief_path=relief,
        engine=engine_named(engine),
        kpi_dir=kpi_dir(),
    )
    contract, settled = run.settlement.contract, run.settlement.period
    invoice = canonical_json(invoice_json(run.settlement, run.header))
    read_as = CsvProfile(
        _columns(columns),
        {"comma": Mark.COMMA, "point": Mark.POINT}.get(mark or ""),
        DayOrder.MONTH_FIRST if month_first else DayOrder.DAY_FIRST,
    )
    documents = _documents(files, read_as, contract.engagement.currency)
    result = compare(documents, expected_from(contract, invoice, settled), {})
    if as_json:
        print_json(_json(result))
    else:
        click.echo("\n".join(_report(result)))
    sys.exit(_DIFFER if result.differences else 0)


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs)
    unknown = sorted(found.keys() - COLUMNS.keys())
    if unknown:
        what = f"an invoice's row has no {', '.join(unknown)}"
        raise BadInput.one(Problem(what, column="--column", allowed=", ".join(COLUMNS)))
    return found


def _documents(files: Sequence[Path], read_as: CsvProfile, currency: str) -> list[BilledDocument]:
    found: dict[str, BilledDocument] = {}
    for file in files:
        document = _read(file, read_as, currency)
        if document.number in found:
            what = f"another file states invoice {document.number} too"
            raise BadInput.one(Problem(what, str(file), allowed="every document once"))
        found[document.number] = document
    return list(found.values())


def _read(file: Path, read_as: CsvProfile, currency: str) -> BilledDocument:
    with file.open("rb") as opened:
        data = opened.read(LARGEST_INVOICE + 1)
    return read_provider_invoice(str(file), data, read_as, currency)


def _json(result: Comparison) -> dict[str, Any]:
    found: dict[str, Any] = comparison_adapter().dump_python(result, mode="json")
    differences = [
        {
            "kind": one.kind.value,
            "amount": money_text(one.amount, result.currency),
            "title": one.title,
            "document": one.document,
            "line": one.item,
            "expected": one.expected,
            "clause": one.clause,
            "reason": one.reason(),
        }
        for one in result.differences
    ]
    for part in ("rows", "further"):
        del found[part]
    return found | {
        "difference": money_text(result.difference, result.currency),
        "differences": differences,
    }


def _report(result: Comparison) -> Iterator[str]:
    yield f"{period(result.period)}: {', '.join(result.documents)}"
    yield ""
    for one in result.differences:
        yield from _difference(one, result.currency)
    if not result.differences:
        yield "Every line, the tax and the totals are what contract and evidence say."
    yield ""
    for title, amount in (
        ("Billed", result.billed),
        ("Expected", result.expected),
        ("Difference", result.difference),
    ):
        yield f"{title:<12}{money(amount, result.currency):>18}"


def _difference(one: Difference, currency: str) -> Iterator[str]:
    place = ", ".join(part for part in (one.document, one.item) if part) or "no document"
    yield f"{money(one.amount, currency):>18}  {one.heading}: {one.title} ({place})"
    clause = f" Clause: {one.clause}." if one.clause else ""
    yield f"{'':>18}  {one.reason()}{clause}"
