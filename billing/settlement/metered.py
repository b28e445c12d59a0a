"""The usage of one period, counted from evidence for every charge that runs in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from billing.charges.span import Span, span_of
from billing.charges.values import IndexValue, Meter, Usage
from billing.indexation_series import IndexSeries, changes_for
from billing.metering.engine import read_meter
from billing.metering.values import NO_METERING, Metering
from billing.settlement.dated import (
    INDICES,
    MILESTONES,
    index_series,
    milestones_reached,
    require_milestones,
)
from billing.settlement.spans import invoice_span
from billing.settlement.values import MeterReading
from governance.contract.charges import (
    Charge,
    ContingencyCharge,
    EarlyTerminationCharge,
    FixedCharge,
    MilestonesCharge,
    VolumeRebateCharge,
)
from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.evidence.values import EvidenceDigest

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

CASH = "cash_collected"
PLACED_CASH = "cash_collected_on_placed_debts"
"""The same cash, of placed debts alone and with the age that they were placed at."""
RECALLED = "placements_recalled"
UNMETERED = (FixedCharge, VolumeRebateCharge, MilestonesCharge, EarlyTerminationCharge)
"""Types of charges that price no meter."""


def as_metered(contract: Contract) -> Contract:
    """The contract with the meters that its charges are counted by.

    A contingency fee by the age at placement counts `cash_collected` on placed debts, which is a
    meter of its own; everything else stays as it is.
    """
    charges = tuple(_as_metered(charge) for charge in contract.charges)
    return contract.model_copy(update={"charges": charges})


def _as_metered(charge: Charge) -> Charge:
    if not isinstance(charge, ContingencyCharge) or charge.meter != CASH:
        return charge
    at_placement = charge.age_at == "placement"
    return charge.model_copy(update={"meter": PLACED_CASH}) if at_placement else charge


def metered_usage(
    contract: Contract, ledger: Ledger, period: Period, metering: Metering = NO_METERING
) -> tuple[Usage, Mapping[str, MeterReading]]:
    """Read every meter that a charge of the period prices, on the days on which the charge runs.

    Indices, and milestones that were reached, come with them. The contract is one `as_metered`;
    `metering` says which rows another invoice bills.

    Raises BadInput naming every charge whose meter can't be counted from the evidence, and every
    charge whose index or milestones the evidence doesn't give.
    """
    problems: list[Problem] = []
    meters: dict[str, Meter] = {}
    readings: dict[str, MeterReading] = {}
    for name, charges in _metered_charges(contract, period).items():
        with _noted(problems):
            window = _shared_window(name, charges)
            meters[name], readings[name] = _read(name, ledger, window, metering)
            if _has_recalls(contract, charges):
                amounts, readings[RECALLED] = _read(RECALLED, ledger, window, metering)
                meters[name] = _with_recalls(meters[name], amounts)
    usage = Usage(
        period=period,
        meters=meters,
        charge_indices=_indices(contract, ledger, period, problems),
        milestones=_milestones(contract, ledger, period, problems),
    )
    if problems:
        raise BadInput(problems)
    return usage, readings


def _read(
    name: str, ledger: Ledger, window: Period, metering: Metering
) -> tuple[Meter, MeterReading]:
    return read_meter(name, ledger, window, metering.of(name).without)


@contextmanager
def _noted(problems: list[Problem]) -> Iterator[None]:
    """Collects what is wrong, so that all of it is said at once."""
    try:
        yield
    except BadInput as error:
        problems.extend(error.problems)


def metered_window(contract: Contract, meter: str, period: Period) -> Period:
    """The days over which the charges invoiced with a month count a meter.

    BadInput where they differ.
    """
    span = invoice_span(contract, period) or period
    charges = _metered_charges(as_metered(contract), span).get(meter)
    return _shared_window(meter, charges) if charges else period


def metered_windows(contract: Contract, month: Period) -> dict[str, Period]:
    """By meter, the days that the invoice made with a month counts; none where it makes none.

    Raises BadInput as `metered_usage` does.
    """
    span = invoice_span(contract, month)
    if span is None:
        return {}
    found: dict[str, Period] = {}
    metered = as_metered(contract)
    for name, charges in _metered_charges(metered, span).items():
        found[name] = _shared_window(name, charges)
        if _has_recalls(metered, charges):
            found[RECALLED] = found[name]
    return found


def _metered_charges(contract: Contract, period: Period) -> dict[str, dict[str, Period]]:
    """By meter and charge id, the days on which the charge runs."""
    found: dict[str, dict[str, Period]] = {}
    for charge, span in _running(contract, period):
        meter = _meter_of(charge)
        if meter is not None:
            found.setdefault(meter, {})[charge.id] = span.active
    return found


def _running(contract: Contract, period: Period) -> Iterator[tuple[Charge, Span]]:
    for charge in contract.charges:
        span = span_of(charge, contract.engagement, period)
        if span is not None:
            yield charge, span


def _meter_of(charge: Charge) -> str | None:
    """The meter that a charge prices; None for those that price none."""
    return None if isinstance(charge, UNMETERED) else charge.meter


def _has_recalls(contract: Contract, charges: Iterable[str]) -> bool:
    priced = (contract.charge(name) for name in charges)
    return any(isinstance(one, ContingencyCharge) and one.recall_rate for one in priced)


def _with_recalls(receipts: Meter, recalled: Meter) -> Meter:
    if not isinstance(receipts, tuple) or not isinstance(recalled, tuple):
        return receipts
    return (*receipts, *(replace(one, recalled=True) for one in recalled))


def _indices(
    contract: Contract, ledger: Ledger, period: Period, problems: list[Problem]
) -> dict[str, tuple[IndexValue, ...]]:
    """By charge that follows an index, what it stands at."""
    series = index_series(ledger) if any(one.indexation for one in contract.charges) else {}
    found: dict[str, tuple[IndexValue, ...]] = {}
    for charge, span in _running(contract, period):
        terms = charge.indexation
        if terms is not None:
            given = series.get(terms.series, IndexSeries(terms.series))
            with _noted(problems):
                starts = contract.engagement.starts
                found[charge.id] = changes_for(charge.id, terms, span, starts, given)
    return found


def _milestones(
    contract: Contract, ledger: Ledger, period: Period, problems: list[Problem]
) -> Mapping[str, date]:
    """The milestones reached by the end of the period, where a charge pays for any."""
    paid = [one for one, _ in _running(contract, period) if isinstance(one, MilestonesCharge)]
    with _noted(problems):
        for charge in paid:
            require_milestones(ledger, f"charge {charge.id}", f"charges.{charge.id}.milestones")
        if paid:
            return milestones_reached(ledger, period.end)
    return {}


def sources_of(
    contract: Contract, ledger: Ledger, period: Period
) -> Mapping[str, tuple[EvidenceDigest, ...]]:
    """By charge of the period, the tables that it rests on besides those of its meter."""
    found: dict[str, tuple[EvidenceDigest, ...]] = {}
    for charge, _ in _running(contract, period):
        names = [
            *([INDICES] if charge.indexation else []),
            *([MILESTONES] if isinstance(charge, MilestonesCharge) else []),
        ]
        digests = tuple(ledger.digests[name] for name in names if name in ledger.digests)
        if digests:
            found[charge.id] = digests
    return found


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
