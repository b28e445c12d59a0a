"""`plumbline price`: the fee of one period, from a contract and the usage alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from billing.charges.calculation import price as price_period
from billing.charges.serialise import priced_period_json, step_amount_text
from billing.charges.usage import read_usage
from billing.charges.values import ChargeLine, PricedPeriod, Step, TaxLine
from governance.contract.document import Contract
from governance.contract.reading import read_contract
from governance.errors import BadInput, Problem
from governance.values import money_text, plain

_WIDTH = 100
_AMOUNT = 16
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--contract", "contract_file", type=_FILE, required=True, help="Contract document.")
@click.option("--usage", "usage_file", type=_FILE, required=True, help="Usage of one period, JSON.")
@json_option
@reports_problems
def price(contract_file: Path, usage_file: Path, as_json: bool) -> None:
    """Price one period: every line with its arithmetic, service credit, tax and total."""
    contract = read_contract(contract_file.read_bytes(), str(contract_file))
    usage = read_usage(usage_file.read_bytes(), str(usage_file))
    try:
        priced = price_period(contract, usage)
    except BadInput as error:
        raise _located(error, str(contract_file), str(usage_file)) from None
    if as_json:
        print_json(priced_period_json(priced))
    else:
        click.echo("\n".join(_invoice(contract, priced)))


def _located(error: BadInput, contract_file: str, usage_file: str) -> BadInput:
    """The problems with the file that has to change: terms in the contract, else the usage."""

    def located(problem: Problem) -> Problem:
        file = contract_file if problem.column.startswith("charges") else usage_file
        return problem if problem.file else replace(problem, file=file)

    return BadInput(located(problem) for problem in error.problems)


def _invoice(contract: Contract, priced: PricedPeriod) -> Iterator[str]:
    engagement = contract.engagement
    yield f"{engagement.reference}  {engagement.title}"
    yield f"{engagement.provider.name} to {engagement.client.name}"
    yield f"Period {priced.period.label} ({priced.period.start} to {priced.period.end})"
    yield ""
    yield _row("Charge", f"Amount {priced.currency}")
    yield "─" * _WIDTH
    for line in priced.lines:
        yield from _line(line, priced.currency)
    if not priced.lines:
        yield "No charge runs in this period."
    yield "─" * _WIDTH
    yield from _totals(priced)


def _row(label: str, amount: str) -> str:
    room = _WIDTH - _AMOUNT
    return f"{label[:room]:<{room}}{amount:>{_AMOUNT}}"


def _line(line: ChargeLine, currency: str) -> Iterator[str]:
    yield _row(f"{line.charge}  {line.title}", money_text(line.amount, currency))
    if line.clause != "not stated":
        yield f"    {line.clause}"
    for step in line.steps:
        yield f"    {_step(step, currency)}"


def _step(step: Step, currency: str) -> str:
    amount = step_amount_text(step.amount, currency)
    text = f"  ({step.text})" if step.text else ""
    return f"{plain(step.quantity)} × {step.price:f} = {amount}{text}"


def _totals(priced: PricedPeriod) -> Iterator[str]:
    currency = priced.currency
    yield _row("Subtotal", money_text(priced.subtotal, currency))
    if priced.service_credit:
        yield _row("Service credit", money_text(-priced.service_credit, currency))
    for tax in priced.taxes:
        yield _row(_tax(tax, currency), money_text(tax.amount, currency))
    yield _row("Total", money_text(priced.total, currency))
    if priced.withholding:
        yield _row("Tax withheld by the client", money_text(-priced.withholding, currency))
    yield _row("Payable", money_text(priced.payable, currency))


def _tax(tax: TaxLine, currency: str) -> str:
    name = tax.category.value.replace("_", " ")
    reason = f": {tax.reason}" if tax.reason else ""
    return f"Tax, {name} {plain(tax.rate)} % on {money_text(tax.base, currency)}{reason}"
