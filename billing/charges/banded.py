"""A baseline fee with additional and reduced resource charges (ARC/RRC)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined, priced, taken_back
from billing.charges.values import Step
from governance.contract.charges import BandedCharge, BandStep
from governance.values import plain, summed


@dataclass(frozen=True, slots=True)
class _Side:
    """The bands on one side of the baseline; volumes are distances from it."""

    bands: Sequence[BandStep]
    baseline: Decimal
    edge: Decimal
    """Distance of the deadband's edge from the baseline."""
    start: Decimal
    """Distance from which charged units are counted."""
    sign: int
    """1 for additional units, -1 for reduced ones."""

    def steps(self, distance: Decimal) -> list[Step]:
        """Steps for a volume that far from the baseline; none inside the deadband."""
        if distance <= self.edge:
            return []
        steps = []
        lower = self.start
        for position, band in enumerate(self.bands):
            upper = distance
            if position < len(self.bands) - 1:
                upper = min(distance, self.baseline * band.up_to_percent / 100)
            if upper > lower:
                steps.append(
                    priced(upper - lower, self.sign * band.price, self._text(lower, upper))
                )
                lower = upper
        return steps

    def _text(self, lower: Decimal, upper: Decimal) -> str:
        ends = (self.baseline + self.sign * lower, self.baseline + self.sign * upper)
        kind = "additional" if self.sign > 0 else "reduced"
        return f"{kind} units from {plain(ends[0])} to {plain(ends[1])}"


def calculate(charge: BandedCharge, frame: Frame) -> Calculation:
    """The baseline fee, plus additional or minus reduced units outside the deadband.

    Units are counted from the deadband's edge or from the baseline, as `counted_from` says.
    `up_to_percent` is the distance from the baseline; past the last band its price stays.
    Baseline and fee are those of a whole period and are prorated together. Late units add to
    the period's own, and charge what additional and reduced units then change by. Unrounded.
    Raises BadInput where the usage doesn't give the meter as one number.
    """
    counted = meters.quantity(charge.id, charge.meter, frame.usage)
    if frame.is_late:
        return Calculation(counted, charge.meter, _late(charge, counted, frame), charge.meter)
    fee = frame.span.prorate(frame.prices.of(charge.amount))
    none = summed(step.amount for step in _unit_steps(charge, Decimal(0), frame))
    floor = _limited(charge, fee + none, frame)
    text = joined(
        _baseline_text(charge, frame.span.prorate(charge.baseline), frame),
        f"effective minimum {frame.money(floor)} at no volume" if charge.reduced else "",
    )
    fee_step = Step(frame.span.prorate(Decimal(1)), frame.prices.of(charge.amount), fee, text)
    steps = (fee_step, *_unit_steps(charge, counted, frame))
    return Calculation(counted, charge.meter, steps, charge.meter, floor)


def _limited(charge: BandedCharge, floor: Decimal, frame: Frame) -> Decimal:
    """The least fee that volumes lead to, within the charge's own minimum and maximum."""
    if charge.minimum is not None:
        floor = max(floor, frame.span.prorate(charge.minimum))
    if charge.maximum is not None:
        floor = min(floor, frame.span.prorate(charge.maximum))
    return floor


def _unit_steps(charge: BandedCharge, counted: Decimal, frame: Frame) -> list[Step]:
    """The additional or reduced units of a volume; none inside the deadband."""
    baseline = frame.span.prorate(charge.baseline)
    if counted > baseline:
        side = _side(charge.additional, charge, baseline, 1, frame)
    else:
        side = _side(charge.reduced, charge, baseline, -1, frame)
    return side.steps(abs(counted - baseline))


def _late(charge: BandedCharge, counted: Decimal, frame: Frame) -> tuple[Step, ...]:
    before = meters.quantities(charge.id, charge.meter, frame.after)
    steps = (
        *_unit_steps(charge, before + counted, frame),
        *(
            taken_back(step, "charged without the late units")
            for step in _unit_steps(charge, before, frame)
        ),
    )
    unchanged = f"{plain(before)} and {plain(counted)} late units lie where the fee is unchanged"
    return steps or (priced(counted, Decimal(0), unchanged),)


def _side(
    bands: Sequence[BandStep], charge: BandedCharge, baseline: Decimal, sign: int, frame: Frame
) -> _Side:
    edge = baseline * charge.deadband_percent / 100
    start = edge if charge.counted_from == "edge" else Decimal(0)
    ordered = sorted(bands, key=lambda band: band.up_to_percent)
    indexed = [band.model_copy(update={"price": frame.prices.of(band.price)}) for band in ordered]
    return _Side(indexed, baseline, edge, start, sign)


def _baseline_text(charge: BandedCharge, baseline: Decimal, frame: Frame) -> str:
    edge = baseline * charge.deadband_percent / 100
    days = frame.span.days_text(frame.span.period, frame.span.active)
    around = f", unchanged from {plain(baseline - edge)} to {plain(baseline + edge)}"
    return joined(f"baseline {plain(baseline)}{around if edge else ''}", days)
