"""Rules between the keys of the service credits, and of service levels that they move."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from governance.contract.checks_service_levels import Setting, direction_of
from governance.contract.document import Contract
from governance.contract.findings import Finding, Findings
from governance.contract.kpi_signature import Direction
from governance.contract.messages import did_you_mean
from governance.contract.service_credits import (
    EarnBackForm,
    MilestoneCredit,
    PersistentFailure,
)
from governance.contract.service_levels import ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.values import plain

_PERCENT_OR_UNKNOWN = frozenset({"%", ""})


def check_earn_back(contract: Contract) -> Findings:
    """A balance has no months to be good in, and nothing but a balance lapses."""
    terms = contract.service_credits
    if terms is None or terms.earn_back is None:
        return
    earn_back, path = terms.earn_back, ("service_credits", "earn_back")
    is_balance = earn_back.form is EarnBackForm.BALANCE
    if is_balance and "months" in earn_back.model_fields_set:
        yield Finding(
            (*path, "months"),
            "a balance grows with every good period, so it has no months",
            "lapse_months, or the form met or exceeded",
        )
    if not is_balance and earn_back.lapse_months is not None:
        yield Finding(
            (*path, "lapse_months"),
            f"nothing lapses with the form {earn_back.form}",
            "lapse_months only with the form balance",
        )


def check_persistent_failures(contract: Contract) -> Findings:
    """Each clause names service levels of the contract, once, and can happen in its window."""
    terms = contract.service_credits
    known = [level.id for level in contract.service_levels]
    for index, rule in enumerate(() if terms is None else terms.persistent_failure):
        path: Path = ("service_credits", "persistent_failure", index)
        yield from _check_named(rule, path, known)
        if rule.count > rule.within_months:
            yield Finding(
                (*path, "count"),
                f"can never happen within {rule.within_months} months",
                f"at most {rule.within_months}",
            )


def _check_named(rule: PersistentFailure, path: Path, known: Iterable[str]) -> Findings:
    levels = list(known)
    for position, name in enumerate(rule.service_levels):
        here = (*path, "service_levels", position)
        if name not in levels:
            what = f"unknown service level{did_you_mean(name, levels)}"
            yield Finding(here, what, ", ".join(levels) or "no service levels are agreed")
        elif name in rule.service_levels[:position]:
            yield Finding(here, "the service level is listed twice", "each service level once")


def check_milestone_credits(contract: Contract) -> Findings:
    """Each critical milestone has an id of its own, a due day within the engagement and a cost."""
    terms = contract.service_credits
    first: dict[str, int] = {}
    for index, milestone in enumerate(() if terms is None else terms.milestones):
        path: Path = ("service_credits", "milestones", index)
        earlier = first.setdefault(milestone.id, index)
        if earlier != index:
            what = f"the id is taken by service_credits.milestones[{earlier}] already"
            yield Finding((*path, "id"), what, "an id of its own")
        yield from _check_due(contract, milestone, path)
        yield from _check_cost(milestone, path)


def _check_due(contract: Contract, milestone: MilestoneCredit, path: Path) -> Findings:
    starts, ends = contract.engagement.starts, contract.engagement.ends
    if milestone.due < starts:
        yield Finding((*path, "due"), "due before the engagement starts", f"{starts} or later")
    elif ends is not None and starts <= ends < milestone.due:
        yield Finding((*path, "due"), "due after the engagement ends", f"{ends} or earlier")


def _check_cost(milestone: MilestoneCredit, path: Path) -> Findings:
    if not milestone.amount and not milestone.per_day:
        what = "being late costs nothing"
        yield Finding((*path, "amount"), what, "an amount, or per_day", "")
    if milestone.maximum is not None and milestone.maximum < milestone.amount:
        yield Finding(
            (*path, "maximum"),
            "the maximum is below the amount",
            f"at least {plain(milestone.amount)}",
        )


def check_ratchet(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """A gap to 100 needs a KPI in percent and a gap; a ramp ends before the promise rises."""
    ratchet = level.ratchet
    if ratchet is None:
        return
    yield from _check_ramp_before(level, path, setting)
    if ratchet.form != "gap_to_100":
        return
    kpi = None if setting.kpis is None else setting.kpis.get(level.kpi)
    if kpi is not None and kpi.unit not in _PERCENT_OR_UNKNOWN:
        yield Finding(
            (*path, "ratchet", "form"),
            f"a gap to 100 needs a KPI in percent, and {level.kpi} is in {kpi.unit}",
            "halfway_to_average",
        )
        return
    direction = direction_of(level, setting.kpis)
    higher = direction is not Direction.LOWER_IS_BETTER
    if (level.expected >= Decimal(100)) if higher else (level.expected <= Decimal(0)):
        yield Finding(
            (*path, "expected"),
            "leaves no gap for the ratchet to close",
            "below 100" if higher else "above 0",
        )


def _check_ramp_before(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    starts = setting.contract.engagement.starts
    first = f"{starts.year + 1}-{starts:%m}"
    for month in level.ramp or {}:
        if month >= first:
            yield Finding(
                (*path, "ramp", month),
                "the ratchet moves the promise by then",
                f"a month before {first}",
            )
