"""Late rows of earlier periods as quantities that a later invoice prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from billing.charges.values import LateQuantity, Meter
from billing.metering.engine import read_late
from billing.metering.values import Metering
from billing.settlement.metered import RECALLED, UNMETERED
from billing.settlement.values import MeterReading
from governance.contract.charges import Charge, ContingencyCharge
from governance.contract.document import Contract
from sla.evidence.values import Finding

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

Late = Mapping[str, tuple[LateQuantity, ...]]
"""By meter, oldest period first."""


def late_usage(
    contract: Contract, ledger: Ledger, metering: Metering
) -> tuple[Late, Mapping[tuple[str, str], MeterReading]]:
    """The late quantities of every meter, and where each came from (by meter and period).

    Debts recalled late stand with the receipts of the charge that has a fee for them.
    The contract is one `as_metered`. Raises BadInput where a meter can't be counted.
    """
    found: dict[str, dict[str, Meter]] = {}
    readings: dict[tuple[str, str], MeterReading] = {}
    for name, share in metering.shares.items():
        for late in share.late:
            quantity, reading = read_late(name, ledger, late)
            readings[name, late.label] = reading
            for meter in _priced_as(contract, name):
                labels = found.setdefault(meter, {})
                labels[late.label] = _joined(labels.get(late.label), quantity, name)
    return {name: _sorted(labels) for name, labels in found.items()}, readings


def meters_of(charge: Charge) -> frozenset[str]:
    """The meters that a charge prices: its own, and debts recalled where it has a fee for them."""
    if isinstance(charge, UNMETERED):
        return frozenset()
    recalls = isinstance(charge, ContingencyCharge) and charge.recall_rate
    return frozenset({charge.meter, RECALLED} if recalls else {charge.meter})


def unpriced_findings(metering: Metering) -> Iterator[Finding]:
    """A finding for every meter and earlier period whose late rows no invoice bills."""
    for one in metering.unpriced:
        rows, them = (f"{one.rows} rows", "them") if one.rows > 1 else ("1 row", "it")
        yield Finding(
            code="late_rows_without_price",
            message=f"{rows} came too late for the invoice of {one.label} (meter {one.meter}), and"
            f" no charge of this period prices that meter: only a restatement of {one.label}"
            f" bills {them}",
        )


def _priced_as(contract: Contract, name: str) -> set[str]:
    """The meters of the charges that price it."""
    if name != RECALLED:
        return {name}
    charges = (one for one in contract.charges if isinstance(one, ContingencyCharge))
    return {one.meter for one in charges if one.recall_rate}


def _joined(before: Meter | None, quantity: Meter, name: str) -> Meter:
    if name == RECALLED and isinstance(quantity, tuple):
        quantity = tuple(replace(one, recalled=True) for one in quantity)
    if isinstance(before, tuple) and isinstance(quantity, tuple):
        return (*before, *quantity)
    return quantity


def _sorted(labels: Mapping[str, Meter]) -> tuple[LateQuantity, ...]:
    return tuple(LateQuantity(label, labels[label]) for label in sorted(labels))
