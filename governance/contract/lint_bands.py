"""Lint rules on the steps of a consequence: credit tiers, points bands, bonus and malus."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from governance.contract.kpi_signature import Direction
from governance.contract.lint_values import (
    Concerns,
    Reading,
    Rule,
    Weight,
    level_concern,
    percent,
)
from governance.contract.service_credits import BonusMalusTerms, LinearCredit, ServicePoints, Tiers
from governance.contract.service_levels import CreditTier, ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.values import plain

_NOTHING = Decimal(0)


def _sign(direction: Direction) -> int:
    """What turns values so that the greater is the better."""
    return 1 if direction is Direction.HIGHER_IS_BETTER else -1


def _tiered(reading: Reading) -> Iterator[tuple[Path, ServiceLevel, int]]:
    if not isinstance(reading.contract.service_credits, Tiers):
        return
    for path, level in reading.levels():
        direction = reading.direction(level)
        if level.tiers and direction is not None:
            yield path, level, _sign(direction)


def _best_first(level: ServiceLevel, sign: int) -> list[tuple[int, CreditTier]]:
    return sorted(enumerate(level.tiers), key=lambda each: each[1].below * sign, reverse=True)


def tier_is_never_reached(reading: Reading) -> Concerns:
    """A tier whose whole range is met, or taken by a worse tier, never gives its credit."""
    for path, level, sign in _tiered(reading):
        for (index, tier), (_, worse) in pairwise(_best_first(level, sign)):
            if worse.below * sign >= level.expected * sign:
                yield level_concern(
                    level,
                    (*path, "tiers", index),
                    f"its tier below {plain(tier.below)} is never reached: a miss of"
                    f" {plain(level.expected)} always is in the tier below {plain(worse.below)}",
                    f"set its bound between {plain(level.expected)} and the worse tiers",
                )


def tier_starts_where_it_is_met(reading: Reading) -> Concerns:
    """A value that is met costs nothing, so a tier that is better than expected starts later
    than it says.
    """
    for path, level, sign in _tiered(reading):
        index, first = _best_first(level, sign)[0]
        if first.below * sign > level.expected * sign:
            yield level_concern(
                level,
                (*path, "tiers", index, "below"),
                f"its tier below {plain(first.below)} starts where the level is still met, at"
                f" {plain(level.expected)}",
                f"set below to {plain(level.expected)}, or check expected",
            )


def miss_without_tier(reading: Reading) -> Concerns:
    """Between expected and the first tier a miss is stated and costs nothing."""
    for path, level, sign in _tiered(reading):
        index, first = _best_first(level, sign)[0]
        slightest = level.expected
        if level.round_to is not None:
            slightest -= sign * Decimal(1).scaleb(-level.round_to)
        reached = first.below * sign > slightest * sign or first.below == level.expected
        if not reached:
            yield level_concern(
                level,
                (*path, "tiers", index, "below"),
                f"misses from {plain(level.expected)} to {plain(first.below)} are in no tier and"
                " cost nothing",
                f"start the first tier at {plain(level.expected)}, if they are to cost something",
            )


def tier_without_credit(reading: Reading) -> Concerns:
    """A tier of 0 % costs nothing, and so does a tier with the percentage of the better one."""
    for path, level, sign in _tiered(reading):
        before = _NOTHING
        for index, tier in _best_first(level, sign):
            if tier.percent == before:
                yield level_concern(
                    level,
                    (*path, "tiers", index, "percent"),
                    f"its tier below {plain(tier.below)} adds nothing: {percent(tier.percent)} as"
                    " before it",
                    "leave the tier out, or raise its percentage",
                )
            before = tier.percent


def _scored(reading: Reading) -> Iterator[tuple[Path, ServiceLevel, int]]:
    if not isinstance(reading.contract.service_credits, ServicePoints):
        return
    for path, level in reading.levels():
        direction = reading.direction(level)
        if level.points and direction is not None:
            yield path, level, _sign(direction)


def points_band_is_never_reached(reading: Reading) -> Concerns:
    """Between two rounded values there may be none for a narrow band to take."""
    for path, level, sign in _scored(reading):
        if level.round_to is None:
            continue
        better = level.expected * sign
        for index, band in enumerate(level.points[:-1]):
            bound = (band.from_ or _NOTHING) * sign
            first = bound.quantize(Decimal(1).scaleb(-level.round_to), rounding=ROUND_CEILING)
            if first >= better:
                yield level_concern(
                    level,
                    (*path, "points", index, "from"),
                    f"no value with {level.round_to} decimals falls into its band from"
                    f" {plain(band.from_ or _NOTHING)}",
                    "set the bounds at least one step of round_to apart",
                )
            better = bound


def points_fall_with_a_worse_value(reading: Reading) -> Concerns:
    """A worse value that scores less rewards letting a bad month become a worse one."""
    for path, level, _ in _scored(reading):
        for index, (before, band) in enumerate(pairwise(level.points), start=1):
            if band.points <= before.points:
                much = "no more" if band.points == before.points else "less"
                yield level_concern(
                    level,
                    (*path, "points", index, "points"),
                    f"its band of {plain(band.points)} points scores {much} than the better one"
                    f" of {plain(before.points)}",
                    "let points rise from band to band",
                )


def points_of_nothing(reading: Reading) -> Concerns:
    """A band of no points makes a miss free, which expected could say by itself."""
    for path, level, _ in _scored(reading):
        for index, band in enumerate(level.points):
            if band.points == 0:
                yield level_concern(
                    level,
                    (*path, "points", index, "points"),
                    "one of its bands scores nothing, so such a miss is free",
                    "give it points, or move expected",
                )


def full_points_are_never_missed(reading: Reading) -> Concerns:
    """Full points leave a started one out: near the limit of the scale there may be no full one."""
    if not isinstance(reading.contract.service_credits, LinearCredit):
        return
    for path, level in reading.levels():
        if level.linear is None or level.linear.count != "full" or reading.unit(level) != "%":
            continue
        direction = reading.direction(level)
        room = 100 - level.expected if direction is Direction.LOWER_IS_BETTER else level.expected
        if direction is not None and _NOTHING <= room < 1:
            yield level_concern(
                level,
                (*path, "linear", "count"),
                f"no value misses {plain(level.expected)} % by a full point",
                "count points pro_rata",
            )


def bonus_is_out_of_reach(reading: Reading) -> Concerns:
    """A bonus that starts beyond the end of the scale is never paid."""
    for path, level in _rewarded(reading):
        terms, direction = level.bonus_malus, reading.direction(level)
        if terms is None or direction is None or reading.unit(level) != "%":
            continue
        room = 100 - level.expected if direction is Direction.HIGHER_IS_BETTER else level.expected
        if terms.max_bonus_percent and room <= terms.neutral_points:
            yield level_concern(
                level,
                (*path, "bonus_malus", "max_bonus_percent"),
                f"no value is more than {plain(terms.neutral_points)} points better than"
                f" {plain(level.expected)} %, so the bonus is never earned",
                "narrow the neutral zone, or leave the bonus out",
            )


def bonus_above_malus(reading: Reading) -> Concerns:
    """A provider who can win more than lose is paid for swings, not for steadiness."""
    for path, level in _rewarded(reading):
        terms = level.bonus_malus
        if terms is not None and terms.max_bonus_percent > terms.max_malus_percent:
            yield level_concern(
                level,
                (*path, "bonus_malus", "max_bonus_percent"),
                f"its bonus of up to {percent(terms.max_bonus_percent)} is above its malus of up"
                f" to {percent(terms.max_malus_percent)}",
                "check that both sides mean it",
                Weight.NOTE,
            )


def bonus_without_limit_a_year(reading: Reading) -> Concerns:
    """A yearly limit keeps what the client pays for good months within its budget."""
    credit = reading.contract.service_credits
    if not isinstance(credit, BonusMalusTerms) or credit.annual_bonus_cap_percent is not None:
        return
    for path, level in _rewarded(reading):
        if level.bonus_malus is not None and level.bonus_malus.max_bonus_percent:
            yield level_concern(
                level,
                (*path, "bonus_malus"),
                "bonuses have no limit a year",
                "agree on annual_bonus_cap_percent in service_credits",
                Weight.NOTE,
            )
            return


def _rewarded(reading: Reading) -> Iterator[tuple[Path, ServiceLevel]]:
    if isinstance(reading.contract.service_credits, BonusMalusTerms):
        yield from reading.levels()


RULES: tuple[Rule, ...] = (
    tier_is_never_reached,
    tier_starts_where_it_is_met,
    miss_without_tier,
    tier_without_credit,
    points_band_is_never_reached,
    points_fall_with_a_worse_value,
    points_of_nothing,
    full_points_are_never_missed,
    bonus_is_out_of_reach,
    bonus_above_malus,
    bonus_without_limit_a_year,
)
