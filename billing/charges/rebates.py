"""Volume rebates: a discount on other charges once they reach an amount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.charges.frame import joined, priced
from billing.charges.lines import printed_steps, round_line
from billing.charges.span import calendar_block
from billing.charges.values import ChargeLine, Step, TaxTreatment, Usage
from billing.tax import share_out, treatment_of
from governance.contract.charges import VolumeRebateCharge
from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import Period, money_text, plain, summed

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a rebate is given on: it is taxed as that, and in or out of the credit base as that."""

    tax: TaxTreatment
    pass_through: bool = False

    @property
    def text(self) -> str:
        """The kind in words: "standard 19 %"."""
        rate = f"{plain(self.tax.rate)} %" if self.tax.rate else ""
        passed_on = "passed on" if self.pass_through else ""
        words = (self.tax.category.value.replace("_", " "), rate, passed_on)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class _Rebate:
    """One rebate in one period; amounts are what the charges that it is on came to."""

    charge: VolumeRebateCharge
    span: Period
    """The month, quarter or year that charges are added up over."""
    before: Decimal
    """In the span's earlier periods."""
    weights: Mapping[_Kind, Decimal]
    """In the period itself, by kind."""
    currency: str

    @property
    def now(self) -> Decimal:
        """In the period itself."""
        return summed(self.weights.values())

    @property
    def total(self) -> Decimal:
        """In the span so far."""
        return self.before + self.now

    def money(self, amount: Decimal) -> str:
        """An amount in a step's text."""
        return money_text(amount, self.currency)


def rebate_lines(
    charge: VolumeRebateCharge, contract: Contract, usage: Usage, lines: Sequence[ChargeLine]
) -> tuple[ChargeLine, ...]:
    """The rebate of one period, on what `lines` charge for the charges that it is `of`.

    Charges are added up over the calendar month, quarter or year: the span's earlier periods
    (`usage.charged_before`) and the period itself, true-ups and late quantities included. Given
    is what the rebate on all of it is more than that on the earlier ones, each rounded half up,
    so that the periods of a span give exactly the rebate on the whole. It turns positive where
    reversals lead back below a bound. A tier counts for what is over its bound, not on it.

    Where the charges differ in tax treatment, or some of them are passed on, each kind has a line
    of its own: its share in proportion to the period's charges, the remainder to the largest.
    Raises BadInput where the period is longer than the span.
    """
    rebate = _Rebate(
        charge,
        _span(charge, usage.period),
        usage.charged_before.get(charge.id, Decimal(0)),
        _weights(charge, lines) or {_Kind(treatment_of(contract.invoicing.tax)): Decimal(0)},
        contract.engagement.currency,
    )
    steps, amount = _steps_and_amount(rebate, usage.period)
    shares = share_out(amount, rebate.weights, rebate.currency)
    # A rebate of nothing still has its line, which says how far the charges are.
    largest = max(rebate.weights, key=lambda kind: rebate.weights[kind])
    given = [kind for kind, share in shares.items() if share] or [largest]
    return tuple(
        _line(rebate, kind, shares[kind], (*steps, *_others(rebate, kind, shares)))
        for kind in given
    )


def _span(charge: VolumeRebateCharge, period: Period) -> Period:
    """The calendar month, quarter or year that charges are added up over for a period.

    Raises BadInput where the period is longer.
    """
    span = calendar_block(period.end, _MONTHS[charge.per])
    if period.start >= span.start:
        return span
    raise BadInput.one(
        Problem(
            f"the rebate {charge.id} is counted by the {charge.per}, and the period is longer",
            column=f"charges.{charge.id}.per",
            found=f"{charge.per}, in the period {period.label}",
            allowed="a span at least as long as what one invoice is for",
        )
    )


def _weights(charge: VolumeRebateCharge, lines: Sequence[ChargeLine]) -> dict[_Kind, Decimal]:
    weights: dict[_Kind, Decimal] = {}
    for line in lines:
        if line.charge in charge.of and not line.outside_base:
            kind = _Kind(line.tax, line.pass_through)
            weights[kind] = weights.get(kind, Decimal(0)) + line.amount
    return weights


def _steps_and_amount(rebate: _Rebate, period: Period) -> tuple[tuple[Step, ...], Decimal]:
    """The arithmetic of the whole rebate, before it is shared, and what it comes to."""
    steps = _tier_steps(rebate, rebate.total)
    due = _rounded(steps, rebate)
    given = _rounded(_tier_steps(rebate, rebate.before), rebate)
    first = replace(steps[0], text=joined(_charged_text(rebate, period), steps[0].text))
    steps = (first, *steps[1:])
    if given:
        text = f"given before, on {rebate.money(rebate.before)}"
        steps = (*steps, Step(_ONE, -given, -given, text))
    amount = due - given
    unrounded = summed(step.amount for step in steps)
    if round_line(unrounded, rebate.currency) != amount:
        # Halves are rounded away from zero, so a difference of halves may be rounded otherwise.
        steps = (
            *steps,
            priced(_ONE, (amount - unrounded).normalize(), "the rebate so far is rounded half up"),
        )
    return steps, amount


def _rounded(steps: Sequence[Step], rebate: _Rebate) -> Decimal:
    return round_line(summed(step.amount for step in steps), rebate.currency)


def _charged_text(rebate: _Rebate, period: Period) -> str:
    if rebate.span.start == period.start and not rebate.before:
        return f"{rebate.money(rebate.total)} charged in {rebate.span.label}"
    return (
        f"{rebate.money(rebate.total)} charged in {rebate.span.label},"
        f" {rebate.money(rebate.before)} of it before"
    )


def _tier_steps(rebate: _Rebate, charged: Decimal) -> tuple[Step, ...]:
    """The rebate on so much, by tier; one step that says so where no tier is reached."""
    steps = (
        _retroactive(rebate, charged) if rebate.charge.retroactive else _marginal(rebate, charged)
    )
    lowest = rebate.charge.tiers[0].over
    return tuple(steps) or (
        priced(charged, Decimal(0), f"not over {rebate.money(lowest)}: no rebate"),
    )


def _retroactive(rebate: _Rebate, charged: Decimal) -> Iterator[Step]:
    """All of it at the rate of the highest tier reached."""
    reached = [tier for tier in rebate.charge.tiers if charged > tier.over]
    if reached:
        tier = reached[-1]
        text = f"{plain(tier.percent)} % of all of it, as it is over {rebate.money(tier.over)}"
        yield priced(charged, -tier.percent / 100, text)


def _marginal(rebate: _Rebate, charged: Decimal) -> Iterator[Step]:
    """The part in each tier at that tier's rate."""
    tiers = rebate.charge.tiers
    for tier, bound in zip(tiers, [*(one.over for one in tiers[1:]), None], strict=True):
        upper = charged if bound is None else min(charged, bound)
        if upper > tier.over:
            up_to = f" up to {rebate.money(bound)}" if bound is not None else ""
            text = f"{plain(tier.percent)} % of what is over {rebate.money(tier.over)}{up_to}"
            yield priced(upper - tier.over, -tier.percent / 100, text)


def _others(rebate: _Rebate, kind: _Kind, shares: Mapping[_Kind, Decimal]) -> tuple[Step, ...]:
    """The step that leaves the other kinds their shares; none where there are no others."""
    rest = summed(share for other, share in shares.items() if other != kind)
    if not rest:
        return ()
    own, now = rebate.money(rebate.weights[kind]), rebate.money(rebate.now)
    text = f"left to the other charges, as {own} of {now} charged now is {kind.text}"
    return (Step(_ONE, -rest, -rest, text),)


def _line(rebate: _Rebate, kind: _Kind, amount: Decimal, steps: Sequence[Step]) -> ChargeLine:
    return ChargeLine(
        charge=rebate.charge.id,
        title=rebate.charge.title,
        clause=rebate.charge.clause,
        quantity=rebate.total,
        unit="charges",
        amount=amount,
        steps=printed_steps(steps, amount, rebate.currency),
        tax=kind.tax,
        pass_through=kind.pass_through,
    )
