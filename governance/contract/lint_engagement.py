"""Lint rules on the frame of a contract: term, notice, transfer, clauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from governance.contract.charges import Charge, EarlyTerminationCharge
from governance.contract.engagement import Model
from governance.contract.lint_values import (
    NOT_STATED,
    Concern,
    Concerns,
    Reading,
    Rule,
    charge_concern,
    listed,
    months_from,
)
from governance.contract.service_levels import ServiceLevel
from governance.values import months_after


def notice_is_past(reading: Reading) -> Concerns:
    """After the last day for notice a contract can't be ended at its end any more, and often
    runs on for another term unless somebody acts.
    """
    terms = reading.contract.engagement
    if terms.ends is None or not terms.notice_months or reading.day > terms.ends:
        return
    last = _last_day_of_notice(terms.ends, terms.notice_months)
    if terms.starts <= last < reading.day:
        yield Concern(
            ("engagement", "notice_months"),
            f"notice for the end on {terms.ends} had to be given by {last}, which is past",
            "agree in writing whether the engagement ends or goes on, and on which terms",
        )


def notice_outlasts_term(reading: Reading) -> Concerns:
    """A notice longer than the term would have had to be given before the contract began."""
    terms = reading.contract.engagement
    if terms.ends is None or not terms.notice_months:
        return
    last = _last_day_of_notice(terms.ends, terms.notice_months)
    if terms.starts <= terms.ends and last < terms.starts:
        yield Concern(
            ("engagement", "notice_months"),
            f"notice for the end on {terms.ends} would have to be given by {last},"
            f" before the engagement starts on {terms.starts}",
            "shorten the notice, or lengthen the term",
        )


def _last_day_of_notice(ends: date, months: int) -> date:
    """So many months before the day after the last: 30 September for three months to year's end."""
    return months_after(ends + timedelta(days=1), -months) - timedelta(days=1)


def open_end_without_notice(reading: Reading) -> Concerns:
    """Without an end and without a notice nobody can say how one gets out of the contract."""
    terms = reading.contract.engagement
    if terms.ends is None and terms.notice_months is None:
        yield Concern(
            ("engagement", "starts"),
            "the engagement has neither an end nor a notice period",
            "agree on ends, or on notice_months",
        )


def transfer_is_missing(reading: Reading) -> Concerns:
    """Whoever builds a centre to hand it over should know when and for how much."""
    terms = reading.contract.engagement
    if terms.model is Model.BUILD_OPERATE_TRANSFER and terms.transfer is None:
        yield Concern(
            ("engagement", "model"),
            "build_operate_transfer without the day and the fee of the transfer",
            "agree on transfer, or write down how its fee will be found",
        )


def transfer_after_end(reading: Reading) -> Concerns:
    """Between the end and a later transfer nobody is bound to run the centre."""
    terms = reading.contract.engagement
    if terms.transfer is None or terms.ends is None:
        return
    if terms.transfer.on > terms.ends + timedelta(days=1):
        yield Concern(
            ("engagement", "transfer", "on"),
            f"the transfer on {terms.transfer.on} comes after the engagement ends on {terms.ends}",
            f"transfer on {terms.ends + timedelta(days=1)} at the latest, or end later",
        )


def ending_costs_nothing(reading: Reading) -> Concerns:
    """Ending early for convenience leaves the provider with costs; without a charge nobody
    owes them.
    """
    contract = reading.contract
    ended = contract.engagement.termination
    if ended is None or ended.reason != "convenience":
        return
    if not any(isinstance(charge, EarlyTerminationCharge) for charge in contract.charges):
        yield Concern(
            ("engagement", "termination"),
            "the engagement ends early for convenience, and no charge says what that costs",
            "add a charge of the type early_termination, or state that ending is free",
        )


def termination_steps_out_of_reach(reading: Reading) -> Concerns:
    """A step of the schedule that ends before the engagement starts can never be the one."""
    starts = reading.contract.engagement.starts
    for path, charge in reading.charges_of(EarlyTerminationCharge):
        for index, step in enumerate(charge.schedule):
            if step.until is not None and step.until < starts:
                yield charge_concern(
                    charge,
                    (*path, "schedule", index, "until"),
                    f"the step until {step.until} ends before the engagement starts on {starts}",
                    "correct the day, or leave the step out",
                )


def ending_later_costs_more(reading: Reading) -> Concerns:
    """What ending costs normally falls with time, as the provider earns back what it spent."""
    for path, charge in reading.charges_of(EarlyTerminationCharge):
        for index, (earlier, later) in enumerate(pairwise(charge.schedule), start=1):
            before = (earlier.amount or 0, earlier.months_of_charges or 0)
            after = (later.amount or 0, later.months_of_charges or 0)
            alike = (before[0] == 0) == (after[0] == 0) and (before[1] == 0) == (after[1] == 0)
            if alike and any(b > a for a, b in zip(before, after, strict=True)):
                yield charge_concern(
                    charge,
                    (*path, "schedule", index),
                    f"ending after {earlier.until} costs more than before",
                    "check the order of the steps and their amounts",
                )


def calendar_is_unused(reading: Reading) -> Concerns:
    """A calendar that no clock names has no effect: the clocks run by other hours than meant."""
    calendars = reading.contract.engagement.calendars
    used = {
        str(value)
        for _, level in reading.levels()
        for value in level.parameters.values()
        if isinstance(value, str)
    }
    used |= {name for each in calendars.values() for name in (*each.all_of, *each.any_of)}
    for name in calendars:
        if name not in used:
            yield Concern(
                ("engagement", "calendars", name),
                f"no service level's clock runs by the calendar {name}",
                "name it in the parameter calendar of the service levels meant, or leave it out",
            )


def term_is_short_for_window(reading: Reading) -> Concerns:
    """A window longer than the term is never filled: the promise is judged on a part at best."""
    terms = reading.contract.engagement
    if terms.ends is None or terms.ends < terms.starts:
        return
    months = months_from(terms.starts, terms.ends)
    for path, level in reading.levels():
        window = _WINDOW_MONTHS[level.window.value]
        if window > months:
            yield Concern(
                (*path, "window"),
                f"service level {level.id}: its window of {window} months is longer than the"
                f" term of {months}",
                "choose a shorter window",
                level.clause,
            )


_WINDOW_MONTHS = {
    "month": 1,
    "quarter": 3,
    "rolling_3_months": 3,
    "rolling_12_months": 12,
    "year": 12,
}


def clause_is_missing(reading: Reading) -> Concerns:
    """A figure that names no clause can't be followed back to what was signed."""
    parts: tuple[tuple[str, str, Sequence[ServiceLevel | Charge]], ...] = (
        ("service_levels", "service level", reading.contract.service_levels),
        ("charges", "charge", reading.contract.charges),
    )
    for key, word, items in parts:
        without = [index for index, item in enumerate(items) if item.clause == NOT_STATED]
        if without and len(without) < len(items):
            names = listed([items[index].id for index in without])
            plural = "s name" if len(without) > 1 else " names"
            yield Concern(
                (key, without[0]),
                f"the {word}{plural} no clause: {names}, while others do",
                "state clause, as a reader finds it in the signed contract",
            )


RULES: tuple[Rule, ...] = (
    notice_is_past,
    notice_outlasts_term,
    open_end_without_notice,
    transfer_is_missing,
    transfer_after_end,
    ending_costs_nothing,
    termination_steps_out_of_reach,
    ending_later_costs_more,
    calendar_is_unused,
    term_is_short_for_window,
    clause_is_missing,
)
