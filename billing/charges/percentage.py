"""A rate on amounts, such as cash collected, transaction by transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.charges import meters
from billing.charges.frame import Calculation, Frame, joined, priced
from billing.charges.tiers import bound, flat_fees, parts_of, reached, spread, tier_text
from billing.charges.values import MeteredAmount, Step
from governance.contract.charges import PercentageCharge, RateTier
from governance.values import plain, summed


@dataclass(frozen=True, slots=True)
class _Allowance:
    """What is free: the first so many transactions, or so much of their amount."""

    transactions: int | None
    amount: Decimal | None
    used_transactions: int = 0
    used_amount: Decimal = Decimal(0)

    @property
    def lasts(self) -> bool:
        if self.transactions is None and self.amount is None:
            return False
        return (self.transactions is None or self.used_transactions < self.transactions) and (
            self.amount is None or self.used_amount < self.amount
        )

    def fits(self, group: MeteredAmount) -> int:
        """How many transactions of the group are wholly free."""
        limits = [group.count]
        if self.transactions is not None:
            limits.append(self.transactions - self.used_transactions)
        if self.amount is not None and group.amount > 0:
            limits.append(int((self.amount - self.used_amount) // group.amount))
        return min(limits)

    def take(self, amount: Decimal, count: int) -> _Allowance:
        return replace(
            self,
            used_transactions=self.used_transactions + count,
            used_amount=self.used_amount + amount * count,
        )

    def give_back(self, reversal: MeteredAmount) -> _Allowance:
        return replace(
            self,
            used_transactions=max(self.used_transactions - reversal.count, 0),
            used_amount=max(self.used_amount + reversal.amount * reversal.count, Decimal(0)),
        )


def calculate(charge: PercentageCharge, frame: Frame) -> Calculation:
    """Rate part and fixed fee of every charged transaction, in the order given, unrounded.

    Transactions are free until `free_transactions` or `free_amount` is used up, whichever
    comes first; the one that crosses `free_amount` pays on the part above it. A reversal
    gives allowance back as long as some is left, and afterwards takes the fee of its amount
    back. `tiers` go by the cumulated charged amount of the period. `min_per_transaction` and
    `max_per_transaction` hold for rate part and fixed fee together. Transactions of equal
    amount that stand together (`count`) are priced in closed form. Late transactions come after
    the period's own.
    Raises BadInput where the usage doesn't give the meter as amounts.
    """
    metered = meters.amounts(charge.id, charge.meter, frame.usage)
    earlier = _earlier(charge, frame)
    before = tuple(_after_allowance(earlier, charge))
    # Transactions are taken in order, so what the earlier ones pay stands at the start.
    charged = tuple(_after_allowance((*earlier, *metered), charge))[len(before) :]
    steps = _steps(charge, charged, meters.total_of(before), frame)
    total = meters.total_of(metered)
    return Calculation(
        total, charge.meter, _with_free_text(steps, metered, charged, frame), charge.meter
    )


def _earlier(charge: PercentageCharge, frame: Frame) -> tuple[MeteredAmount, ...]:
    """What other lines of the charge price: the period's own transactions, before late ones."""
    return tuple(
        one for usage in frame.after for one in meters.amounts(charge.id, charge.meter, usage)
    )


def _steps(
    charge: PercentageCharge, charged: tuple[MeteredAmount, ...], before: Decimal, frame: Frame
) -> tuple[Step, ...]:
    """Steps of the transactions that pay; `before` is the amount that fills the tiers already."""
    tiers = charge.tiers or (RateTier(up_to=None, rate=charge.rate or Decimal(0)),)
    fixed = frame.prices.of(charge.fixed_per_transaction)
    total = meters.total_of(charged)
    entered = before if frame.is_late else None
    return (
        *_rate_steps(total, tiers, before),
        *_fixed_steps(charged, fixed),
        *flat_fees(before + total, tiers, frame.prices.of, entered),
        *_limit_steps(charge, _rate_parts(charged, tiers, before), fixed, frame),
    )


def _with_free_text(
    steps: tuple[Step, ...],
    metered: tuple[MeteredAmount, ...],
    charged: tuple[MeteredAmount, ...],
    frame: Frame,
) -> tuple[Step, ...]:
    total, rest = meters.total_of(metered), meters.total_of(charged)
    if metered == charged:
        return steps
    free = f"{frame.money(total)} less {frame.money(total - rest)} free"
    return (replace(steps[0], text=joined(free, steps[0].text)), *steps[1:])


def _after_allowance(
    metered: Sequence[MeteredAmount], charge: PercentageCharge
) -> Iterator[MeteredAmount]:
    """The transactions that pay, each with the part of its amount that pays."""
    allowance = _Allowance(charge.free_transactions or None, charge.free_amount or None)
    for group in metered:
        if not allowance.lasts:
            yield group
        elif group.amount < 0:
            allowance = allowance.give_back(group)
        else:
            free = allowance.fits(group)
            allowance = allowance.take(group.amount, free)
            paying = group.count - free
            if paying and allowance.lasts and allowance.amount is not None:
                above = allowance.used_amount + group.amount - allowance.amount
                allowance = allowance.take(group.amount, 1)
                paying -= 1
                yield replace(group, amount=above, count=1)
            if paying:
                yield replace(group, count=paying)


def _rate_steps(amount: Decimal, tiers: Sequence[RateTier], before: Decimal) -> tuple[Step, ...]:
    # The rate parts of all transactions add up to that of the cumulated amount.
    parts = parts_of(amount, tiers, before)
    shown = [position for position, part in enumerate(parts) if part]
    return tuple(_rate_step(tiers, position, parts[position]) for position in shown or [0])


def _rate_step(tiers: Sequence[RateTier], position: int, part: Decimal) -> Step:
    rate = tiers[position].rate
    return priced(part, rate / 100, joined(f"{plain(rate)} %", _where(tiers, position)))


def _where(tiers: Sequence[RateTier], position: int) -> str:
    return f"amount {tier_text(tiers, position)}" if len(tiers) > 1 else ""


def _fixed_steps(charged: Sequence[MeteredAmount], fixed: Decimal) -> tuple[Step, ...]:
    if not fixed:
        return ()
    count = sum(one.count if one.amount >= 0 else -one.count for one in charged)
    reversals = any(one.amount < 0 for one in charged)
    text = "charged transactions" + (", less reversals" if reversals else "")
    return (priced(Decimal(count), fixed, text),)


def _limit_steps(
    charge: PercentageCharge,
    rate_parts: Iterable[tuple[Decimal, int, int]],
    fixed: Decimal,
    frame: Frame,
) -> tuple[Step, ...]:
    low, high = charge.min_per_transaction, charge.max_per_transaction
    if low is None and high is None:
        return ()
    raised, lowered = _Correction(), _Correction()
    for rate_part, sign, count in rate_parts:
        fee = abs(rate_part) + fixed
        if low is not None and fee < low:
            raised.add((low - fee) * sign, count)
        elif high is not None and fee > high:
            lowered.add((high - fee) * sign, count)
    return (
        *raised.step("raised to the minimum", low, frame),
        *lowered.step("held to the maximum", high, frame),
    )


@dataclass(slots=True)
class _Correction:
    """Running sum of what a limit per transaction adds or takes."""

    amount: Decimal = Decimal(0)
    count: int = 0

    def add(self, difference: Decimal, count: int) -> None:
        self.amount += difference * count
        self.count += count

    def step(self, what: str, limit: Decimal | None, frame: Frame) -> tuple[Step, ...]:
        if limit is None or not self.count:
            return ()
        noun = "transaction" if self.count == 1 else "transactions"
        text = f"{self.count} {noun} {what} of {frame.money(limit)} each"
        return (priced(Decimal(1), self.amount, text),)


def _rate_parts(
    charged: Sequence[MeteredAmount], tiers: Sequence[RateTier], before: Decimal
) -> Iterator[tuple[Decimal, int, int]]:
    """(rate part of one transaction, its sign, how many are the same), in the order given."""
    cumulated = before
    for group in charged:
        sign = -1 if group.amount < 0 else 1
        left = group.count
        while left:
            same, rate_part = _same_rate(group.amount, left, cumulated, tiers)
            yield rate_part, sign, same
            cumulated += group.amount * same
            left -= same


def _same_rate(
    amount: Decimal, count: int, start: Decimal, tiers: Sequence[RateTier]
) -> tuple[int, Decimal]:
    """How many transactions of `amount` from `start` on pay the same, and what each pays.

    All that stay inside one tier do; one that passes a bound stands alone.
    """
    inside, rate = _inside(amount, count, start, tiers)
    if inside:
        return inside, amount * rate / 100
    return 1, _cumulated_rate_part(start + amount, tiers) - _cumulated_rate_part(start, tiers)


def _inside(
    amount: Decimal, count: int, start: Decimal, tiers: Sequence[RateTier]
) -> tuple[int, Decimal]:
    position = reached(start, tiers)
    if amount > 0 and position < len(tiers) - 1:
        count = min(count, int((bound(tiers[position]) - start) // amount))
    elif amount < 0 and position > 0:
        count = min(count, int((start - bound(tiers[position - 1])) // -amount))
    return count, tiers[position].rate


def _cumulated_rate_part(amount: Decimal, tiers: Sequence[RateTier]) -> Decimal:
    parts = zip(tiers, spread(amount, tiers), strict=True)
    return summed(part * tier.rate / 100 for tier, part in parts)
