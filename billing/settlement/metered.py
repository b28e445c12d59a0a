"""The usage of one month, counted from evidence for every charge that runs in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from billing.charges.span import span_of
from billing.charges.values import Meter, Usage
from billing.metering.engine import read_meter
from billing.settlement.values import MeterReading
from governance.contract.charges import Charge, ContingencyCharge, FixedCharge
from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import Period

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger


def metered_usage(
    contract: Contract, ledger: Ledger, period: Period
) -> tuple[Usage, Mapping[str, MeterReading]]:
    """Read every meter that a charge of the period prices, on the days on which the charge runs.

    Raises BadInput naming every charge whose meter can't be counted from the evidence, and every
    charge that follows an index, which no evidence gives.
    """
    meters: dict[str, Meter] = {}
    readings: dict[str, MeterReading] = {}
    problems = list(_index_problems(contract, period))
    for name, charges in _metered_charges(contract, period).items():
        try:
            window = _shared_window(name, charges)
            meters[name], readings[name] = read_meter(name, ledger, window)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return Usage(period=period, meters=meters), readings


def metered_window(contract: Contract, meter: str, period: Period) -> Period:
    """The days of the period over which its charges count a meter; BadInput where they differ."""
    charges = _metered_charges(contract, period).get(meter)
    return _shared_window(meter, charges) if charges else period


def _index_problems(contract: Contract, period: Period) -> Iterator[Problem]:
    for charge in contract.charges:
        runs = span_of(charge, contract.engagement, period) is not None
        if charge.indexation is not None and runs:
            series = charge.indexation.series
            yield Problem(
                f"charge {charge.id} follows the index {series}, and evidence has no indices",
                column=f"charges.{charge.id}.indexation",
                found=series,
                allowed="price the month with `plumbline price` and a usage document that gives"
                f' the index under "indices": {{"{series}": …}}',
            )


def _metered_charges(contract: Contract, period: Period) -> dict[str, dict[str, Period]]:
    """By meter and charge id, the days on which the charge runs."""
    found: dict[str, dict[str, Period]] = {}
    for charge in contract.charges:
        span = span_of(charge, contract.engagement, period)
        if span is not None and not isinstance(charge, FixedCharge):
            _require_countable(charge)
            found.setdefault(charge.meter, {})[charge.id] = span.active
    return found


def _require_countable(charge: Charge) -> None:
    if isinstance(charge, ContingencyCharge) and charge.age_at == "placement":
        raise BadInput.one(
            Problem(
                f"charge {charge.id} asks for the age of debts when they were placed, and evidence"
                " is metered by their age when they were paid",
                column=f"charges.{charge.id}.age_at",
                found="placement",
                allowed="receipt, or a usage document with the ages",
            )
        )


def _shared_window(meter: str, windows: Mapping[str, Period]) -> Period:
    """The days that all charges of a meter count; one quantity can't serve different days."""
    distinct = set(windows.values())
    if len(distinct) > 1:
        spans = ", ".join(
            f"{charge} from {window.start} to {window.end}" for charge, window in windows.items()
        )
        raise BadInput.one(
            Problem(
                f"the charges of the meter {meter} run on different days of the month",
                found=spans,
                allowed="charges that start and end with a month, or a usage document",
            )
        )
    return distinct.pop()
