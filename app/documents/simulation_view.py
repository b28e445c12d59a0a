"""What pages and reports show of a simulation: sums, rows side by side, sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.documents.formatting import measured, money, number, short_period, words
from app.documents.formatting import period as in_words
from billing.simulation.values import (
    Difference,
    Kind,
    LevelPoint,
    LevelSensitivity,
    MonthRow,
    Point,
    SimulatedContract,
    Simulation,
    Stretch,
    VolumeStep,
)
from governance.values import Period, round_half_up

_NOTHING = Decimal(0)
_POINTS = {Point.MEASURED: "as measured", Point.EXPECTED: "expected", Point.MINIMUM: "minimum"}


@dataclass(frozen=True, slots=True)
class Sums:
    """A row of sums under both contracts."""

    title: str
    old: Decimal | None
    """None where there is no old contract."""
    new: Decimal

    @property
    def change(self) -> Decimal | None:
        """New less old."""
        return None if self.old is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One month under both contracts."""

    month: str
    old: MonthRow | None
    new: MonthRow

    @property
    def change(self) -> Decimal | None:
        """New cost less old; None unless both were priced."""
        if self.old is None or self.old.sums is None or self.new.sums is None:
            return None
        return self.new.sums.cost - self.old.sums.cost

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it was set aside, under either."""
        old = self.old.problems if self.old else ()
        return tuple(dict.fromkeys((*old, *self.new.problems)))


@dataclass(frozen=True, slots=True)
class GridRow:
    """A clause's amounts by month, what comes off below zero."""

    id: str
    title: str
    clause: str
    amounts: Mapping[str, Decimal]

    @property
    def total(self) -> Decimal:
        """Over all months."""
        return sum(self.amounts.values(), _NOTHING)


@dataclass(frozen=True, slots=True)
class VolumeLine:
    """The invoice at one step of the volume, under both contracts."""

    percent: int
    old: VolumeStep | None
    new: VolumeStep | None


@dataclass(frozen=True, slots=True)
class SimulationView:
    """A simulation as people read it."""

    of: Simulation

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.of.currency

    @property
    def span(self) -> str:
        """ "January 2025 to December 2025"."""
        first, last = (in_words(Period.parse(self.of.months[at])) for at in (0, -1))
        return first if first == last else f"{first} to {last}"

    @property
    def headline(self) -> str:
        """What the new contract would have cost, against the old one, in a sentence or two."""
        count = len(self.of.compared)
        if not count:
            return "No month could be priced, so there is nothing to compare."
        cost = self.cost
        months = f"{count} month{'s' if count > 1 else ''}"
        said = f"{self.of.new.name} would have cost {money(cost.new, self.currency)} in {months}"
        left_out = len(self.of.months) - count
        rest = f" {_set_aside(left_out)}" if left_out else ""
        if cost.old is None or cost.change is None or self.of.old is None:
            return f"{said}, service credits taken off and before tax.{rest}"
        if not cost.change:
            return f"{said}, exactly as much as {self.of.old.name}.{rest}"
        by = money(abs(cost.change), self.currency)
        word = "more" if cost.change > 0 else "less"
        share = _share(cost.change, cost.old)
        return f"{said}: {by} {word} than {self.of.old.name}{share}.{rest}"

    def differences(self, kind: str) -> tuple[Difference, ...]:
        """The rows of charges, or of credits."""
        return tuple(one for one in self.of.differences if one.kind is Kind(kind))

    def sum_of(self, title: str, rows: Iterable[Difference]) -> Sums:
        """What several rows come to."""
        rows = tuple(rows)
        old = sum((one.old_total for one in rows), _NOTHING) if self.of.old else None
        return Sums(title, old, sum((one.new_total for one in rows), _NOTHING))

    @property
    def charges(self) -> Sums:
        """All charges of the compared months."""
        return self.sum_of("Charges", self.differences("charge"))

    @property
    def credits(self) -> Sums:
        """All service credits of the compared months, below zero."""
        return self.sum_of("Service credits", self.differences("credit"))

    @property
    def cost(self) -> Sums:
        """Charges less service credits, before tax."""
        return self.sum_of("Cost before tax", self.of.differences)

    @property
    def month_lines(self) -> tuple[MonthLine, ...]:
        """Every month, those set aside too."""
        old = {row.month: row for row in self.of.old.months} if self.of.old else {}
        return tuple(MonthLine(row.month, old.get(row.month), row) for row in self.of.new.months)

    @property
    def set_aside(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Contract, month and reasons of what couldn't be priced."""
        return tuple(
            (contract.name, row.month, row.problems)
            for contract in self.of.contracts
            for row in contract.months
            if row.sums is None
        )

    @property
    def volume(self) -> tuple[VolumeLine, ...]:
        """The invoice by volume; empty where no month could be priced."""
        old = {one.percent: one for one in self.of.old.volume} if self.of.old else {}
        new = {one.percent: one for one in self.of.new.volume}
        return tuple(
            VolumeLine(percent, old.get(percent), new.get(percent))
            for percent in sorted(old.keys() | new.keys())
        )

    @property
    def volume_charges(self) -> tuple[tuple[str, str], ...]:
        """Id and title of the new contract's charges that move with the volume."""
        titles = {row.id: row.title for row in self.of.new.charges}
        moving = [
            name
            for name in titles
            if len({one.charges.get(name, _NOTHING) for one in self.of.new.volume}) > 1
        ]
        return tuple((name, titles[name]) for name in moving)

    @property
    def volume_of(self) -> str:
        """Which invoice the volume is changed in."""
        month = self.of.new.volume_of
        return in_words(Period.parse(month)) if month else "an average month"

    def short(self, month: str) -> str:
        """A month as the head of a narrow column."""
        return short_period(Period.parse(month))

    def grid(self, contract: SimulatedContract) -> tuple[GridRow, ...]:
        """Every clause of one contract by month."""
        return tuple(_grid(contract))

    @property
    def years(self) -> tuple[tuple[str, ...], ...]:
        """The months in spans of twelve at most, so that a table fits its page."""
        months = self.of.months
        return tuple(months[at : at + 12] for at in range(0, len(months), 12))


def _grid(contract: SimulatedContract) -> Iterator[GridRow]:
    for row in contract.charges:
        yield GridRow(row.id, row.title, row.clause, row.amounts)
    for level in contract.levels:
        amounts = {month: -one.credit for month, one in level.months.items()}
        yield GridRow(level.id, level.title, level.clause, amounts)
    for row in contract.further:
        amounts = {month: -amount for month, amount in row.amounts.items()}
        yield GridRow(row.id, row.title, row.clause, amounts)


def _set_aside(count: int) -> str:
    if count == 1:
        return "One month couldn't be priced and isn't in these sums."
    return f"{count} months couldn't be priced and aren't in these sums."


def _share(change: Decimal, of: Decimal) -> str:
    """The change as a share; empty where that would be nothing, or of nothing."""
    share = round_half_up(abs(change) * 100 / abs(of), 1) if of else _NOTHING
    return f" ({'+' if change > 0 else '−'}{number(share, 1)}%)" if share else ""


def signed_percent(percent: int) -> str:
    """ "+5%", "−20%", "±0%"."""
    sign = "+" if percent > 0 else "−" if percent else "±"
    return f"{sign}{abs(percent)}%"


def point_words(point: LevelPoint, sensitivity: LevelSensitivity) -> str:
    """Why a value is looked at: "expected", "2 points worse"."""
    if point.point in _POINTS:
        return _POINTS[point.point]
    size = abs(point.steps) * sensitivity.step
    unit = "points" if sensitivity.unit == "%" else words(sensitivity.unit)
    one = unit.removesuffix("s") if size == 1 else unit
    return f"{number(size)} {one} {'better' if point.steps > 0 else 'worse'}"


def stretch_words(stretch: Stretch, sensitivity: LevelSensitivity, currency: str) -> str:
    """What a stretch of values credits: "82.0% or better: EUR 0.00"."""
    at = sensitivity.stretches.index(stretch)
    last = at == len(sensitivity.stretches) - 1
    better, worse = (
        measured(value, sensitivity.unit, currency, sensitivity.places)
        for value in (stretch.better, stretch.worse)
    )
    if len(sensitivity.stretches) == 1:
        span = "at every value"
    elif at == 0:
        span = f"{worse} or better"
    elif last:
        span = f"{better} or worse"
    else:
        span = better if better == worse else f"{better} to {worse}"
    first, end = (
        money(amount, currency) for amount in (stretch.credit_at_better, stretch.credit_at_worse)
    )
    return f"{span}: {first}" if first == end else f"{span}: from {first} to {end}"
