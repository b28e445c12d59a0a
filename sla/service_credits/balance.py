"""Earn-back without cash: a balance of good work that later credits are set off against.

Source: the contract language, section "Service credits", `earn_back` of the form `balance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from governance.contract.service_credits import EarnBack
from governance.values import Period, round_money, summed
from sla.measurements.values import Status
from sla.service_credits.assessment import Case, better
from sla.service_credits.values import BalanceMovement, EarnedBack, ServiceCredits
from sla.service_credits.wording import amount_words, clause_words, counted, percent_words

_NOTHING = Decimal(0)


def balances(
    terms: EarnBack, cases: Mapping[str, Case], so_far: Sequence[ServiceCredits]
) -> tuple[BalanceMovement, ...]:
    """How each service level's balance moves in the last of the periods.

    First lapses what was added more than `lapse_months` calendar months ago; what is left can be
    used in all of the `lapse_months` months after the one that added it. Then a credit of the
    service level, after its share of a cap, uses the balance up, the oldest first. Or else, where
    the service level is judged better than expected, `percent` of what its last credited miss
    cost is added, rounded half up to the currency: never more than brings the balance to what
    was credited to the service level so far and hasn't been set off. Credits that lapsed
    unclaimed were never given; those of persistent failures and milestones are not returned.
    Only service levels whose balance moved or stands are named.
    """
    found = (_movement(terms, case, so_far) for case in cases.values())
    return tuple(each for each in found if each is not None)


def set_off(movements: Sequence[BalanceMovement], given: ServiceCredits) -> tuple[EarnedBack, ...]:
    """What the balances take off the period's own credits."""
    return tuple(
        EarnedBack(each.service_level, given.period, each.used, each.why)
        for each in movements
        if each.used
    )


@dataclass(frozen=True, slots=True)
class _Lot:
    """What one period added and is left of it."""

    period: Period
    left: Decimal


def _movement(
    terms: EarnBack, case: Case, so_far: Sequence[ServiceCredits]
) -> BalanceMovement | None:
    level_id = case.level.id
    lots = _lots(level_id, so_far[:-1])
    fresh = [lot for lot in lots if not _is_stale(terms, lot, case.now.period)]
    opening, standing = _sum_of(lots), _sum_of(fresh)
    used = min(standing, so_far[-1].counted_of(level_id))
    added = _NOTHING if used else _added(terms, case, so_far, standing)
    if not (opening or added):
        return None
    moved = BalanceMovement(
        service_level=level_id,
        opening=case.money(opening),
        added=case.money(added),
        used=case.money(used),
        lapsed=case.money(opening - standing),
        closing=case.money(standing - used + added),
        why="",
    )
    return replace(moved, why=_why(terms, case, moved))


def _lots(level_id: str, earlier: Sequence[ServiceCredits]) -> list[_Lot]:
    """What is left of every addition, oldest first: lapses and uses took the oldest."""
    lots: list[_Lot] = []
    for given in earlier:
        for moved in given.balance:
            if moved.service_level == level_id:
                known = _sum_of(lots)
                if moved.opening > known:
                    # The periods before are not known: what they left counts as of this one.
                    lots.append(_Lot(given.period, moved.opening - known))
                lots = list(_without(lots, moved.lapsed + moved.used))
                if moved.added:
                    lots.append(_Lot(given.period, moved.added))
    return lots


def _without(lots: Sequence[_Lot], taken: Decimal) -> Iterator[_Lot]:
    for lot in lots:
        from_this = min(lot.left, taken)
        taken -= from_this
        if lot.left > from_this:
            yield _Lot(lot.period, lot.left - from_this)


def _is_stale(terms: EarnBack, lot: _Lot, now: Period) -> bool:
    if terms.lapse_months is None:
        return False
    added, today = lot.period.end, now.end
    return (today.year - added.year) * 12 + today.month - added.month > terms.lapse_months


def _added(
    terms: EarnBack, case: Case, so_far: Sequence[ServiceCredits], standing: Decimal
) -> Decimal:
    now, level_id = case.now, case.level.id
    is_good = now.counts and now.status is Status.MET and now.value is not None
    if not is_good or now.value is None or not better(case.direction, now.value, now.expected):
        return _NOTHING
    costs = [given.counted_of(level_id) for given in so_far]
    set_off_before = summed(
        each.amount
        for given in so_far
        for each in given.earn_backs
        if each.service_level == level_id
    )
    last = next((cost for cost in reversed(costs) if cost), _NOTHING)
    share = round_money(last * terms.percent / Decimal(100), case.currency)
    return max(_NOTHING, min(share, summed(costs) - set_off_before - standing))


def _sum_of(lots: Sequence[_Lot]) -> Decimal:
    return summed(lot.left for lot in lots)


def _why(terms: EarnBack, case: Case, moved: BalanceMovement) -> str:
    def words(amount: Decimal) -> str:
        return amount_words(amount, case.currency)

    parts = []
    if moved.lapsed and terms.lapse_months is not None:
        parts.append(f"{words(moved.lapsed)} lapsed after {counted(terms.lapse_months, 'month')}")
    if moved.used:
        parts.append(f"{words(moved.used)} of the balance is set off against this credit")
    if moved.added:
        parts.append(
            f"better than expected, so {percent_words(terms.percent)} of the last credited miss,"
            f" as far as it isn't balanced yet, adds {words(moved.added)}"
        )
    parts.append(f"the balance is {words(moved.closing)}")
    return f"{clause_words(case.level)}: {'; '.join(parts)}"
