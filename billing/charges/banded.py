"""A baseline fee with additional and reduced resource charges (ARC/RRC)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.values import Step
from governance.contract.charges import BandedCharge, BandStep
from governance.values import plain


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
    Baseline and fee are those of a whole period and are prorated together. Unrounded.
    Raises BadInput where the usage doesn't give the meter as one number.
    """
    counted = meters.quantity(charge.id, charge.meter, frame.usage)
    baseline = frame.span.prorate(charge.baseline)
    fee = frame.span.prorate(frame.prices.of(charge.amount))
    reduced = _side(charge.reduced, charge, baseline, -1, frame)
    side = reduced
    if counted > baseline:
        side = _side(charge.additional, charge, baseline, 1, frame)
    floor = fee + sum((step.amount for step in reduced.steps(baseline)), Decimal(0))
    text = joined(
        _baseline_text(charge, baseline, frame),
        f"effective minimum {frame.money(floor)} at no volume" if charge.reduced else "",
    )
    fee_step = Step(frame.span.prorate(Decimal(1)), frame.prices.of(charge.amount), fee, text)
    return Calculation(
        counted, charge.meter, (fee_step, *side.steps(abs(counted - baseline))), charge.meter
    )


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
