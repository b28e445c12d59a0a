"""Usage documents: what `plumbline price --usage` reads."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from billing.charges.values import IndexValue, Meter, MeteredAmount, Usage
from governance.contract.base import Exact
from governance.errors import BadInput, Problem
from governance.values import Period
from sla.service_credits.json_lines import with_lines

T = TypeVar("T")

_KEYS = ("period", "meters", "service_credit", "indices", "charged_this_year")
_AMOUNT_KEYS = ("amount", "age_days", "count")
_INDEX_KEYS = ("from", "value")
_NUMBER = TypeAdapter[Decimal](Exact)
_NO_PERIOD = Period(date.min, date.min)
_NUMBER_WORDS = 'a decimal number as "1234.56", without thousands separators'


def read_usage(data: bytes, file: str) -> Usage:
    """Read a usage document, every number exactly as written.

    A meter is a number, a list of {amount, age_days, count}, or a mapping of role to number;
    an index is a number, or a list of {from, value} where it changes within the period.
    Raises BadInput with every problem found, each with its key path and line.
    """
    reader = _Reader(file)
    content = reader.json(data)
    document = reader.mapping(content, "", _KEYS)
    if not isinstance(content, dict):
        raise BadInput(with_lines(reader.problems, data))
    usage = Usage(
        period=reader.period(document),
        meters=reader.each(document, "meters", reader.meter),
        service_credit=reader.amount_off(document.get("service_credit", 0), "service_credit"),
        indices=reader.each(document, "indices", reader.index, keep=_is_constant),
        index_changes=reader.each(
            document, "indices", reader.index_changes, keep=lambda value: not _is_constant(value)
        ),
        charged_this_year=reader.number(document.get("charged_this_year", 0), "charged_this_year"),
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

    def mapping(self, value: Any, path: str, keys: Iterable[str] | None = None) -> dict[str, Any]:
        """An object; with `keys`, any other key is a problem that names the nearest one."""
        if not isinstance(value, dict):
            self.problem("not an object", path, _shown(value), "an object with keys and values")
            return {}
        known = tuple(keys) if keys is not None else tuple(value)
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
        allowed = "a month as 2026-01, a quarter as 2026-Q1 or a year as 2026"
        if value is None:
            self.problem("the usage names no period", "period", allowed=allowed)
            return _NO_PERIOD
        try:
            return Period.parse(value if isinstance(value, str) else _shown(value))
        except BadInput:
            self.problem("not a period", "period", _shown(value), allowed)
            return _NO_PERIOD

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
        elif least is not None and number < least and isinstance(value, str | int | Decimal):
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
        age = entry.get("age_days")
        return MeteredAmount(
            amount=self.number(entry.get("amount", 0), f"{path}.amount"),
            age_days=None if age is None else self.whole(age, f"{path}.age_days"),
            count=self.whole(entry["count"], f"{path}.count", least=1) if "count" in entry else 1,
        )

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
        since = date.min
        try:
            since = date.fromisoformat(str(entry.get("from", "")))
        except ValueError:
            self.problem(
                "not a day", f"{path}.from", _shown(entry.get("from")), "a day as 2026-01-31"
            )
        return IndexValue(since, self.index(entry.get("value", ""), f"{path}.value"))

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
    text = f"{value}" if isinstance(value, Decimal) else json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
