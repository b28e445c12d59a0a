"""From unrounded arithmetic to invoice lines: limits, the one rounding, steps fit to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal

from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.span import Span
from billing.charges.values import ChargeLine, Step, TaxTreatment
from governance.contract.charges import Charge, EarlyTerminationCharge, PassThroughCharge
from governance.values import money_text, round_half_up, round_money

_SETTLED = Context(prec=50, rounding=ROUND_HALF_UP)
"""Narrower than EXACT by ten digits: 16/31 of 31 is 16 again after several divisions, so that
a half is not rounded down because a quotient ended in nines."""
_PRINTED_DECIMALS = 10


def round_line(amount: Decimal, currency: str) -> Decimal:
    """The one rounding of a line: half up, to the currency."""
    return round_money(_SETTLED.plus(amount), currency)


def charge_lines(
    charge: Charge, calculations: Iterable[Calculation], frame: Frame, tax: TaxTreatment
) -> tuple[ChargeLine, ...]:
    """The charge's lines and, below its minimum, the true-up under the same charge id.

    The charge's own calculation comes first, then those of late quantities. A maximum shows as a
    step that takes the excess off. Both limits are prorated by days, and hold for all the lines
    together.
    """
    lines: list[ChargeLine] = []
    charged = Decimal(0)
    for calculation in calculations:
        lines.append(_line(charge, _limited(charge, calculation, frame, charged), frame, tax))
        charged += lines[-1].amount
    if charge.minimum is None:
        return tuple(lines)
    missing = round_line(frame.span.prorate(charge.minimum), frame.currency) - charged
    if missing <= 0:
        return tuple(lines)
    limit = _limit_text("minimum", charge.minimum, frame.span, frame.currency)
    text = f"{limit} less {frame.money(charged)} charged"
    return (*lines, true_up(lines[0], f"{charge.title} – true-up to the minimum", missing, text))


def _line(charge: Charge, calculation: Calculation, frame: Frame, tax: TaxTreatment) -> ChargeLine:
    amount = round_line(calculation.amount, frame.currency)
    first, *rest = calculation.steps
    told = replace(first, text=joined(first.text, frame.prices.text))
    late, floor = calculation.late, calculation.effective_minimum
    return ChargeLine(
        charge=charge.id,
        title=f"{charge.title} – late from {late}" if late else charge.title,
        clause=charge.clause,
        quantity=_printed(calculation.quantity),
        unit=calculation.unit,
        amount=amount,
        steps=printed_steps((told, *rest), amount, frame.currency),
        tax=tax,
        pass_through=isinstance(charge, PassThroughCharge),
        meter=calculation.meter,
        late=late,
        effective_minimum=None if floor is None else round_line(floor, frame.currency),
        outside_base=isinstance(charge, EarlyTerminationCharge),
    )


def true_up(like: ChargeLine, title: str, amount: Decimal, text: str) -> ChargeLine:
    """A line that lifts what `like` charges; it is taxed like it."""
    return replace(
        like,
        title=title,
        quantity=Decimal(1),
        unit="true-up",
        amount=amount,
        steps=(priced(Decimal(1), amount, text),),
        meter=None,
        effective_minimum=None,
    )


def _limited(
    charge: Charge, calculation: Calculation, frame: Frame, charged: Decimal
) -> Calculation:
    """The calculation within what `charged` leaves of the maximum."""
    if charge.maximum is None:
        return calculation
    room = round_line(frame.span.prorate(charge.maximum), frame.currency) - charged
    if round_line(calculation.amount, frame.currency) <= room:
        return calculation
    limit = _limit_text("maximum", charge.maximum, frame.span, frame.currency)
    text = f"held to the {limit}{f' less {frame.money(charged)} charged' if charged else ''}"
    excess = _at_least_minor(room - calculation.amount, frame.currency)
    return replace(calculation, steps=(*calculation.steps, priced(Decimal(1), excess, text)))


def _limit_text(kind: str, limit: Decimal, span: Span, currency: str) -> str:
    days = span.days_text(span.period, span.active)
    text = f"{kind} of {money_text(limit, currency)}"
    if not days:
        return text
    part = money_text(round_line(span.prorate(limit), currency), currency)
    return f"{text} for {days}, {part},"


def printed_steps(steps: Sequence[Step], amount: Decimal, currency: str) -> tuple[Step, ...]:
    """The steps with numbers of a length that one can print.

    Amounts are rounded to the currency where they then still add up to the line's amount;
    else they keep their decimals, because a reader adds them up before rounding.
    """
    rounded = [round_line(step.amount, currency) for step in steps]
    amounts = (
        rounded
        if sum(rounded) == amount
        else [_at_least_minor(_printed(step.amount), currency) for step in steps]
    )
    return tuple(
        Step(_printed(step.quantity), _printed(step.price), shown, step.text)
        for step, shown in zip(steps, amounts, strict=True)
    )


def _at_least_minor(amount: Decimal, currency: str) -> Decimal:
    rounded = round_money(amount, currency)
    return rounded if rounded == amount else amount


def _printed(value: Decimal) -> Decimal:
    """The value as it is written, or to ten decimals where it has more."""
    if -int(value.as_tuple().exponent) <= _PRINTED_DECIMALS:
        return value
    return round_half_up(value, _PRINTED_DECIMALS).normalize()
