"""Reading the results that service credits are computed from.

Source: the contract language, section "Service credits", the file behind `--results`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from governance.contract.base import Day
from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.service_credits.json_lines import with_lines
from sla.service_credits.values import Claims, LevelResult, PeriodResults

_KEYS = ("periods", "as_of")
_PERIOD_KEYS = ("period", "charges", "results", "milestones", "chosen", "claimed_on")
_RESULT_KEYS = ("value", "incident", "excused")
_DAY = TypeAdapter[date](Day)
_LARGEST_EXPONENT = 24
"""Numbers beyond 10^24 are slips of the pen, and would cost memory to write out."""


def read_results(data: bytes, file: str, contract: Contract) -> tuple[PeriodResults, ...]:
    """Periods with their charges and results, oldest first, all numbers exact.

    A result is null (no data), a number or text of one, or an object with `value`, `incident`
    and `excused`. A period may say which critical `milestones` were reached on which day, which
    service level is `chosen` for an incident, and when its credit was `claimed_on`; `as_of` says
    for the whole file by which day claims are known. Without either nothing is known of claims.

    Raises BadInput with every problem: no JSON, unknown or missing keys, unknown service levels,
    milestones and incidents, wrong numbers and days, periods that overlap or stand out of order,
    and choices or claims that the contract leaves no room for.
    """
    reader = _Reader(file, _Known.of(contract))
    periods = tuple(reader.periods(_parse(data, file)))
    if reader.problems:
        raise BadInput(with_lines(reader.problems, data))
    return periods


def _parse(data: bytes, file: str) -> Any:
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_duplicates,
        )
    except json.JSONDecodeError as error:
        problem = Problem(f"is not JSON: {error.msg}", file=file, line=error.lineno)
    except UnicodeDecodeError:
        problem = Problem("is not JSON: the text is not UTF-8", file=file)
    except RecursionError:
        problem = Problem("is not JSON of results: nested too deeply", file=file)
    except _UnreadableJson as error:
        problem = Problem(str(error), file=file)
    raise BadInput.one(problem)


class _UnreadableJson(Exception):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _UnreadableJson(f"{name} is not a number that can be computed with")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise _UnreadableJson(f"the key '{key}' stands twice in one object")
    return dict(pairs)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the contract lets results speak of."""

    levels: tuple[str, ...]
    milestones: tuple[str, ...]
    may_choose: bool
    """Whether the client chooses which miss of an incident counts."""
    may_claim: bool

    @classmethod
    def of(cls, contract: Contract) -> _Known:
        terms = contract.service_credits
        return cls(
            levels=tuple(level.id for level in contract.service_levels),
            milestones=() if terms is None else tuple(one.id for one in terms.milestones),
            may_choose=terms is not None and terms.incidents == "chosen",
            may_claim=terms is not None and terms.claim_within_days is not None,
        )


@dataclass(slots=True)
class _Reader:
    """Collects problems while it reads, so that all of them are reported at once."""

    file: str
    known: _Known
    as_of: date | None = None
    problems: list[Problem] = field(default_factory=list)

    def periods(self, document: Any) -> Iterator[PeriodResults]:
        if not isinstance(document, dict) or not isinstance(document.get("periods"), list):
            self._report("has no list of periods", "", allowed='{"periods": [{…}, …]}')
            return
        self._report_unknown_keys(document, _KEYS, "")
        self.as_of = self._day(document.get("as_of"), "as_of")
        if not document["periods"]:
            self._report("has no period", "periods", allowed="at least one period")
        read = [
            self._period(entry, f"periods[{index}]")
            for index, entry in enumerate(document["periods"])
        ]
        found = [each for each in read if each is not None]
        self._check_order(found)
        yield from found

    def _period(self, entry: Any, path: str) -> PeriodResults | None:
        if not isinstance(entry, dict):
            self._report("is not an object", path, allowed='{"period": …, "charges": …, …}')
            return None
        self._report_unknown_keys(entry, _PERIOD_KEYS, path)
        period = self._period_label(entry.get("period"), f"{path}.period")
        charges = self._charges(entry.get("charges"), f"{path}.charges")
        results = self._results(entry.get("results"), f"{path}.results")
        milestones = self._milestones(entry.get("milestones"), f"{path}.milestones")
        chosen = self._chosen(entry.get("chosen"), results, f"{path}.chosen")
        claims = self._claims(entry.get("claimed_on"), period, f"{path}.claimed_on")
        if period is None or charges is None:
            return None
        return PeriodResults(period, charges, results, milestones, chosen, claims)

    def _period_label(self, label: Any, path: str) -> Period | None:
        try:
            return Period.parse(label if isinstance(label, str) else "")
        except BadInput as error:
            allowed = error.problems[0].allowed
            self._report("is not a period", path, found=_shown(label), allowed=allowed)
            return None

    def _charges(self, value: Any, path: str) -> Decimal | None:
        charges = self._number(value, path)
        if charges is not None and charges < 0:
            self._report("is below zero", path, found=_shown(value), allowed="an amount from 0")
        return charges

    def _results(self, results: Any, path: str) -> Mapping[str, LevelResult]:
        if not isinstance(results, dict):
            self._report("is not an object", path, allowed="results by service level id")
            return {}
        for level_id in results:
            if level_id not in self.known.levels:
                self._report_unknown(level_id, self.known.levels, path, "service level")
        return {
            level_id: self._result(result, f"{path}.{level_id}")
            for level_id, result in results.items()
        }

    def _result(self, result: Any, path: str) -> LevelResult:
        if not isinstance(result, dict):
            return LevelResult(None if result is None else self._number(result, path))
        self._report_unknown_keys(result, _RESULT_KEYS, path)
        value, incident = result.get("value"), result.get("incident")
        excused = result.get("excused", False)
        if incident is not None and (not isinstance(incident, str) or not incident.strip()):
            self._report("is not a text", f"{path}.incident", found=_shown(incident))
        if not isinstance(excused, bool):
            self._report("is neither true nor false", f"{path}.excused", found=_shown(excused))
        return LevelResult(
            value=None if value is None else self._number(value, f"{path}.value"),
            incident=incident.strip() if isinstance(incident, str) else None,
            excused=excused is True,
        )

    def _milestones(self, reached: Any, path: str) -> Mapping[str, date]:
        if reached is None:
            return {}
        if not isinstance(reached, dict):
            self._report("is not an object", path, allowed="days by milestone id")
            return {}
        for milestone in reached:
            if milestone not in self.known.milestones:
                self._report_unknown(milestone, self.known.milestones, path, "milestone")
        days = {name: self._day(day, f"{path}.{name}") for name, day in reached.items()}
        return {name: day for name, day in days.items() if day is not None}

    def _chosen(
        self, chosen: Any, results: Mapping[str, LevelResult], path: str
    ) -> Mapping[str, str]:
        if chosen is None:
            return {}
        if not isinstance(chosen, dict):
            self._report("is not an object", path, allowed="service level ids by incident")
            return {}
        if not self.known.may_choose and chosen:
            what = "can't be chosen, since the largest credit of an incident counts"
            self._report(what, path, allowed="service_credits.incidents: chosen in the contract")
        for incident, level_id in chosen.items():
            self._check_choice(incident, level_id, results, f"{path}.{incident}")
        return {incident: level for incident, level in chosen.items() if isinstance(level, str)}

    def _check_choice(
        self, incident: str, level_id: Any, results: Mapping[str, LevelResult], path: str
    ) -> None:
        of_incident = [name for name, one in results.items() if one.incident == incident]
        if not of_incident:
            self._report(f"no result of the period is of the incident '{incident}'", path)
        elif level_id not in of_incident:
            self._report(
                f"the incident '{incident}' is not behind this service level's result",
                path,
                found=_shown(level_id),
                allowed=", ".join(of_incident),
            )

    def _claims(self, value: Any, period: Period | None, path: str) -> Claims | None:
        claimed_on = self._day(value, path)
        if claimed_on is not None and not self.known.may_claim:
            what = "nothing needs to be claimed, since the contract has no claim_within_days"
            self._report(what, path, found=_shown(value))
        if claimed_on is not None and period is not None and claimed_on < period.start:
            self._report("was claimed before the period", path, _shown(value), f"{period.start} on")
        as_of = self.as_of or claimed_on
        if as_of is None:
            return None
        if claimed_on is not None and claimed_on > as_of:
            self._report("was claimed after as_of", path, _shown(value), f"{as_of} or earlier")
        return Claims(as_of, claimed_on)

    def _day(self, value: Any, path: str) -> date | None:
        if value is None:
            return None
        try:
            return _DAY.validate_python(value)
        except ValidationError:
            self._report("is not a day", path, found=_shown(value), allowed="a day as 2026-01-31")
            return None

    def _number(self, value: Any, path: str) -> Decimal | None:
        try:
            number = Decimal(value.strip()) if isinstance(value, str) else value
        except InvalidOperation:
            number = None
        if isinstance(number, Decimal) and number.is_finite():
            if abs(number.adjusted()) <= _LARGEST_EXPONENT:
                return number
            self._report("is out of all proportion", path, found=_shown(value))
            return None
        self._report("is not a decimal number", path, found=_shown(value), allowed='as in "98.5"')
        return None

    def _check_order(self, periods: list[PeriodResults]) -> None:
        for before, after in pairwise(periods):
            if after.period.start <= before.period.end:
                self._report(
                    f"{after.period.label} stands after {before.period.label}",
                    "periods",
                    allowed="every period once, the oldest first, without overlaps",
                )

    def _report_unknown_keys(
        self, entry: Mapping[str, Any], known: tuple[str, ...], path: str
    ) -> None:
        for key in entry:
            if key not in known:
                self._report_unknown(key, known, path, "key")

    def _report_unknown(self, name: str, known: tuple[str, ...], path: str, kind: str) -> None:
        nearest = get_close_matches(name, known, n=1, cutoff=0)
        allowed = f"the nearest known one is '{nearest[0]}'" if nearest else "there are none"
        self._report(f"unknown {kind} '{name}'", path, found=name, allowed=allowed)

    def _report(self, what: str, path: str, found: str = "", allowed: str = "") -> None:
        self.problems.append(
            Problem(what, file=self.file, column=path, found=found, allowed=allowed)
        )


def _shown(value: Any) -> str:
    """A value as the file has it, cut where it is long."""
    is_number = isinstance(value, Decimal)
    text = str(value) if is_number else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"
