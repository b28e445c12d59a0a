"""Usage documents: what `plumbline price --usage` reads."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from billing.charges.values import IndexValue, LateQuantity, Meter, MeteredAmount, Usage
from governance.contract.base import Day, Exact
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.service_credits.json_lines import with_lines

T = TypeVar("T")

_KEYS = (
    "period",
    "meters",
    "service_credit",
    "indices",
    "charged_this_year",
    "charged_before",
    "milestones",
    "mean_monthly_charges",
    "late",
)
_AMOUNT_KEYS = ("amount", "age_days", "count", "recalled", "placement_age_days")
_LATE_KEYS = ("period", "quantity")
_INDEX_KEYS = ("from", "value")
_NUMBER = TypeAdapter[Decimal](Exact)
_DAY = TypeAdapter[date](Day)
_NO_PERIOD = Period(date.min, date.min)
_PERIOD_WORDS = "a month as 2026-01, a quarter as 2026-Q1 or a year as 2026"
_DAY_WORDS = "a day as 2026-01-31"
_NUMBER_WORDS = 'a decimal number as "1234.56", without thousands separators'


def read_usage(data: bytes, file: str) -> Usage:
    """Read a usage document, every number exactly as written.

    A meter is a number, a list of {amount, age_days, count}, or a mapping of role to number; an
    amount may be `recalled`, and give its `placement_age_days` besides. An index is a number, or a
    list of {from, value} where it changes within the period. `late` lists {period, quantity} by
    meter, of periods before this one.
    Raises BadInput with every problem found, each with its key path and line.
    """
    reader = _Reader(file)
    content = reader.json(data)
    document = reader.mapping(content, "", _KEYS)
    if not isinstance(content, dict):
        raise BadInput(with_lines(reader.problems, data))
    period = reader.period(document)
    usage = Usage(
        period=period,
        meters=reader.each(document, "meters", reader.meter),
        service_credit=reader.amount_off(document.get("service_credit", 0), "service_credit"),
        indices=reader.each(document, "indices", reader.index, keep=_is_constant),
        index_changes=reader.each(
            document, "indices", reader.index_changes, keep=lambda value: not _is_constant(value)
        ),
        charged_this_year=reader.number(document.get("charged_this_year", 0), "charged_this_year"),
        charged_before=reader.each(document, "charged_before", reader.number),
        milestones=reader.each(document, "milestones", reader.day),
        mean_monthly_charges=reader.optional(document, "mean_monthly_charges"),
        late=reader.each(
            document, "late", lambda value, path: reader.late_quantities(value, path, period)
        ),
    )
    if reader.problems:
        raise BadInput(with_lines(reader.problems, data))
    return usage


def _is_constant(value: Any) -> bool:
    """Whether an index holds for the whole period."""
    return not isinstance(value, list)


@dataclass(slots=True)
class _Reader:
    """Collects problems on the way; what it answers after a problem is never used."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, what: str, path: str, found: str = "", allowed: str = "") -> None:
        self.problems.append(
            Problem(what, file=self.file, column=path, found=found, allowed=allowed)
        )

    def json(self, data: bytes) -> Any:
        """The document; numbers as Decimal, repeated keys and NaN as problems."""
        try:
            return json.loads(
                data.decode("utf-8-sig"),
                parse_float=Decimal,
                parse_int=Decimal,
                parse_constant=lambda name: name,
                object_pairs_hook=self._object,
            )
        except UnicodeDecodeError as error:
            raise self._unreadable("not UTF-8 text", None, f"byte {error.start}") from None
        except json.JSONDecodeError as error:
            raise self._unreadable(f"not JSON: {error.msg}", error.lineno, "") from None
        except RecursionError:
            raise self._unreadable("nested too deeply", None, "") from None

    def _unreadable(self, what: str, line: int | None, found: str) -> BadInput:
        return BadInput.one(
            Problem(what, file=self.file, line=line, found=found, allowed="a JSON object")
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for key, value in pairs:
            if key in document:
                self.problem(f"the key {key} stands twice in one object", key)
            document[key] = value
        return document

    def mapping(self, value: Any, path: str, known: tuple[str, ...]) -> dict[str, Any]:
        """An object; any other key is a problem that names the nearest one."""
        if not isinstance(value, dict):
            self.problem("not an object", path, _shown(value), "an object with keys and values")
            return {}
        for key in value:
            if key not in known:
                self.problem(f"unknown key {key}", _join(path, key), allowed=_nearest(key, known))
        return value

    def each(
        self,
        document: Mapping[str, Any],
        name: str,
        read: Callable[[Any, str], T],
        keep: Callable[[Any], bool] = lambda _: True,
    ) -> dict[str, T]:
        """Every value of the object under `name` that `keep` accepts."""
        value = document.get(name, {})
        if not isinstance(value, dict):
            # Said once, though `indices` is read twice.
            if not any(problem.column == name for problem in self.problems):
                self.problem("not an object", name, _shown(value), "an object of names and values")
            return {}
        return {key: read(one, f"{name}.{key}") for key, one in value.items() if keep(one)}

    def period(self, document: Mapping[str, Any]) -> Period:
        """The period priced."""
        value = document.get("period")
        if value is None:
            self.problem("the usage names no period", "period", allowed=_PERIOD_WORDS)
            return _NO_PERIOD
        return self._period(value, "period")

    def _period(self, value: Any, path: str) -> Period:
        try:
            return Period.parse(value if isinstance(value, str) else _shown(value))
        except BadInput:
            self.problem("not a period", path, _shown(value), _PERIOD_WORDS)
            return _NO_PERIOD

    def day(self, value: Any, path: str) -> date:
        """A calendar day."""
        try:
            return _DAY.validate_python(value)
        except ValidationError:
            self.problem("not a day", path, _shown(value), _DAY_WORDS)
            return date.min

    def optional(self, document: Mapping[str, Any], name: str) -> Decimal | None:
        """A decimal number, or None where it isn't given."""
        value = document.get(name)
        return None if value is None else self.number(value, name)

    def truth(self, value: Any, path: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.problem("neither true nor false", path, _shown(value), "true or false")
        return value is True

    def number(self, value: Any, path: str) -> Decimal:
        """A decimal number."""
        try:
            return _NUMBER.validate_python(value)
        except ValidationError:
            self.problem("not a number", path, _shown(value), _NUMBER_WORDS)
            return Decimal(0)

    def amount_off(self, value: Any, path: str) -> Decimal:
        """An amount that comes off the fees, stated without a sign."""
        number = self.number(value, path)
        if number < 0:
            self.problem("below zero", path, _shown(value), "an amount from 0, which is deducted")
        return number

    def whole(self, value: Any, path: str, least: int | None = None) -> int:
        """A whole number, at least `least`."""
        number = self.number(value, path)
        if number != number.to_integral_value():
            self.problem("not a whole number", path, _shown(value))
        elif least is not None and number < least and not self._has(path):
            self.problem(f"less than {least}", path, _shown(value), f"{least} or more")
        return int(number)

    def meter(self, value: Any, path: str) -> Meter:
        """A number, a list of amounts, or quantities by role."""
        if isinstance(value, list):
            return tuple(
                self.metered_amount(one, f"{path}[{position}]")
                for position, one in enumerate(value)
            )
        if isinstance(value, dict):
            return {role: self.number(one, _join(path, role)) for role, one in value.items()}
        return self.number(value, path)

    def metered_amount(self, value: Any, path: str) -> MeteredAmount:
        """One entry of an amount meter."""
        entry = self.mapping(value, path, _AMOUNT_KEYS)
        if "amount" not in entry and isinstance(value, dict):
            self.problem("the entry has no amount", path, allowed=_NUMBER_WORDS)
        return MeteredAmount(
            amount=self.number(entry.get("amount", 0), f"{path}.amount"),
            age_days=self._age(entry, "age_days", path),
            count=self.whole(entry["count"], f"{path}.count", least=1) if "count" in entry else 1,
            recalled=self.truth(entry.get("recalled", False), f"{path}.recalled"),
            placement_age_days=self._age(entry, "placement_age_days", path),
        )

    def _age(self, entry: Mapping[str, Any], key: str, path: str) -> int | None:
        age = entry.get(key)
        return None if age is None else self.whole(age, f"{path}.{key}")

    def late_quantities(self, value: Any, path: str, period: Period) -> tuple[LateQuantity, ...]:
        """What was metered late, by earlier period, each of them once."""
        if not isinstance(value, list):
            self.problem("not a list", path, _shown(value), "a list of {period, quantity}")
            return ()
        found = [self._late(one, f"{path}[{at}]", period) for at, one in enumerate(value)]
        labels = [one.period for one in found]
        if len(set(labels)) < len(labels) and not self._has(path):
            self.problem("two quantities of one period", path, allowed="each period once")
        return tuple(found)

    def _late(self, value: Any, path: str, period: Period) -> LateQuantity:
        entry = self.mapping(value, path, _LATE_KEYS)
        for key in _LATE_KEYS:
            if key not in entry and isinstance(value, dict):
                self.problem(f"the entry has no {key}", path, allowed="period and quantity")
        earlier = self._period(entry["period"], f"{path}.period") if "period" in entry else period
        is_known = "period" in entry and period != _NO_PERIOD and not self._has(path)
        if is_known and earlier.end >= period.start:
            allowed = f"a period before {period.label}"
            self.problem("not an earlier period", f"{path}.period", earlier.label, allowed)
        quantity = self.meter(entry["quantity"], f"{path}.quantity") if "quantity" in entry else ()
        return LateQuantity(earlier.label, quantity)

    def index(self, value: Any, path: str) -> Decimal:
        """An index, above zero."""
        number = self.number(value, path)
        if number <= 0 and not self._has(path):
            self.problem("an index must be above zero", path, _shown(value))
        return number

    def index_changes(self, value: Any, path: str) -> tuple[IndexValue, ...]:
        """An index that changes within the period, sorted by day."""
        entries = [
            self._index_value(one, f"{path}[{position}]") for position, one in enumerate(value)
        ]
        days = [entry.since for entry in entries]
        if len(set(days)) < len(days) and not self._has(path):
            self.problem("two values from one day", path)
        return tuple(sorted(entries, key=lambda entry: entry.since))

    def _index_value(self, value: Any, path: str) -> IndexValue:
        entry = self.mapping(value, path, _INDEX_KEYS)
        since = self.day(entry.get("from"), f"{path}.from")
        return IndexValue(since, self.index(entry.get("value"), f"{path}.value"))

    def _has(self, path: str) -> bool:
        return any(problem.column.startswith(path) for problem in self.problems)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _nearest(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
    names = ", ".join(known)
    return f"did you mean {near[0]}? Keys here: {names}" if near else f"keys here: {names}"


def _shown(value: Any) -> str:
    """The value as JSON writes it, cut to a length that fits a message."""
    is_number = isinstance(value, Decimal)
    text = str(value) if is_number else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
