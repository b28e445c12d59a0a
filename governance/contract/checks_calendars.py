"""Rules of the contract's calendars, and of the clocks that run by them."""

from __future__ import annotations

from collections.abc import Mapping

from governance.contract.checks_service_levels import Setting
from governance.contract.document import Contract
from governance.contract.engagement import BusinessHours, CalendarTerms
from governance.contract.findings import Finding, Findings
from governance.contract.messages import did_you_mean
from governance.contract.places import check_country, check_zone
from governance.contract.service_levels import ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.holiday_dates import subdivisions

_OWN = "business_hours"
_NEEDS_CALENDAR = ("business_days", "business_hours")
_UNIT_PARAMETERS = ("time", "clock")
"""The parameter that names the unit of a clock; `clock` where a KPI has no `time`."""


def check_business_hours(contract: Contract) -> Findings:
    """Business hours open before they close, on at least one day of a known country."""
    if contract.engagement.business_hours is not None:
        path = ("engagement", "business_hours")
        yield from _check_hours(contract.engagement.business_hours, path)


def check_calendars(contract: Contract) -> Findings:
    """Calendars have hours of their own, or are made of others that exist, without a circle."""
    calendars = contract.engagement.calendars
    for name, terms in calendars.items():
        path = ("engagement", "calendars", name)
        if name == _OWN and contract.engagement.business_hours is not None:
            yield Finding(path, "engagement.business_hours has this name already", "another name")
        if terms.all_of or terms.any_of:
            yield from _check_parts(contract, name, terms, path)
        else:
            yield from _check_hours(terms, path)


def _check_hours(terms: BusinessHours, path: Path) -> Findings:
    yield from _check_opening(terms.opens, terms.closes, path)
    if not terms.days:
        yield Finding((*path, "days"), "no business day", "at least one of mon to sun")
    for day, hours in terms.hours.items():
        here = (*path, "hours", day)
        yield from _check_opening(hours.opens, hours.closes, here)
        if day not in terms.days:
            yield Finding(here, f"{day} is no business day", ", ".join(terms.days))
    for index, date in enumerate(terms.open_on):
        if date in terms.closed_on:
            here = (*path, "open_on", index)
            yield Finding(here, "the day stands in closed_on, too", "each day in one of the two")
    if terms.time_zone is not None:
        yield from check_zone(terms.time_zone, (*path, "time_zone"))
    yield from _check_holidays(terms, path)


def _check_opening(opens: str, closes: str, path: Path) -> Findings:
    if opens >= closes:
        over_midnight = ", as 30:00 for 06:00 of the day after" if opens >= "12:00" else ""
        allowed = f"a time after {opens}{over_midnight}"
        yield Finding((*path, "closes"), "closes before it opens", allowed)
    elif _minutes(closes) - _minutes(opens) > 24 * 60:
        yield Finding((*path, "closes"), "open for more than 24 hours", "24 hours at most")


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _check_holidays(terms: BusinessHours, path: Path) -> Findings:
    """The country and its part are ones whose public holidays are known."""
    country, known = terms.country, subdivisions()
    if country is None:
        if terms.subdivision is not None:
            here = (*path, "subdivision")
            yield Finding(here, "a part of no country", "its country in the key country")
        return
    unknown = list(check_country(country, path))
    yield from unknown
    if unknown:
        return
    if country not in known:
        what = "the public holidays of this country aren't known"
        yield Finding((*path, "country"), what, "no country, and its holidays in closed_on")
    elif terms.subdivision is not None and terms.subdivision not in known[country]:
        near = did_you_mean(terms.subdivision, known[country])
        allowed = ", ".join(known[country]) or f"none, for {country} has no parts"
        yield Finding((*path, "subdivision"), f"unknown part of {country}{near}", allowed)


def _check_parts(contract: Contract, name: str, terms: CalendarTerms, path: Path) -> Findings:
    if terms.model_fields_set - {"all_of", "any_of"} or (terms.all_of and terms.any_of):
        what = "a calendar has hours of its own, all_of or any_of"
        yield Finding(path, what, "one of the three", "")
    kind = "all_of" if terms.all_of else "any_of"
    known = _names(contract)
    for index, part in enumerate(terms.all_of or terms.any_of):
        here = (*path, kind, index)
        if part not in known:
            yield Finding(here, f"unknown calendar{did_you_mean(part, known)}", ", ".join(known))
        elif name in _below(contract.engagement.calendars, part, set()):
            yield Finding(here, f"the calendar {name} is made of itself", "calendars without it")


def _below(calendars: Mapping[str, CalendarTerms], name: str, seen: set[str]) -> set[str]:
    """A calendar and all that it is made of."""
    if name not in seen:
        seen.add(name)
        terms = calendars.get(name)
        for part in (*terms.all_of, *terms.any_of) if terms else ():
            _below(calendars, part, seen)
    return seen


def _names(contract: Contract) -> tuple[str, ...]:
    """The calendars that a contract defines."""
    own = () if contract.engagement.business_hours is None else (_OWN,)
    return (*own, *(name for name in contract.engagement.calendars if name != _OWN or not own))


def check_clock(level: ServiceLevel, path: Path, setting: Setting) -> Findings:
    """A clock in business time runs by a calendar that the contract has."""
    if setting.kpis is None or level.kpi not in setting.kpis:
        return
    known = setting.kpis[level.kpi].parameters
    if "calendar" not in known:
        return
    calendars = _names(setting.contract)
    calendar = _chosen(level, setting, "calendar")
    unit = next((_chosen(level, setting, name) for name in _UNIT_PARAMETERS if name in known), None)
    if calendar in calendars or (
        unit not in _NEEDS_CALENDAR and "calendar" not in level.parameters
    ):
        return
    here = (*path, "parameters", "calendar")
    if calendars:
        near = did_you_mean(str(calendar), calendars)
        yield Finding(here, f"unknown calendar '{calendar}'{near}", ", ".join(calendars))
    else:
        what = f"a clock in {unit} needs a calendar, and the contract has none"
        yield Finding(here, what, "engagement.business_hours, or a clock in calendar_days", "")


def _chosen(level: ServiceLevel, setting: Setting, name: str) -> object:
    assert setting.kpis is not None  # noqa: S101 (narrows the type)
    return level.parameters.get(name, setting.kpis[level.kpi].parameters[name].default)
