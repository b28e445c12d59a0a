"""The sums that must hold before a settlement is stated anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing.charges.values import PricedPeriod
from billing.settlement.values import Settlement
from billing.tax import percentage_of
from sla.service_credits.values import ServiceCredits

_NONE = Decimal(0)


class DoesNotReconcile(AssertionError):
    """Figures of a settlement contradict each other: a bug, never an input's fault."""


def reconciles(settlement: Settlement) -> None:
    """Recompute every sum of a settlement.

    Raises DoesNotReconcile with all contradictions: lines against the subtotal, taxes against
    their bases, totals, service credits against their service levels, caps and earn-backs.
    """
    contradictions = [
        *_of_price(settlement.priced),
        *_of_credits(settlement),
    ]
    if contradictions:
        raise DoesNotReconcile("; ".join(contradictions))


def _of_price(priced: PricedPeriod) -> Iterator[str]:
    before_tax = priced.subtotal - priced.service_credit
    taxes = _sum(tax.amount for tax in priced.taxes)
    yield from _unless_equal(
        "subtotal", priced.subtotal, _sum(line.amount for line in priced.lines)
    )
    if priced.lines or before_tax:
        yield from _unless_equal("tax bases", _sum(tax.base for tax in priced.taxes), before_tax)
    for tax in priced.taxes:
        expected = percentage_of(tax.base, tax.rate, priced.currency)
        yield from _unless_equal(f"tax {tax.category.value}", tax.amount, expected)
    yield from _unless_equal("total", priced.total, before_tax + taxes)
    yield from _unless_equal("payable", priced.payable, priced.total - priced.withholding)


def _of_credits(settlement: Settlement) -> Iterator[str]:
    stated = settlement.priced.service_credit
    coming_off = _sum(each.net for each in settlement.settled_credits)
    yield from _unless_equal("service credit", stated, coming_off)
    own = (settlement.credits,) if settlement.credits else ()
    for given in (*settlement.credit_history, *own):
        yield from _of_month(given)


def _of_month(given: ServiceCredits) -> Iterator[str]:
    label = f"credit of {given.period.label}"
    yield from _unless_equal(label, given.credit, _sum(given.shares))
    yield from _unless_equal(
        f"{label}, bonus", given.bonus, _sum(one.bonus or _NONE for one in given.service_levels)
    )
    yield from _unless_equal(
        f"{label}, earned back", given.earned_back, _sum(each.amount for each in given.earn_backs)
    )
    net = given.counted - given.earned_back - given.bonus
    yield from _unless_equal(f"{label}, net", given.net, net)
    if given.cap is not None and given.credit > given.cap:
        yield f"{label}: {given.credit} exceeds the cap of {given.cap}"


def _unless_equal(name: str, stated: Decimal, recomputed: Decimal) -> Iterator[str]:
    if stated != recomputed:
        yield f"{name}: stated {stated}, recomputed {recomputed}"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
