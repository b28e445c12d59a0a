"""One contract through its months: each is settled on those before it, as real ones are.

A month that was settled is history to the next ones as a sealed one is, so it is measured and
priced once, however far back a credit looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.settlement.calculation import settle
from billing.settlement.coverage import coverage_findings
from billing.settlement.earlier import charged_by
from billing.settlement.history import months_until
from billing.settlement.metered import UNMETERED
from billing.settlement.values import Inputs, SealedMonth, Settlement
from billing.simulation.values import Subject
from governance.contract.document import Contract
from governance.errors import BadInput
from governance.values import Period
from sla.kpis.definitions import KpiDefinition
from sla.measurements.calculation import measure
from sla.measurements.circumstances import Circumstances
from sla.measurements.values import MeasuredPeriod
from sla.relief.values import ReliefEvent


@dataclass(frozen=True, slots=True)
class SetAside:
    """A month that can't be priced, and why."""

    problems: tuple[str, ...]


@dataclass(slots=True)
class Course:
    """A contract on its way through the months, oldest first."""

    subject: Subject
    catalogue: Mapping[str, KpiDefinition]
    relief: Sequence[ReliefEvent] = ()
    past: dict[Period, SealedMonth] = field(default_factory=dict)
    """The months behind, as the next ones take them for history."""

    def settle(self, month: Period) -> Settlement | SetAside:
        """The month as it would have been settled, or why it can't be.

        One without any evidence, or that can't be priced, is history without charges; what it
        measured counts all the same for rows of misses.
        """
        contract, ledger = self.subject.contract, self.subject.ledger
        self._begin_before(month)
        missing = coverage_findings(ledger, month) if _needs_evidence(contract) else ()
        if missing:
            self.past[month] = _empty(month, contract)
            return SetAside(tuple(one.message for one in missing))
        inputs = Inputs(relief=tuple(self.relief), sealed=dict(self.past))
        try:
            settled = settle(contract, self.subject.sha256, ledger, month, self.catalogue, inputs)
        except BadInput as error:
            self.past[month] = self._measured_only(month)
            return SetAside(tuple(str(problem) for problem in error.problems))
        self.past[month] = sealed(settled)
        return settled

    def _begin_before(self, month: Period) -> None:
        """Months before the first one that is simulated are none of its history."""
        try:
            before = months_until(self.subject.contract, month)[:-1]
        except BadInput:
            return
        for each in before:
            self.past.setdefault(each, _empty(each, self.subject.contract))

    def _measured_only(self, month: Period) -> SealedMonth:
        earlier = (each.measured for before, each in sorted(self.past.items()) if before < month)
        circumstances = Circumstances(relief=tuple(self.relief), measured=tuple(earlier))
        try:
            measured = measure(
                self.subject.contract, self.subject.ledger, month, self.catalogue, circumstances
            )
        except BadInput:
            return _empty(month, self.subject.contract)
        return SealedMonth(measured, None, Decimal(0))


def sealed(settled: Settlement) -> SealedMonth:
    """A settled month as later ones look back on it."""
    priced = settled.priced
    charged = charged_by(priced.own_lines)
    return SealedMonth(settled.measured, settled.credits, priced.credit_base, charged)


def _needs_evidence(contract: Contract) -> bool:
    metered = any(not isinstance(charge, UNMETERED) for charge in contract.charges)
    return metered or bool(contract.service_levels)


def _empty(month: Period, contract: Contract) -> SealedMonth:
    measured = MeasuredPeriod(month, contract.engagement.currency, ())
    return SealedMonth(measured, None, Decimal(0))
