"""`plumbline credits`: service credits from results in a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.contract import load_contract
from sla.kpis.catalogue import signatures
from sla.service_credits.calculation import compute_credits, directions_of
from sla.service_credits.results import read_results
from sla.service_credits.serialise import service_credits_json
from sla.service_credits.values import LevelCredit, Mechanism, ServiceCredits
from sla.service_credits.wording import amount_words, number_words

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("credits")
@click.option("--contract", "contract_file", type=_FILE, required=True, help="Contract document.")
@click.option("--results", "results_file", type=_FILE, required=True, help="Results as JSON.")
@json_option
@reports_problems
def credits_(contract_file: Path, results_file: Path, as_json: bool) -> None:
    """Compute the last period's service credit; the earlier periods are its history."""
    contract = load_contract(str(contract_file))
    periods = read_results(results_file.read_bytes(), str(results_file), contract)
    last = compute_credits(contract, directions_of(contract, signatures()), periods)[-1]
    if as_json:
        print_json(service_credits_json(last))
    else:
        click.echo("\n".join(_text(last)))


def _text(given: ServiceCredits) -> Iterator[str]:
    yield f"Service credit of {given.period.label}, {given.currency}"
    yield ""
    yield f"{'service level':<16} {'value':>12}  {'status':<15} {'credit':>16}"
    for level in given.service_levels:
        yield from _level_lines(level, given.currency)
    yield ""
    for label, amount in (
        ("base", given.base),
        ("cap", given.cap),
        ("before cap", given.before_cap),
        ("credit", given.credit),
        ("earned back", given.earned_back),
        *([("bonus", given.bonus)] if Mechanism.BONUS in given.agreed else []),
        ("net", given.net),
    ):
        shown = "none agreed" if amount is None else amount_words(amount, given.currency)
        yield f"{label:<16} {shown:>45}"
    if given.claim is not None:
        yield f"{'claim':<16} {given.claim.state.value:>45}"
        yield from _wrapped(f"to be claimed by {given.claim.until}")
    yield from chain.from_iterable(_wrapped(sentence) for sentence in _sentences(given))


def _sentences(given: ServiceCredits) -> Iterator[str]:
    """Why of all that isn't a service level's credit; a balance says what it set off itself."""
    yield from (each.why for each in given.persistent_failures)
    yield from (each.why for each in given.milestones)
    yield from (each.why for each in given.balance)
    if not given.balance:
        yield from (each.why for each in given.earn_backs)


def _level_lines(level: LevelCredit, currency: str) -> Iterator[str]:
    value = "–" if level.value is None else number_words(level.value)
    status = level.status.value.replace("_", " ")
    yield f"{level.id:<16} {value:>12}  {status:<15} {amount_words(level.credit, currency):>16}"
    yield from _wrapped(level.why)


def _wrapped(sentence: str) -> Iterator[str]:
    yield from textwrap.wrap(sentence, 76, initial_indent="    ", subsequent_indent="    ")
