"""`plumbline trends`: thirteen months, baseline and forecast of a contract's service levels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.contract import load_contract
from app.cli.kpi import evidence_option, print_warnings, profile_option
from app.cli.ledgers import ledger_of
from app.cli.own_kpis import catalogue, kpi_dir_option
from app.documents.trend_view import TrendView
from governance.calendars import calendars_of
from governance.errors import BadInput, Problem
from sla.evidence.ledger import Ledger
from sla.evidence.span import last_day
from sla.trends.calculation import trends as compute_trends
from sla.trends.serialise import trends_json


@click.command()
@click.option("--contract", "contract_file", required=True, help="Contract document.")
@evidence_option
@profile_option
@kpi_dir_option
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day that counts; the last one that the evidence speaks of by default.",
)
@json_option
@reports_problems
def trends(
    contract_file: str,
    evidence: Path,
    profile: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Show how the service levels developed, and how the running month may end."""
    contract = load_contract(contract_file)
    frame = contract.engagement
    with ledger_of(evidence, profile, frame.currency, calendars_of(frame)) as ledger:
        last = as_of.date() if as_of else _last_day(ledger)
        found = compute_trends(contract, ledger, last, catalogue(), {})
        warnings = ledger.warnings
    if as_json:
        said = {"warnings": [finding.message for finding in warnings]}
        print_json(trends_json(found) | said)
        return
    for one in found.levels:
        view = TrendView(contract.service_level(one.service_level), one, found.currency)
        click.echo("\n".join(_lines(view)))
    print_warnings(warnings)


def _last_day(ledger: Ledger) -> date:
    last = last_day(ledger, date.max)
    if last is None:
        what = "the evidence holds no row that happened on a day"
        raise BadInput.one(Problem(what, allowed="invoices, receipts or what settled them"))
    return last


def _lines(view: TrendView) -> Iterator[str]:
    yield f"{view.terms.id}  {view.terms.title}"
    for month in view.trend.months:
        state = "before hand-over" if month.before else month.status.value
        expected = "-" if month.before else view.shown(month.expected)
        yield f"  {month.period.label}  {view.shown(month.value):>14}  {expected:>14}  {state}"
    for name, distance in (
        ("target", view.trend.distance),
        ("baseline", view.trend.since_baseline),
        ("a year ago", view.trend.since_last_year),
    ):
        if distance is not None:
            yield f"  against {name}: {view.apart(distance)}"
    yield f"  {view.outlook}"
    yield ""
