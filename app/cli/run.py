"""`plumbline run`: the whole main job on files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.ledgers import engine_named, engine_option
from app.cli.own_kpis import kpi_dir, kpi_dir_option
from app.cli.relief import relief_option
from app.documents.formatting import measured, money, period
from app.documents.wording import STATUS
from app.main_job import RunResult, run_from_files, write_run
from billing.settlement.spans import invoiced_later
from governance.values import Period, money_text
from sla.evidence.profiles import load_profile
from sla.measurements.values import Measurement


@click.command()
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path),
    required=True,
    help="Contract document.",
)
@click.option(
    "--evidence", type=click.Path(path_type=Path), required=True, help="Folder or file of evidence."
)
@click.option("--period", "period_text", required=True, help="Month to settle, as 2013-02.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder for the results."
)
@click.option("--profile", help="Import profile: the name of a shipped one, or a file.")
@click.option("--accept-rejected", is_flag=True, help="Go on without the rejected rows.")
@click.option(
    "--number-sequence",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Sequence of the invoice number.",
)
@click.option(
    "--issued-on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Invoice date; the day after the period by default.",
)
@kpi_dir_option
@engine_option
@relief_option
@json_option
@reports_problems
def run(  # noqa: PLR0917 (click passes one argument an option, by name)
    contract_file: Path,
    evidence: Path,
    period_text: str,
    out: Path,
    profile: str | None,
    accept_rejected: bool,
    number_sequence: int,
    issued_on: datetime | None,
    relief: Path | None,
    engine: str,
    as_json: bool,
) -> None:
    """Measure, credit, invoice and report one period; write the documents into a folder."""
    result = run_from_files(
        contract_file,
        evidence,
        Period.parse(period_text),
        profile=load_profile(profile) if profile else None,
        accept_rejected=accept_rejected,
        sequence=number_sequence,
        issued_on=issued_on.date() if issued_on else None,
        relief_path=relief,
        engine=engine_named(engine),
        kpi_dir=kpi_dir(),
    )
    files = write_run(result, out)
    if as_json:
        print_json(_summary(result, files))
    else:
        click.echo("\n".join(report(result, files)))
    if result.e_invoices.problems:
        click.echo("\n".join(_without_xml(result)), err=True)


def _without_xml(result: RunResult) -> Iterator[str]:
    """Why there is no electronic invoice, with the keys that the contract lacks."""
    profile = result.settlement.contract.invoicing.profile
    yield f"There is no invoice.cii.xml and no invoice.ubl.xml (profile {profile}):"
    yield from (f"  {problem}" for problem in result.e_invoices.problems)


def _summary(result: RunResult, files: Sequence[Path]) -> dict[str, Any]:
    """What was found, with stable keys; the files hold everything."""
    settlement, priced = result.settlement, result.settlement.priced
    given = settlement.credits
    return {
        "period": settlement.period.label,
        "currency": priced.currency,
        "service_levels": {each.service_level: each.status for each in settlement.measured.results},
        "service_credit": money_text(given.net, given.currency) if given else None,
        "invoice": result.header.number,
        "total": money_text(priced.total, priced.currency),
        "payable": money_text(priced.payable, priced.currency),
        "warnings": [
            *(finding.message for finding in result.warnings),
            *_balance_warnings(result),
        ],
        "rejected_rows": dict(result.evidence.rejected_rows or {}),
        "e_invoice_problems": [problem.as_json() for problem in result.e_invoices.problems],
        "files": [str(file) for file in files],
    }


def report(result: RunResult, files: Sequence[Path]) -> Iterator[str]:
    """What a run found, line by line, and the files it wrote."""
    settlement = result.settlement
    engagement = settlement.contract.engagement
    yield f"{engagement.reference}  {engagement.title}, {period(settlement.period)}"
    yield from _levels(result)
    yield from _amounts(result)
    yield from _remarks(result)
    yield ""
    yield from (f"Wrote {file}" for file in files)


def _levels(result: RunResult) -> Iterator[str]:
    results = result.settlement.measured.results
    if results:
        yield ""
        yield "Service levels"
    for each in results:
        title = result.settlement.terms_of(each.service_level).title
        yield f"  {each.service_level:<8} {title[:44]:<44} {_finding(each, result)}"


def _finding(result: Measurement, run_result: RunResult) -> str:
    currency = run_result.settlement.measured.currency
    status = STATUS[result.status]
    value = measured(result.value, result.unit, currency)
    expected = measured(result.expected, result.unit, currency)
    return f"{value:>16}  expected {expected:<16} {status.symbol} {status.words}"


def _amounts(result: RunResult) -> Iterator[str]:
    settlement, priced = result.settlement, result.settlement.priced
    yield ""
    if settlement.credits is not None:
        yield f"Service credit of the period: {money(settlement.credits.net, priced.currency)}"
        for level in settlement.credits.service_levels:
            if level.credit:
                yield f"  {level.id}: {level.why}"
    yield f"Invoice {result.header.number}: total {money(priced.total, priced.currency)}"
    yield f"Payable by {result.header.due_on}: {money(priced.payable, priced.currency)}"
    yield from (f"  {warning}" for warning in _balance_warnings(result))


def _balance_warnings(result: RunResult) -> Iterator[str]:
    settlement, priced = result.settlement, result.settlement.priced
    if later := invoiced_later(settlement.contract, settlement.period):
        yield f"{later}."
    if priced.service_credit > max(priced.subtotal, Decimal(0)):
        yield "The credit exceeds the charges: the invoice is a balance in the client's favour."


def _remarks(result: RunResult) -> Iterator[str]:
    rejected = sum((result.evidence.rejected_rows or {}).values())
    if rejected:
        yield ""
        yield f"Left out: {rejected} rejected rows, as accepted"
    if result.warnings:
        yield ""
        yield "Warnings on the evidence"
        yield from (f"  {finding.message}" for finding in result.warnings)
