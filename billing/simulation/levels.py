"""How a month's service credit follows one service level, everything else equal.

A point is 1 in the KPI's unit. Where the contract rounds to two decimals or more it is ten of
the smallest units (0.1 at two decimals), as a whole point of 99.95 % would jump over everything
agreed; where another unit than percent stands above 100, it is the power of ten that is at least
a hundredth of what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from billing.settlement.values import Settlement
from billing.simulation.crediting import Crediting
from billing.simulation.stretches import stretches
from billing.simulation.values import LevelPoint, LevelSensitivity, Point
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import ServiceLevel
from governance.values import minor_digits, round_half_up
from sla.measurements.values import Measurement
from sla.service_credits.values import LevelCredit, ServiceCredits

STEPS: Final = 5
"""Points better and worse than the measured value."""
_PERCENT: Final = "%"


def sensitivities(settled: Settlement, crediting: Crediting) -> tuple[LevelSensitivity, ...]:
    """Every service level of the month; none where the contract agrees no service credits."""
    if settled.contract.service_credits is None:
        return ()
    return tuple(
        _of_level(settled, crediting, one)
        for one in settled.measured.results
        if any(level.id == one.service_level for level in settled.contract.service_levels)
    )


@dataclass(slots=True)
class _Scale:
    """Values of one service level in its smallest units, the best first."""

    level: ServiceLevel
    direction: Direction
    unit: str
    measured: Decimal | None
    crediting: Crediting
    seen: dict[Decimal, ServiceCredits] = field(default_factory=dict)

    @property
    def step(self) -> Decimal:
        places = self.level.round_to
        step = Decimal(1) if places is None else min(Decimal(1), Decimal(10).scaleb(-places))
        if self.unit != _PERCENT:
            while step * 100 < abs(self.level.expected):
                step *= 10
        return step

    @property
    def grain(self) -> Decimal:
        """The smallest difference that is looked at."""
        places = self.level.round_to
        return self.step / 100 if places is None else Decimal(1).scaleb(-places)

    @property
    def worse(self) -> Decimal:
        """The sign of what is worse."""
        return Decimal(-1) if self.direction is Direction.HIGHER_IS_BETTER else Decimal(1)

    def given(self, value: Decimal) -> ServiceCredits:
        """What the month would credit at a value."""
        if value not in self.seen:
            found = self.crediting.at(self.level.id, value)
            assert found is not None  # noqa: S101 (there are terms, or nothing is asked)
            self.seen[value] = found
        return self.seen[value]

    def net(self, value: Decimal) -> Decimal:
        """What comes off for the month at a value."""
        return self.given(value).net

    def own(self, value: Decimal) -> LevelCredit | None:
        """The service level's part of it; None where it isn't stated."""
        stated = self.given(value).service_levels
        return next((one for one in stated if one.id == self.level.id), None)

    def allowed(self, value: Decimal) -> Decimal:
        """A value that can occur: shares end at 0 and 100, other KPIs don't fall below zero
        unless they did."""
        if self.measured is None or self.measured >= 0:
            value = max(value, Decimal(0))
        return min(value, Decimal(100)) if self.unit == _PERCENT else value

    def _limits(self) -> Iterator[Decimal]:
        """Where a credit or bonus that grows with the distance has reached its most."""
        level, zone, linear = self.level, self.level.bonus_malus, self.level.linear
        if zone is not None:
            for sign, most in ((1, zone.max_malus_percent), (-1, zone.max_bonus_percent)):
                reach = zone.neutral_points + most / zone.percent_per_point
                yield level.expected + self.worse * sign * reach
        if linear is not None and level.max_percent is not None:
            yield level.expected + self.worse * level.max_percent / linear.percent_per_point

    def bounds(self) -> tuple[Decimal, Decimal]:
        """The best and the worst value looked at, beyond all that is agreed and measured."""
        agreed = [self.level.expected, self.level.minimum, self.measured]
        agreed += [band.from_ for band in self.level.points]
        agreed += [tier.below for tier in self.level.tiers]
        agreed += self._limits()
        known = [one * self.worse for one in agreed if one is not None]
        reach = STEPS * self.step
        best, worst = (min(known) - reach) * self.worse, (max(known) + reach) * self.worse
        return self.allowed(best), self.allowed(worst)


def _of_level(
    settled: Settlement, crediting: Crediting, measurement: Measurement
) -> LevelSensitivity:
    promised = {"expected": measurement.expected, "minimum": measurement.minimum}
    terms = settled.terms_of(measurement.service_level).model_copy(update=promised)
    scale = _Scale(terms, measurement.direction, measurement.unit, measurement.value, crediting)
    best, worst = scale.bounds()
    cent = Decimal(1).scaleb(-minor_digits(settled.measured.currency))
    return LevelSensitivity(
        id=terms.id,
        title=terms.title,
        clause=terms.clause,
        unit=measurement.unit,
        places=terms.round_to,
        step=scale.step,
        points=tuple(_points(scale)),
        stretches=stretches(scale.net, best, worst, scale.grain, cent),
    )


def _points(scale: _Scale) -> Iterator[LevelPoint]:
    """Expected, minimum, and the steps around what was measured, from the best to the worst."""
    level = scale.level
    wanted: list[tuple[Point, int, Decimal]] = [(Point.EXPECTED, 0, level.expected)]
    if level.minimum is not None:
        wanted.append((Point.MINIMUM, 0, level.minimum))
    wanted += _steps(scale)
    seen = _without_repeats(sorted(wanted, key=lambda one: one[2] * scale.worse))
    for point, steps, value in seen:
        own = scale.own(value)
        if own is not None:
            net = scale.net(value)
            yield LevelPoint(point, steps, value, own.status, own.credit, net)


def _steps(scale: _Scale) -> Iterator[tuple[Point, int, Decimal]]:
    measured = scale.measured
    middle = scale.level.expected if measured is None else measured
    if scale.level.round_to is not None:
        middle = round_half_up(middle, scale.level.round_to)
    if measured is not None:
        yield Point.MEASURED, 0, middle
    for steps in (*range(-STEPS, 0), *range(1, STEPS + 1)):
        yield Point.STEP, steps, scale.allowed(middle - scale.worse * steps * scale.step)


def _without_repeats(
    points: Sequence[tuple[Point, int, Decimal]],
) -> Iterator[tuple[Point, int, Decimal]]:
    """Steps that fall on another point, or on the end of what can occur, are left out."""
    named = {value for point, _, value in points if point is not Point.STEP}
    for point, steps, value in points:
        if point is Point.STEP:
            if value in named:
                continue
            named.add(value)
        yield point, steps, value
