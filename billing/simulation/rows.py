"""Settled months collected into rows: one a charge, one a service level, one a month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from billing.settlement.values import Settlement
from billing.simulation.values import AmountRow, LevelMonth, LevelRow, MonthRow, MonthSums
from governance.contract.document import Contract
from governance.values import Period, round_money
from sla.service_credits.values import LevelCredit, ServiceCredits

_NOTHING = Decimal(0)
_UNSTATED = "not stated"


@dataclass(slots=True)
class Rows:
    """What one contract's months come to, clause by clause."""

    contract: Contract
    months: dict[str, MonthRow] = field(default_factory=dict)
    _charges: dict[str, AmountRow] = field(default_factory=dict)
    _levels: dict[str, tuple[str, dict[str, LevelMonth]]] = field(default_factory=dict)
    """By service level id: its unit, and its months."""
    _further: dict[str, AmountRow] = field(default_factory=dict)

    def set_aside(self, month: Period, problems: Sequence[str]) -> None:
        """A month that can't be priced."""
        self.months[month.label] = MonthRow(month.label, None, tuple(problems))

    def add(self, settled: Settlement) -> None:
        """A settled month."""
        label = settled.period.label
        self.months[label] = MonthRow(label, _sums(settled))
        for line in settled.priced.own_lines:
            first = AmountRow(line.charge, line.title, line.clause, {})
            _put(self._charges, first, label, line.amount)
        given = {one.id: one for one in settled.credits.service_levels} if settled.credits else {}
        for one in settled.measured.results:
            credit = given.get(one.service_level)
            _, found = self._levels.setdefault(one.service_level, (one.unit, {}))
            found[label] = LevelMonth(
                one.value,
                credit.status if credit else one.status,
                self._credit(credit),
                credit.why if credit else "",
            )
        for part in _further(self.contract, settled.credits):
            first = AmountRow(part.id, part.title, part.clause, {})
            _put(self._further, first, label, part.amount)

    def charges(self) -> tuple[AmountRow, ...]:
        """By charge in the contract's order, then what stands under ids of its own."""
        own = {
            one.id: AmountRow(one.id, one.title, one.clause, {}) for one in self.contract.charges
        }
        rows = own | self._charges
        return tuple(
            replace(row, title=own[name].title) if name in own else row
            for name, row in rows.items()
        )

    def levels(self) -> tuple[LevelRow, ...]:
        """By service level in the contract's order."""
        return tuple(
            LevelRow(level.id, level.title, level.clause, *self._levels.get(level.id, ("", {})))
            for level in self.contract.service_levels
        )

    def further(self) -> tuple[AmountRow, ...]:
        """What moves the credit besides single service levels."""
        return tuple(self._further.values())

    def _credit(self, given: LevelCredit | None) -> Decimal:
        """What a service level takes off the month; below zero where it earns a bonus."""
        return self._money(given.credit - (given.bonus or _NOTHING) if given else _NOTHING)

    def _money(self, amount: Decimal) -> Decimal:
        return round_money(amount, self.contract.engagement.currency)


def _put(rows: dict[str, AmountRow], first: AmountRow, month: str, amount: Decimal) -> None:
    """Add an amount to a row's month; `first` is the row where it has none yet."""
    row = rows.get(first.id, first)
    amounts = {**row.amounts, month: row.amounts.get(month, _NOTHING) + amount}
    rows[first.id] = replace(row, amounts=amounts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a month's credit that is no service level's own."""

    id: str
    title: str
    clause: str
    amount: Decimal


def _further(contract: Contract, given: ServiceCredits | None) -> Iterator[_Part]:
    terms = contract.service_credits
    if given is None or terms is None:
        return
    for failure in given.persistent_failures:
        clause = terms.persistent_failure[failure.rule].clause
        name = f"persistent_failure.{failure.rule + 1}"
        yield _Part(name, "Persistent failure", clause, failure.credit)
    for late in given.milestones:
        clause = next((one.clause for one in terms.milestones if one.id == late.id), _UNSTATED)
        yield _Part(late.id, late.title, clause, late.credit)
    if given.earned_back:
        yield _Part("earned_back", "Earned back by the provider", _UNSTATED, -given.earned_back)


def _sums(settled: Settlement) -> MonthSums:
    priced, given = settled.priced, settled.credits
    nothing = round_money(_NOTHING, priced.currency)
    return MonthSums(
        charges=priced.own_subtotal,
        credit=given.net if given else nothing,
        coming_off=priced.service_credit,
        taxes=sum((tax.amount for tax in priced.taxes), nothing),
        total=priced.total,
    )
