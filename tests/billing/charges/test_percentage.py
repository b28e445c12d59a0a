"""The closed form for many equal transactions equals pricing them one by one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from billing.charges.frame import Frame
from billing.charges.percentage import calculate
from billing.charges.span import Span
from billing.charges.values import MeteredAmount, Usage
from billing.indexation import PriceIndex
from governance.contract.charges import PercentageCharge, RateTier
from governance.values import EXACT, Period

JANUARY = Period.month(2026, 1)


@dataclass
class _Naive:
    """Prices transaction by transaction, as the contract language says it."""

    charge: PercentageCharge
    used: int = 0
    used_amount: Decimal = Decimal(0)
    cumulated: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)

    def is_free(self) -> bool:
        """Free until transactions or amount are used up, whichever comes first."""
        count, amount = self.charge.free_transactions, self.charge.free_amount
        if not count and not amount:
            return False
        return (not count or self.used < count) and (not amount or self.used_amount < amount)

    def add(self, amount: Decimal) -> None:
        """One more transaction."""
        if not self.is_free():
            self.charge_for(amount)
        elif amount < 0:
            self.used = max(self.used - 1, 0)
            self.used_amount = max(self.used_amount + amount, Decimal(0))
        else:
            self.used += 1
            self.used_amount += amount
            above = self.used_amount - self.charge.free_amount
            if self.charge.free_amount and above > 0:
                self.charge_for(above)

    def charge_for(self, amount: Decimal) -> None:
        """Rate part and fixed fee within the limits; a reversal takes the same back."""
        rate_part = self.rated(self.cumulated + amount) - self.rated(self.cumulated)
        self.cumulated += amount
        fee = abs(rate_part) + self.charge.fixed_per_transaction
        if self.charge.max_per_transaction is not None:
            fee = min(fee, self.charge.max_per_transaction)
        if self.charge.min_per_transaction is not None:
            fee = max(fee, self.charge.min_per_transaction)
        self.fee += fee if amount >= 0 else -fee

    def rated(self, amount: Decimal) -> Decimal:
        """Graduated rates on an amount from zero."""
        if not self.charge.tiers:
            return amount * (self.charge.rate or 0) / 100
        fee, lower = Decimal(0), Decimal(0)
        for tier in self.charge.tiers:
            top = amount if tier.up_to is None else min(amount, tier.up_to)
            if top > lower or lower == 0:
                fee += (top - lower) * tier.rate / 100
            if tier.up_to is None or amount <= tier.up_to:
                break
            lower = tier.up_to
        return fee

    def flats(self) -> Decimal:
        """Flat fees of the tiers entered."""
        fee = Decimal(0)
        for tier in self.charge.tiers:
            fee += tier.flat
            if tier.up_to is None or self.cumulated <= tier.up_to:
                break
        return fee


_cents = st.decimals(min_value=0, max_value=5, places=2)
_rates = st.decimals(min_value=0, max_value=50, places=1)
_groups = st.lists(
    st.builds(
        MeteredAmount,
        amount=st.decimals(min_value=-300, max_value=300, places=2),
        count=st.integers(min_value=1, max_value=12),
    ),
    max_size=8,
)


@st.composite
def _charges(draw: st.DrawFn) -> PercentageCharge:
    bounds = draw(
        st.lists(st.decimals(min_value=1, max_value=1500, places=2), max_size=3, unique=True)
    )
    tiers = tuple(
        RateTier(up_to=bound, rate=draw(_rates), flat=draw(_cents))
        for bound in [*sorted(bounds), None]
    )
    low = draw(st.none() | _cents)
    high = draw(st.none() | _cents.map(lambda above: (low or Decimal(0)) + above))
    tiered = draw(st.booleans())
    return PercentageCharge(
        id="CH-01",
        title="Fee",
        type="percentage",
        meter="cash",
        rate=None if tiered else draw(_rates),
        tiers=tiers if tiered else (),
        fixed_per_transaction=draw(_cents),
        free_transactions=draw(st.sampled_from([0, 0, 1, 5, 20])),
        free_amount=draw(st.just(Decimal(0)) | st.decimals(min_value=1, max_value=900, places=2)),
        min_per_transaction=low,
        max_per_transaction=high,
    )


def _closed_form(charge: PercentageCharge, groups: list[MeteredAmount]) -> Decimal:
    usage = Usage(JANUARY, {"cash": tuple(groups)})
    span = Span(JANUARY, JANUARY, JANUARY.start, None)
    return calculate(charge, Frame(usage, span, PriceIndex("EUR"))).amount


@given(_charges(), _groups)
def test_closed_form_equals_the_loop(charge: PercentageCharge, groups: list[MeteredAmount]) -> None:
    with localcontext(EXACT):
        naive = _Naive(charge)
        for group in groups:
            for _ in range(group.count):
                naive.add(group.amount)
        assert _closed_form(charge, groups) == naive.fee + naive.flats()


@given(_charges(), _groups)
def test_counts_are_only_a_shorthand(charge: PercentageCharge, groups: list[MeteredAmount]) -> None:
    with localcontext(EXACT):
        one_by_one = [MeteredAmount(group.amount) for group in groups for _ in range(group.count)]
        assert _closed_form(charge, groups) == _closed_form(charge, one_by_one)


def test_millions_of_transactions_cross_tiers_at_once() -> None:
    charge = PercentageCharge(
        id="CH-01",
        title="Fee",
        type="percentage",
        meter="cash",
        tiers=(
            RateTier(up_to=Decimal(1_000_005), rate=Decimal(2)),
            RateTier(up_to=None, rate=Decimal(1)),
        ),
        min_per_transaction=Decimal("0.15"),
    )
    # 100 000 at 0.20, one that crosses (5 at 2 %, 5 at 1 %) at 0.15, and the rest raised to 0.15.
    assert _closed_form(charge, [MeteredAmount(Decimal(10), count=5_000_000)]) == 755_000
