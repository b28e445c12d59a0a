"""Rules of an import profile as SQL: what a column's rule makes of a source row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sla.evidence.datasets import Column, Kind
from sla.evidence.mapping import text_of
from sla.evidence.profile_parts import (
    ISO_DATE,
    ColumnRule,
    OtherRow,
    Profile,
    Terms,
    template_parts,
)
from sla.evidence.sources import Source
from sla.evidence.sql import instant, literal, typed

DECIMALS = frozenset({Kind.AMOUNT, Kind.NUMBER, Kind.RATE, Kind.INDEX})
_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP})
_PLAIN = r"-?[0-9]{1,14}(\.[0-9]+)?"
"""A number whose exact value the engine's widest decimal holds."""
_WIDE = "DECIMAL(38, 18)"
_OFFSET = r"([0-9]:[0-9]{2}.*?)(Z|[+-][0-9]{2}:?[0-9]{2})$"
_ONE_NUMBER = r"[^0-9]*([0-9]{1,4})[^0-9]*"
REMAINING = "remaining"
"""Column of a relation that holds what remains of the invoice."""

Read = tuple[str, OtherRow]
"""A source column that is read in another row."""


def other_rows(rule: ColumnRule) -> Iterator[Read]:
    """What the rule reads in other rows."""
    for each in rule.rules():
        if each.of is not None and each.column is not None:
            yield each.column, each.of


@dataclass(frozen=True, slots=True)
class Values:
    """Compiles the rules of one table of a profile."""

    profile: Profile
    source: Source
    zone: str
    others: Mapping[Read, str] = field(default_factory=dict)
    """SQL names under which columns of other rows stand in the relation."""

    def text(self, column: str) -> str:
        """A source column as trimmed text, NULL where it is empty."""
        return text_of(self.source, column)

    def number(self, column: str) -> str:
        """A source column as a decimal, NULL where it is none."""
        return _decimal(self._number_text(self.text(column))[0])

    def raw(self, rule: ColumnRule) -> str:
        """What the source holds, as text; NULL where nothing is written."""
        further = [self.raw(each) for each in (rule.minus, rule.plus) if each is not None]
        own = self._own(rule)
        return f"coalesce({', '.join([own, *further])})" if further else own

    def _own(self, rule: ColumnRule) -> str:
        """The same without what is added or taken off."""
        raw = self._origin(rule)
        if rule.before is not None:
            raw = f"nullif(trim(split_part({raw}, {literal(rule.before)}, 1)), '')"
        if rule.after is not None:
            raw = _after(raw, rule.after)
        if rule.whole:
            raw = rf"regexp_replace({raw}, '^([0-9]+)\.0+$', '\1')"
        if rule.pad is not None:
            digits = f"regexp_full_match({raw}, '[0-9]{{1,{rule.pad}}}')"
            raw = f"CASE WHEN {digits} THEN lpad({raw}, {rule.pad}, '0') ELSE {raw} END"
        if rule.if_empty is not None:
            raw = f"coalesce({raw}, {literal(rule.if_empty)})"
        return raw

    def _origin(self, rule: ColumnRule) -> str:
        if rule.value is not None:
            return literal(rule.value)
        if rule.template is not None:
            parts = [
                literal(text) + (f" || {self.text(name)}" if name else "")
                for text, name in template_parts(rule.template)
            ]
            return f"({' || '.join(parts)})"
        if rule.remaining:
            return f"CAST({REMAINING} AS VARCHAR)"
        if rule.first_of is not None:
            return f"coalesce({', '.join(self.raw(each) for each in rule.first_of)})"
        return self._column(rule)

    def _column(self, rule: ColumnRule) -> str:
        column = str(rule.column)
        return self.text(column) if rule.of is None else self.others[column, rule.of]

    def value(self, column: Column, rule: ColumnRule) -> tuple[str, str]:
        """SQL of the typed value, and what is accepted where that isn't the usual."""
        if rule.first_of is not None:
            value, expected = self._first_value(column, rule, rule.first_of)
        else:
            value, expected = self._own_value(column, rule)
        if rule.plus_days is None:
            return value, expected
        return self._shifted(value, rule.plus_days), expected

    def _first_value(
        self, column: Column, rule: ColumnRule, rules: tuple[ColumnRule, ...]
    ) -> tuple[str, str]:
        read = [(self.raw(each), *self.value(column, each)) for each in rules]
        cases = " ".join(f"WHEN {raw} IS NOT NULL THEN {value}" for raw, value, _ in read)
        otherwise = literal(rule.if_empty) if rule.if_empty is not None else "NULL"
        expected = next((each for *_, each in read if each), "")
        return f"CASE {cases} ELSE {typed(column, otherwise, self.zone)} END", expected

    def _own_value(self, column: Column, rule: ColumnRule) -> tuple[str, str]:
        raw = self.raw(rule)
        if rule.codes is not None:
            return typed(column, _coded(raw, rule), self.zone), _known_codes(rule)
        if column.kind in _TIMES and rule.column is not None:
            return self._time(column, rule, raw)
        if column.kind in DECIMALS and rule.column is not None:
            text, expected = self._number(rule)
            return typed(column, text, self.zone), expected
        return typed(column, raw, self.zone), ""

    def _time(self, column: Column, rule: ColumnRule, raw: str) -> tuple[str, str]:
        stated = rule.format or self.profile.date_format
        expected = f"a date of the form {stated}"
        if self.source.types[str(rule.column)] != "VARCHAR":
            return typed(column, raw, self.zone), ""
        if self.profile.offsets == "as_written":
            raw, stated = rf"regexp_replace({raw}, '{_OFFSET}', '\1')", stated.replace("%z", "")
        if stated == ISO_DATE:
            return typed(column, raw, self.zone), ""
        return _parsed_time(column, raw, stated, self.zone), expected

    def instant(self, column: Column, rule: ColumnRule) -> str:
        """SQL of the instant of a timestamp written with an offset; empty where none can be."""
        as_it_is = rule.column is not None and rule.codes is None and rule.plus_days is None
        if column.kind is not Kind.TIMESTAMP or not as_it_is or rule.first_of is not None:
            return ""
        if self.profile.offsets == "as_written":
            return ""
        stated, raw = rule.format or self.profile.date_format, self.raw(rule)
        if stated == ISO_DATE or self.source.types[str(rule.column)] != "VARCHAR":
            return instant(raw)
        return _parsed_time(column, raw, stated, "UTC") if "%z" in stated else ""

    def _number(self, rule: ColumnRule) -> tuple[str, str]:
        """SQL of a number as plain text, NULL where it can't be read."""
        text, expected = self._number_text(self._own(rule))
        if rule.minus is not None or rule.plus is not None:
            text = self._sum(text, rule)
        if rule.round is not None:
            text = _rounded(text, rule.round)
        if rule.sign == "reversed":
            text = (
                f"CASE WHEN {text} LIKE '-%' THEN substr({text}, 2) "
                rf"WHEN regexp_full_match({text}, '0+(\.0+)?') THEN {text} ELSE '-' || {text} END"
            )
        if rule.sign == "absolute":
            text = f"ltrim({text}, '-')"
        return text, expected

    def _sum(self, text: str, rule: ColumnRule) -> str:
        own = self._term(text, self._own(rule))
        terms = [
            f"{sign} {self._term(self._number(other)[0], self.raw(other))}"
            for sign, other in (("-", rule.minus), ("+", rule.plus))
            if other is not None
        ]
        # A number that can't be read makes the sum NULL; an empty one counts as nothing.
        given = f"{self.raw(rule)} IS NOT NULL"
        return f"CASE WHEN {given} THEN CAST({own} {' '.join(terms)} AS VARCHAR) END"

    def _term(self, text: str, raw: str) -> str:
        return f"(CASE WHEN {raw} IS NULL THEN 0 ELSE {_decimal(text)} END)"

    def _shifted(self, value: str, days: int | Terms) -> str:
        if isinstance(days, int):
            return f"CAST({value} + {days} AS DATE)"
        text = self.text(days.column)
        if days.codes is None:
            # One number in the text says how many days; several would be a guess.
            matched = rf"regexp_full_match({text}, '{_ONE_NUMBER}')"
            number = rf"CAST(regexp_extract({text}, '{_ONE_NUMBER}', 1) AS INTEGER)"
            cases = f"WHEN {matched} THEN {number}"
        else:
            cases = " ".join(f"WHEN {text} = {literal(k)} THEN {v}" for k, v in days.codes.items())
        default = "NULL" if days.default is None else str(days.default)
        return f"CAST({value} + CASE {cases} ELSE {default} END AS DATE)"

    def _number_text(self, raw: str) -> tuple[str, str]:
        """A number in the profile's writing as plain text, NULL where it isn't one."""
        profile = self.profile
        mark, thousands = profile.decimal_mark, profile.thousands_mark
        for extra in profile.number_marks:
            raw = f"trim(replace({raw}, {literal(extra)}, ''))"
        usual = (mark, thousands, profile.negatives, profile.number_marks)
        if usual == (".", "", "minus", ()):
            return raw, ""
        raw = f"CASE {_NEGATIVES[profile.negatives].format(raw=raw)} ELSE {raw} END"
        grouped = f"[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
        pattern = f"-?({grouped}[0-9]+)({re.escape(mark)}[0-9]+)?"
        plain = f"replace({raw}, {literal(mark)}, '.')"
        if thousands:
            plain = f"replace(replace({raw}, {literal(thousands)}, ''), {literal(mark)}, '.')"
        text = f"CASE WHEN regexp_full_match({raw}, {literal(pattern)}) THEN {plain} END"
        return text, f"a number of the form 1{thousands}234{mark}56"


_NEGATIVES = {
    "minus": "WHEN false THEN NULL",
    "trailing_minus": "WHEN suffix({raw}, '-') THEN '-' || rtrim(rtrim({raw}, '-'))",
    "brackets": "WHEN {raw} LIKE '(%)' THEN '-' || trim({raw}, '()')",
}


def _after(raw: str, mark: str) -> str:
    place = f"strpos({raw}, {literal(mark)})"
    rest = f"nullif(trim(substr({raw}, {place} + {len(mark)})), '')"
    return f"CASE WHEN {place} > 0 THEN {rest} ELSE {raw} END"


def _coded(raw: str, rule: ColumnRule) -> str:
    codes = rule.codes or {}
    fold = str.lower if rule.ignore_case else str
    cases = " ".join(f"WHEN {literal(fold(k))} THEN {literal(v)}" for k, v in codes.items())
    text = f"lower({raw})" if rule.ignore_case else raw
    if rule.default is None:
        return f"CASE {text} {cases} END"
    listed = f"CASE {text} {cases} ELSE {literal(rule.default)} END"
    return f"CASE WHEN {raw} IS NOT NULL THEN {listed} END"


def _known_codes(rule: ColumnRule) -> str:
    return f"one of {', '.join(rule.codes or {})}"


def _decimal(text: str) -> str:
    plain = f"regexp_full_match({text}, '{_PLAIN}')"
    return f"CASE WHEN {plain} THEN TRY_CAST({text} AS {_WIDE}) END"


def _parsed_time(column: Column, raw: str, stated: str, zone: str) -> str:
    # A year below 1000 is two digits read as four ("1/2/13" by %Y), never meant so.
    parsed = f"try_strptime({raw}, {literal(stated)})"
    local = f"{parsed} AT TIME ZONE {literal(zone)}" if "%z" in stated else parsed
    return f"CASE WHEN year({parsed}) >= 1000 THEN CAST({local} AS {column.sql_type}) END"


def _rounded(text: str, places: int) -> str:
    plain = f"regexp_full_match({text}, '{_PLAIN}')"
    exact = f"TRY_CAST({text} AS {_WIDE})"
    return f"CASE WHEN {plain} THEN CAST(round({exact}, {places}) AS VARCHAR) ELSE {text} END"
