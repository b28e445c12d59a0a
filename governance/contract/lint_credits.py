"""Lint rules on service credits: the pool, caps, repeats, earn-back, milestones and claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from governance.contract.lint_levels import has_consequence
from governance.contract.lint_values import (
    Concern,
    Concerns,
    Reading,
    Rule,
    Weight,
    months_from,
    percent,
)
from governance.contract.service_credits import (
    AtRiskPool,
    EarnBackForm,
    MilestoneCredit,
    ServicePoints,
)
from governance.contract.service_levels import ServiceLevel, Window
from governance.contract.yaml_nodes import Path
from governance.values import plain

_WHOLE = Decimal(100)
_PATH: Path = ("service_credits",)
_SHORTEST_CLAIM = 10
_MONTHS = {Window.QUARTER: 3, Window.YEAR: 12}


def _pool(reading: Reading) -> AtRiskPool | None:
    terms = reading.contract.service_credits
    return terms if isinstance(terms, AtRiskPool) else None


def category_is_unused(reading: Reading) -> Concerns:
    """The share of the pool that stands behind an unused category is at risk on paper only."""
    pool = _pool(reading)
    if pool is None:
        return
    used = {level.category for _, level in reading.levels()}
    for name, share in pool.categories.items():
        if name not in used:
            yield Concern(
                (*_PATH, "categories", name),
                f"no service level is in the category {name}, so {percent(share)} of the pool"
                " are never at risk",
                "put a service level into it, or share the pool over the others",
            )


def allocations_do_not_add_up(reading: Reading) -> Concerns:
    """Allocations share a category's pool: below 100 % a part is never at risk, above it misses
    of all levels cost more than the category.
    """
    pool = _pool(reading)
    if pool is None:
        return
    members: dict[str, list[tuple[Path, ServiceLevel]]] = {}
    for path, level in reading.levels():
        members.setdefault(level.category or "", []).append((path, level))
    for name in pool.categories:
        for since, total, (path, level) in _totals(members.get(name, [])):
            if total != _WHOLE:
                yield Concern(
                    (*path, "allocation"),
                    f"the allocations of the category {name} add up to {percent(total)}{since},"
                    f" so {_consequence(total)}",
                    "let the allocations of each category add up to 100 %",
                    level.clause,
                )
                break


def _totals(
    members: Sequence[tuple[Path, ServiceLevel]],
) -> Iterator[tuple[str, Decimal, tuple[Path, ServiceLevel]]]:
    """The sum of allocations at first, and after each day on which some of them end."""
    ordered = sorted(members, key=lambda each: each[1].ends or date.max)
    total = sum((level.allocation or Decimal(0) for _, level in members), Decimal(0))
    if members:
        yield "", total, members[0]
    for index, (_, level) in enumerate(ordered[:-1]):
        total -= level.allocation or Decimal(0)
        following = ordered[index + 1]
        if level.ends is not None and following[1].ends != level.ends:
            yield f" from {level.ends + timedelta(days=1)} on", total, following


def _consequence(total: Decimal) -> str:
    if total < _WHOLE:
        return f"{percent(_WHOLE - total)} of its part of the pool are never at risk"
    return "missing them all costs more than its part of the pool"


def categories_leave_a_rest(reading: Reading) -> Concerns:
    """What no category has is part of the amount at risk that one reads, and never lost."""
    pool = _pool(reading)
    total = sum(pool.categories.values(), Decimal(0)) if pool else _WHOLE
    if total < _WHOLE:
        yield Concern(
            (*_PATH, "categories"),
            f"the categories add up to {percent(total)}, so {percent(_WHOLE - total)} of the pool"
            " are never at risk",
            "raise a category, or lower at_risk_percent to what is meant",
        )


def categories_exceed_the_pool(reading: Reading) -> Concerns:
    """Categories above 100 % weigh each miss more, until the cap of the pool binds."""
    pool = _pool(reading)
    total = sum(pool.categories.values(), Decimal(0)) if pool else _WHOLE
    if pool and total > _WHOLE:
        yield Concern(
            (*_PATH, "categories"),
            f"the categories add up to {percent(total)}; the credit of a period still is at most"
            f" {percent(pool.at_risk_percent)} of the base, where the cap binds",
            "nothing, if misses of several categories are meant to reach the cap sooner",
            weight=Weight.NOTE,
        )


def below_expected_never_happens(reading: Reading) -> Concerns:
    """Without a minimum every miss counts at once, so a count of lesser misses has no use."""
    pool = _pool(reading)
    if pool is None or pool.below_expected is None:
        return
    between = [
        level
        for _, level in reading.levels()
        if level.category and level.minimum is not None and level.minimum != level.expected
    ]
    if reading.contract.service_levels and not between:
        yield Concern(
            (*_PATH, "below_expected"),
            "no service level has a minimum apart from expected, so below_expected never happens",
            "give the service levels a minimum, or leave below_expected out",
        )


def repeats_cost_no_more(reading: Reading) -> Concerns:
    """A multiplier is there to make repeated misses dearer."""
    terms = reading.contract.service_credits
    if isinstance(terms, AtRiskPool) and terms.repeat is not None:
        path: Path = (*_PATH, "repeat", "multiplier")
        multiplier = terms.repeat.multiplier
    elif isinstance(terms, ServicePoints):
        path, multiplier = (*_PATH, "repeat_multiplier"), terms.repeat_multiplier
        if multiplier == 1:
            return
    else:
        return
    if multiplier <= 1:
        less = "as much as" if multiplier == 1 else "less than"
        yield Concern(
            path,
            f"with the multiplier {plain(multiplier)} a repeated miss costs {less} the first",
            "choose a multiplier above 1",
        )


def persistent_failure_never_happens(reading: Reading) -> Concerns:
    """A level judged once a quarter can't be missed more often than it is judged."""
    terms = reading.contract.service_credits
    for index, rule in enumerate(terms.persistent_failure if terms else ()):
        named = [
            level
            for _, level in reading.levels()
            if not rule.service_levels or level.id in rule.service_levels
        ]
        most = max((rule.within_months // _MONTHS.get(each.window, 1) for each in named), default=0)
        if named and most < rule.count:
            yield Concern(
                (*_PATH, "persistent_failure", index, "count"),
                f"{rule.count} misses within {rule.within_months} months can't happen: the service"
                f" levels are judged {most} times in them",
                "lower count, or widen within_months",
                rule.clause,
            )


def persistent_failure_of_an_ended_level(reading: Reading) -> Concerns:
    """A level that has ended fails no more; whoever replaced it should be named."""
    terms = reading.contract.service_credits
    ended = {
        level.id: level.ends
        for _, level in reading.levels()
        if level.ends is not None and level.ends < reading.day
    }
    for index, rule in enumerate(terms.persistent_failure if terms else ()):
        for position, name in enumerate(rule.service_levels):
            if name in ended:
                yield Concern(
                    (*_PATH, "persistent_failure", index, "service_levels", position),
                    f"persistent failure names the service level {name}, which ended on"
                    f" {ended[name]}",
                    "name the service level that took its place, or leave it out",
                    rule.clause,
                )


def _milestones(reading: Reading) -> Iterator[tuple[Path, MilestoneCredit]]:
    terms = reading.contract.service_credits
    for index, milestone in enumerate(terms.milestones if terms else ()):
        yield (*_PATH, "milestones", index), milestone


def milestone_is_past(reading: Reading) -> Concerns:
    """A milestone agreed after its day is missed from the start, unless it was reached."""
    starts = reading.contract.engagement.starts
    for path, milestone in _milestones(reading):
        if starts <= milestone.due < reading.day:
            yield Concern(
                (*path, "due"),
                f"milestone {milestone.id} was due on {milestone.due}, which is past",
                "hand in the evidence that it was reached, or agree on a new day",
                milestone.clause,
                Weight.NOTE,
            )


def milestone_without_limit(reading: Reading) -> Concerns:
    """A credit for every day late grows without end, beyond what a court may uphold."""
    for path, milestone in _milestones(reading):
        if milestone.per_day and milestone.maximum is None:
            yield Concern(
                (*path, "per_day"),
                f"the credit a day for milestone {milestone.id} has no limit",
                "agree on maximum",
                milestone.clause,
            )


def earn_back_gives_nothing(reading: Reading) -> Concerns:
    """0 % of a credit is nothing to win back."""
    terms = reading.contract.service_credits
    if terms is not None and terms.earn_back is not None and terms.earn_back.percent == 0:
        yield Concern(
            (*_PATH, "earn_back", "percent"),
            "earn-back gives 0 % of a credit back",
            "state a percentage, or leave earn_back out",
        )


def earn_back_takes_too_long(reading: Reading) -> Concerns:
    """Good months after the end win nothing back."""
    terms, engagement = reading.contract.service_credits, reading.contract.engagement
    earn = terms.earn_back if terms else None
    if earn is None or engagement.ends is None:
        return
    months = months_from(engagement.starts, engagement.ends)
    if earn.form in {EarnBackForm.MET, EarnBackForm.EXCEEDED} and earn.months >= months:
        yield Concern(
            (*_PATH, "earn_back", "months"),
            f"earn-back takes {earn.months} good months, and the term has {months}",
            "ask for fewer months",
        )


def balance_never_lapses(reading: Reading) -> Concerns:
    """A balance that never lapses grows into a sum that is argued about at the end."""
    terms = reading.contract.service_credits
    earn = terms.earn_back if terms else None
    if earn is not None and earn.form is EarnBackForm.BALANCE and earn.lapse_months is None:
        yield Concern(
            (*_PATH, "earn_back"),
            "what is left of a balance never lapses",
            "agree on lapse_months, or on what becomes of it at the end",
            weight=Weight.NOTE,
        )


def claim_is_short(reading: Reading) -> Concerns:
    """Figures are agreed days after a period's end; who must claim sooner loses credits."""
    terms = reading.contract.service_credits
    days = terms.claim_within_days if terms else None
    if days is not None and days < _SHORTEST_CLAIM:
        yield Concern(
            (*_PATH, "claim_within_days"),
            f"a credit lapses {days} days after the period's end, before its figures are agreed",
            "agree on 30 days or so",
        )


def chosen_without_incidents_to_choose(reading: Reading) -> Concerns:
    """With one service level that has a consequence no incident is behind several misses."""
    terms = reading.contract.service_credits
    if terms is None or terms.incidents != "chosen":
        return
    if sum(has_consequence(level, terms) for _, level in reading.levels()) < 2:
        yield Concern(
            (*_PATH, "incidents"),
            "the client chooses where an incident counts, and only one service level has a"
            " consequence",
            "leave incidents out",
        )


RULES: tuple[Rule, ...] = (
    category_is_unused,
    allocations_do_not_add_up,
    categories_leave_a_rest,
    categories_exceed_the_pool,
    below_expected_never_happens,
    repeats_cost_no_more,
    persistent_failure_never_happens,
    persistent_failure_of_an_ended_level,
    milestone_is_past,
    milestone_without_limit,
    earn_back_gives_nothing,
    earn_back_takes_too_long,
    balance_never_lapses,
    claim_is_short,
    chosen_without_incidents_to_choose,
)
